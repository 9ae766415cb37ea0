//! The price book: checked, shown, and compared with a table of somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use langley_engine::{Model, PriceBook};
use langley_model::{CostClass, Provider, Rate, Rates};
use serde_json::Value;

use crate::workspace;

/// The facts, as they are vendored.
const BOOK: &str = "crates/engine/src/price/prices.json";

/// Where answers of providers lie that tests decode.
const CASSETTES: [&str; 2] = ["crates/protocol/tests/cassettes", "crates/testkit/cassettes"];

/// Models of those answers that nobody sells, so that what is unpriced is tested too.
const MADE_UP: [&str; 7] = [
    "claude-x",
    "compound",
    "gpt-5-mini-2026",
    "gpt-5.4-codex",
    "magistral-medium",
    "some/model",
    "gemini-test",
];

/// A price may differ by this part of it (in a thousand) before it is told.
const TOLERATED: f64 = 0.001;

/// Options of `prices`.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct PricesOptions {
    /// Check the book: its form, its days, its order of magnitude, and that the models of the recorded
    /// answers are in it
    #[arg(long)]
    check: bool,

    /// Print what is known of a model
    #[arg(long, value_name = "MODEL")]
    show: Option<String>,

    /// Compare with a file of genai-prices (`data.json`) or of litellm
    /// (`model_prices_and_context_window.json`)
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Does what is asked.
///
/// # Errors
/// The book has a fault, a model is not in it, or a file cannot be read.
pub(crate) fn prices(options: &PricesOptions) -> Result<()> {
    let path = workspace::root().join(BOOK);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let book = PriceBook::parse(&text).with_context(|| BOOK.to_owned())?;
    if let Some(model) = &options.show {
        return show(&book, model);
    }
    if let Some(file) = &options.against {
        return against(&book, file);
    }
    ensure!(options.check, "nothing was asked for");
    check(&book)
}

fn check(book: &PriceBook) -> Result<()> {
    let mut faults = Vec::new();
    for model in book.models() {
        for card in &model.cards {
            let rates =
                std::iter::once(&card.rates).chain(card.long.as_ref().map(|(_, rates)| rates));
            faults.extend(rates.filter_map(|rates| fault(model, rates)));
        }
    }
    for model in recorded_models()? {
        let is_known = Provider::ALL.into_iter().any(|it| book.model(it, &model).is_some());
        if !is_known && !MADE_UP.contains(&model.as_str()) {
            faults.push(format!("{model}: recorded, and not in the book"));
        }
    }
    if !faults.is_empty() {
        bail!("the price book has faults:\n  {}", faults.join("\n  "));
    }
    println!("{} models, version {}", book.models().len(), book.version());
    Ok(())
}

/// What is unlikely about prices: most faults of such a book are a digit or a column.
fn fault(model: &Model, rates: &Rates) -> Option<String> {
    let name = format!("{} {}", model.provider.as_str(), model.names.first()?);
    let of = |class| rates.of(class);
    let Some(input) = of(CostClass::Input) else {
        return Some(format!("{name}: no price of input"));
    };
    let beyond = |class: CostClass, least: u32, most: u32| {
        let rate = of(class)?;
        let is_within = input.percent(least)? <= rate && rate <= input.percent(most)?;
        (!is_within).then(|| format!("{name}: {} is {rate}, input {input}", class.as_str()))
    };
    beyond(CostClass::CacheRead, 0, 60)
        .or_else(|| beyond(CostClass::CacheWrite5m, 100, 130))
        .or_else(|| beyond(CostClass::CacheWrite1h, 150, 210))
        .or_else(|| beyond(CostClass::Output, 100, 1_000))
}

/// The models that recorded answers name.
fn recorded_models() -> Result<BTreeSet<String>> {
    let named = regex::bytes::Regex::new(r#""(?:model|modelVersion)": ?"([^"]+)""#)?;
    let mut models = BTreeSet::new();
    let mut folders: Vec<PathBuf> = CASSETTES.iter().map(|it| workspace::root().join(it)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path)?;
            for found in named.captures_iter(&bytes) {
                models.insert(String::from_utf8_lossy(&found[1]).into_owned());
            }
        }
    }
    Ok(models)
}

fn show(book: &PriceBook, name: &str) -> Result<()> {
    let mut shown = Vec::new();
    for provider in Provider::ALL {
        let Some(model) = book.model(provider, name) else { continue };
        println!("{} {}", provider.as_str(), model.names.join(", "));
        if shown.contains(&model.names) {
            println!("  as above");
            continue;
        }
        shown.push(model.names.clone());
        if let Some(window) = model.window {
            println!("  window {window} tokens");
        }
        for (word, percent) in model
            .regional
            .map(|it| ("in one region", it))
            .into_iter()
            .chain(model.tiers.iter().map(|(word, percent)| (word.as_str(), *percent)))
        {
            println!("  {word}: {percent} % of the token prices");
        }
        for card in &model.cards {
            match card.from {
                Some(day) => println!("  from {}", date(day)),
                None => println!("  always"),
            }
            println!("    {}", in_words(&card.rates));
            if let Some((above, rates)) = &card.long {
                println!("    prompts above {above} tokens: {}", in_words(rates));
            }
            if let Some(peak) = &card.peak {
                println!("    at {:?} o'clock UTC: {} %", peak.hours, peak.percent);
            }
        }
    }
    ensure!(!shown.is_empty(), "`{name}` is not in the price book");
    Ok(())
}

