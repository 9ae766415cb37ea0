//! Prices of the user's own, as configuration has them: a list of entries, each for some models.

use langley_engine::PriceOverride;
use langley_model::{CostClass, Provider, Rate, Rates};
use serde_json::{Map, Value, json};

/// What an entry takes beside the prices.
const PATTERN: &str = "model_pattern";
const PROVIDER: &str = "provider";
const FROM: &str = "effective_date";

/// The ending of a price for a thousand tokens.
const PER_THOUSAND: &str = "_per_1k";

/// The list in its settled form: prices as text, for a million tokens (a thousand calls).
///
/// # Errors
/// A sentence that names the entry, the member and what is accepted.
pub(crate) fn accept(value: &Value) -> Result<Value, String> {
    let parsed;
    let value = match value {
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text)
                .map_err(|_| "as text it must be a list in JSON".to_owned())?;
            &parsed
        }
        value => value,
    };
    let Value::Array(entries) = value else {
        return Err(format!("it is not a list of entries, each with `{PATTERN}` and prices"));
    };
    let settled = (1..).zip(entries).map(|(number, entry)| {
        let fail = |what: String| format!("entry {number}: {what}");
        let settled = settle(entry).map_err(fail)?;
        read(&settled).map_err(fail)?;
        Ok(Value::Object(settled))
    });
    Ok(Value::Array(settled.collect::<Result<_, String>>()?))
}

/// The prices of a list in its settled form.
pub(crate) fn overrides(value: Option<&Value>) -> Vec<PriceOverride> {
    let entries = value.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(Value::as_object).filter_map(|entry| read(entry).ok()).collect()
}

fn settle(entry: &Value) -> Result<Map<String, Value>, String> {
    let Value::Object(members) = entry else {
        return Err(format!("it is not a section with `{PATTERN}` and prices"));
    };
    let mut settled = Map::new();
    for (name, value) in members {
        let bare = name.strip_suffix(PER_THOUSAND);
        let class = CostClass::parse(bare.unwrap_or(name));
        let text = text(value).ok_or_else(|| format!("`{name}` is not a value"))?;
        let (name, text) = match class {
            None if [PATTERN, PROVIDER, FROM].contains(&name.as_str()) => (name.as_str(), text),
            None => return Err(format!("`{name}` is not known; accepted are {}", accepted())),
            Some(class) => {
                let rate = if bare.is_some() && class.is_tokens() {
                    Rate::per_thousand(&text).map(|rate| rate.to_string())
                } else {
                    rate(class, &text).map(|_| text)
                };
                let accepted = || format!("`{name}` is not a price in dollars, as 2.5");
                (class.as_str(), rate.ok_or_else(accepted)?)
            }
        };
        if settled.insert(name.to_owned(), json!(text)).is_some() {
            return Err(format!("`{name}` is given twice, once for a thousand tokens"));
        }
    }
    Ok(settled)
}

fn read(entry: &Map<String, Value>) -> Result<PriceOverride, String> {
    let word = |name: &str| entry.get(name).and_then(Value::as_str);
    let pattern = word(PATTERN).ok_or_else(|| format!("`{PATTERN}` is missing"))?;
    let provider = word(PROVIDER).map(|name| {
        let known = || Provider::ALL.map(Provider::as_str).join(", ");
        Provider::parse(name).ok_or_else(|| format!("`{PROVIDER}` is none of {}", known()))
    });
    let mut rates = Rates::default();
    for class in CostClass::ALL {
        rates.set(class, word(class.as_str()).and_then(|text| rate(class, text)));
    }
    if rates == Rates::default() {
        return Err(format!("it has no price; accepted are {}", accepted()));
    }
    PriceOverride::new(pattern, provider.transpose()?, word(FROM), rates)
}

/// Reads a price: of tokens for a million, of calls for a thousand.
fn rate(class: CostClass, text: &str) -> Option<Rate> {
    if class.is_tokens() { Rate::per_million(text) } else { Rate::per_thousand(text) }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        // What YAML reads as a number is written as short as it can be read back.
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn accepted() -> String {
    let classes = CostClass::ALL.map(CostClass::as_str).join(", ");
    format!(
        "{PATTERN}, {PROVIDER}, {FROM}, {classes}, and each class of tokens with {PER_THOUSAND}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_for_a_thousand_are_read_as_those_for_a_million() {
        let given = json!([
            {"model_pattern": "^claude", "input_per_1k": 0.003, "output": 15, "web_search": 10},
            {"model_pattern": "x", "provider": "bedrock", "effective_date": "2026-11-15", "input": "0.25"},
        ]);
        let settled = accept(&given).unwrap();
        assert_eq!(
            settled,
            json!([
                {"model_pattern": "^claude", "input": "3", "output": "15", "web_search": "10"},
                {"model_pattern": "x", "provider": "bedrock", "effective_date": "2026-11-15", "input": "0.25"},
            ])
        );
        assert_eq!(accept(&settled), Ok(settled.clone()), "settled once is settled");
        assert_eq!(accept(&json!(settled.to_string())), Ok(settled.clone()), "as text too");
        assert_eq!(overrides(Some(&settled)).len(), 2);
    }

    #[test]
    fn a_mistake_is_named_with_its_entry_and_what_is_accepted() {
        let wrong = |value: Value| accept(&value).unwrap_err();
        for (value, said) in [
            (json!("x"), "a list in JSON"),
            (json!({}), "not a list"),
            (json!([1]), "entry 1: it is not a section"),
            (
                json!([{"model_pattern": "a", "input": 1}, {"input": 1}]),
                "entry 2: `model_pattern` is missing",
            ),
            (json!([{"model_pattern": "a"}]), "entry 1: it has no price"),
            (json!([{"model_pattern": "(", "input": 1}]), "`(` is not a regular expression"),
            (
                json!([{"model_pattern": "a", "inptu": 1}]),
                "`inptu` is not known; accepted are model_pattern",
            ),
            (json!([{"model_pattern": "a", "input": -1}]), "`input` is not a price"),
            (json!([{"model_pattern": "a", "input": 1, "input_per_1k": 1}]), "given twice"),
            (json!([{"model_pattern": "a", "input": 1, "provider": "acme"}]), "none of anthropic"),
            (
                json!([{"model_pattern": "a", "input": 1, "effective_date": "soon"}]),
                "`soon` is not a day",
            ),
        ] {
            let error = wrong(value);
            assert!(error.contains(said), "{error}");
        }
    }
}
