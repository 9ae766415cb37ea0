//! Arguments of a call that come in pieces, addressed by JSON path (RFC 9535, normalized paths or their
//! short form): made the JSON text that they build, piece by piece.
//!
//! Values are told in the order in which they stand in the arguments, so nothing needs to be kept but
//! the path of the latest. A value that returns to an object already left is written there anew.

use std::fmt::Write as _;

use langley_model::Credential;

use crate::json::{Object, inner};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(u64),
}

/// Deepest path that is followed.
const DEPTH_MAX: usize = 64;

/// Arguments on their way.
#[derive(Debug, Default)]
pub(super) struct PartialArgs {
    /// Whether the outermost object is open.
    begun: bool,
    /// Path of the latest value.
    path: Vec<Step>,
    /// Whether the latest value is a text that goes on.
    in_text: bool,
}

/// A piece of JSON text, and the part of it that is a text's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Whether a value begins with it.
    pub(super) begins: bool,
    /// What comes before the text.
    pub(super) before: String,
    /// A piece of a text, as it stands in the event.
    pub(super) text: Option<&'a str>,
    /// Whether the text ended with it; its quote is still to come.
    pub(super) is_last: bool,
}

impl PartialArgs {
    /// Reads one element of `partialArgs`; none when it cannot be read.
    pub(super) fn read<'a>(&mut self, element: &Object<'a>) -> Option<Piece<'a>> {
        let path = parse(&element.text("jsonPath")?)?;
        let goes_on = element.flag("willContinue").unwrap_or_default();
        let mut before = String::new();
        let continues = self.in_text && path == self.path;
        if !continues {
            self.enter(path, &mut before);
        }
        if let Some(raw) = element.raw("stringValue") {
            let text = inner(raw)?;
            if !continues {
                before.push('"');
            }
            self.in_text = true;
            let is_last = !goes_on;
            return Some(Piece { begins: !continues, before, text: Some(text), is_last });
        }
        if continues {
            return Some(Piece { begins: false, before, text: None, is_last: !goes_on });
        }
        let value = element.raw("numberValue").or_else(|| element.raw("boolValue"));
        before.push_str(value.unwrap_or("null"));
        Some(Piece { begins: true, before, text: None, is_last: false })
    }

    /// What the latest value is, when the name that it has, or the list that it lies in, is that of
    /// a credential.
    pub(super) fn credential(&self) -> Option<Credential> {
        let name = self.path.iter().rev().find_map(|step| match step {
            Step::Name(name) => Some(name),
            Step::Index(_) => None,
        });
        name.and_then(|name| Credential::of_name(name))
    }

    /// The text that went on has ended.
    pub(super) fn end_text(&mut self) -> &'static str {
        if std::mem::take(&mut self.in_text) { "\"" } else { "" }
    }

    /// The rest that makes the text whole JSON.
    pub(super) fn finish(&mut self) -> String {
        let mut rest = String::from(self.end_text());
        self.leave(0, &mut rest);
        if std::mem::take(&mut self.begun) {
            rest.push('}');
        }
        rest
    }

    /// Goes from the latest value's place to that of `path`.
    fn enter(&mut self, path: Vec<Step>, out: &mut String) {
        out.push_str(self.end_text());
        if !self.begun {
            self.begun = true;
            out.push('{');
        }
        let both = self.path.iter().zip(&path);
        let common = both.take_while(|(one, other)| one == other).count();
        let common = common.min(path.len().saturating_sub(1));
        self.leave(common + 1, out);
        if self.path.len() > common {
            out.push(',');
        }
        for (depth, step) in path.iter().enumerate().skip(common) {
            if depth > common {
                out.push(if matches!(step, Step::Name(_)) { '{' } else { '[' });
            }
            if let Step::Name(name) = step {
                // Writing to a text cannot fail.
                let _ = write!(out, "{}:", serde_json::Value::from(name.as_str()));
            }
        }
        self.path = path;
    }

    /// Closes what is open deeper than `depth`.
    fn leave(&mut self, depth: usize, out: &mut String) {
        while self.path.len() > depth.max(1) {
            match self.path.pop() {
                Some(Step::Name(_)) => out.push('}'),
                Some(Step::Index(_)) => out.push(']'),
                None => {}
            }
        }
        if depth == 0 {
            self.path.clear();
        }
    }
}

/// `$.a.b[0]['c d']["e"]`.
fn parse(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() && steps.len() < DEPTH_MAX {
        if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            steps.push(Step::Name(named[..end].to_owned()));
            rest = &named[end..];
        } else {
            let inside = rest.strip_prefix('[')?;
            if let Some(quote) = inside.chars().next().filter(|first| "'\"".contains(*first)) {
                let quoted = &inside[1..];
                let end = quoted.find(&format!("{quote}]"))?;
                let escaped = format!("\\{quote}");
                steps.push(Step::Name(quoted[..end].replace(&escaped, &quote.to_string())));
                rest = &quoted[end + 2..];
            } else {
                let end = inside.find(']')?;
                steps.push(Step::Index(inside[..end].parse().ok()?));
                rest = &inside[end + 1..];
            }
        }
    }
    let is_whole = rest.is_empty() && matches!(steps.first(), Some(Step::Name(_)));
    is_whole.then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(elements: &[&str]) -> String {
        let (mut args, mut json) = (PartialArgs::default(), String::new());
        for element in elements {
            let element = Object::read(element.as_bytes()).expect("an object");
            let piece = args.read(&element).expect("a piece");
            json.push_str(&piece.before);
            json.push_str(piece.text.unwrap_or_default());
            if piece.is_last {
                json.push_str(args.end_text());
            }
        }
        json + &args.finish()
    }

    #[test]
    fn values_told_by_path_build_the_arguments() {
        let json = built(&[
            r#"{"jsonPath": "$.city", "stringValue": "New \"Yo", "willContinue": true}"#,
            r#"{"jsonPath": "$.city", "stringValue": "rk\"", "willContinue": true}"#,
            r#"{"jsonPath": "$.city"}"#,
            r#"{"jsonPath": "$.days", "numberValue": 3}"#,
            r#"{"jsonPath": "$.opts.metric", "boolValue": true}"#,
            r#"{"jsonPath": "$.opts.list[0].a", "stringValue": "x"}"#,
            r#"{"jsonPath": "$.opts.list[0].b", "nullValue": null}"#,
            r#"{"jsonPath": "$.opts.list[1].a", "stringValue": ""}"#,
            r#"{"jsonPath": "$.opts['a b']", "numberValue": 1.5}"#,
            r#"{"jsonPath": "$.opts[\"c'd\"]", "boolValue": false}"#,
            r#"{"jsonPath": "$.end", "stringValue": "fin", "willContinue": true}"#,
        ]);
        let value: serde_json::Value = serde_json::from_str(&json).expect(&json);
        assert_eq!(
            value,
            serde_json::json!({"city": "New \"York\"", "days": 3, "opts": {"metric": true,
                "list": [{"a": "x", "b": null}, {"a": ""}], "a b": 1.5, "c'd": false}, "end": "fin"})
        );
        assert_eq!(built(&[]), "");
    }

    #[test]
    fn paths_that_are_none_are_refused() {
        for path in ["", "$", "city", "$[0]", "$.a[x]", "$.a['b"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