fn in_words(rates: &Rates) -> String {
    let priced = CostClass::ALL
        .into_iter()
        .filter_map(|class| Some(format!("{} {}", class.as_str(), rates.of(class)?)));
    priced.collect::<Vec<_>>().join(", ")
}

/// A day since 1970-01-01, as 2026-01-31 (the civil calendar by its own arithmetic).
fn date(day: i64) -> String {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Prices of a model by class, as another table has them: dollars for a million tokens.
type Theirs = BTreeMap<CostClass, f64>;

fn against(book: &PriceBook, file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let table: Value = serde_json::from_str(&text).context("no JSON")?;
    let theirs = if table["providers"].is_array() { genai(&table) } else { litellm(&table) };
    ensure!(!theirs.is_empty(), "{} is neither of the two forms", file.display());
    let (mut compared, mut differences) = (0, 0);
    for ((provider, name), prices) in &theirs {
        let Some(model) = book.model(*provider, name) else { continue };
        if model.provider != *provider {
            continue;
        }
        compared += 1;
        let Some(card) = model.cards.last() else { continue };
        for (class, price) in prices {
            let ours = card.rates.of(*class).and_then(|rate| number(rate, *class));
            let is_same = ours.is_some_and(|ours| (ours - price).abs() <= price.abs() * TOLERATED);
            if !is_same {
                differences += 1;
                let ours = ours.map_or_else(|| "none".to_owned(), |ours| ours.to_string());
                println!(
                    "{} {name} {}: ours {ours}, theirs {price}",
                    provider.as_str(),
                    class.as_str()
                );
            }
        }
    }
    println!("{compared} models compared, {differences} prices differ");
    Ok(())
}

fn number(rate: Rate, class: CostClass) -> Option<f64> {
    let price: f64 = rate.to_string().parse().ok()?;
    Some(if class.is_tokens() { price } else { price / 1_000.0 })
}

/// The newest prices of genai-prices, without those for long prompts.
fn genai(table: &Value) -> Vec<((Provider, String), Theirs)> {
    const NAMES: [(&str, CostClass); 6] = [
        ("input_mtok", CostClass::Input),
        ("cache_read_mtok", CostClass::CacheRead),
        ("cache_write_mtok", CostClass::CacheWrite5m),
        ("cache_write_1h_mtok", CostClass::CacheWrite1h),
        ("output_mtok", CostClass::Output),
        ("web_searches_kcount", CostClass::WebSearch),
    ];
    let mut theirs = Vec::new();
    for house in table["providers"].as_array().into_iter().flatten() {
        let Some(provider) = house["id"].as_str().and_then(provider_of) else { continue };
        for model in house["models"].as_array().into_iter().flatten() {
            let Some(id) = model["id"].as_str() else { continue };
            let prices = match &model["prices"] {
                Value::Array(dated) => dated
                    .iter()
                    .rev()
                    .find(|it| it["constraint"]["start_time"].is_null())
                    .map_or(&Value::Null, |it| &it["prices"]),
                prices => prices,
            };
            let price =
                |name: &str| prices[name].as_f64().or_else(|| prices[name]["base"].as_f64());
            let found = NAMES.into_iter().filter_map(|(name, class)| Some((class, price(name)?)));
            theirs.push(((provider, id.to_owned()), found.collect()));
        }
    }
    theirs
}

/// The prices of litellm's table.
fn litellm(table: &Value) -> Vec<((Provider, String), Theirs)> {
    const NAMES: [(&str, CostClass); 5] = [
        ("input_cost_per_token", CostClass::Input),
        ("cache_read_input_token_cost", CostClass::CacheRead),
        ("cache_creation_input_token_cost", CostClass::CacheWrite5m),
        ("cache_creation_input_token_cost_above_1hr", CostClass::CacheWrite1h),
        ("output_cost_per_token", CostClass::Output),
    ];
    let mut theirs = Vec::new();
    for (name, model) in table.as_object().into_iter().flatten() {
        let Some(provider) = model["litellm_provider"].as_str().and_then(provider_of) else {
            continue;
        };
        let found = NAMES
            .into_iter()
            .filter_map(|(name, class)| Some((class, model[name].as_f64()? * 1e6)));
        let name = name.split_once('/').map_or(name.as_str(), |(_, name)| name);
        theirs.push(((provider, name.to_owned()), found.collect()));
    }
    theirs
}

/// Who another table means.
fn provider_of(id: &str) -> Option<Provider> {
    match id {
        "google" => Some(Provider::Gemini),
        "aws" | "bedrock_converse" => Some(Provider::Bedrock),
        "x-ai" => Some(Provider::XAi),
        "moonshotai" => Some(Provider::Moonshot),
        "fireworks_ai" => Some(Provider::Fireworks),
        id => Provider::parse(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendored_book_has_no_fault() {
        check(&PriceBook::vendored()).unwrap();
    }

    #[test]
    fn a_day_is_written_as_the_calendar_has_it() {
        for (day, text) in
            [(0, "1970-01-01"), (20_525, "2026-03-13"), (11_016, "2000-02-29"), (-1, "1969-12-31")]
        {
            assert_eq!(date(day), text);
        }
    }
}
