//! Looking at what is stored: what was replaced in it, and what still looks like a secret.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Redactor;
use super::field::scheme;
use super::rule::{OPENING, Rule, is_placeholder};
use super::scan;
use super::target::credential_values;
use crate::http::HeaderBlock;

/// What kind of text is looked at: some rules hold in some places only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Any text.
    Plain,
    /// A path with its query.
    Target,
    /// `name: value` lines.
    Headers,
}

/// A part of a text that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The rule that would replace it.
    pub rule: &'static str,
    /// Where it stands, in bytes; of headers, in the value.
    pub range: Range<usize>,
}

impl Redactor {
    /// What in `text` these rules would replace. Nothing is counted.
    #[must_use]
    pub fn suspects(&self, kind: TextKind, text: &[u8]) -> Vec<Suspect> {
        let plain = |text: &[u8]| {
            let of = |cut: scan::Cut| Suspect { rule: cut.rule.name(), range: cut.start..cut.end };
            scan::cuts(text, self.rules()).into_iter().map(of).collect::<Vec<_>>()
        };
        match kind {
            TextKind::Plain => plain(text),
            TextKind::Target => {
                let mut found = plain(text);
                let target = String::from_utf8_lossy(text);
                for (start, end) in credential_values(&target) {
                    // Most of them are found by their own shape already.
                    if !found.iter().any(|it| it.range.start < end && start < it.range.end) {
                        let rule = Rule::UrlParameter.name();
                        found.push(Suspect { rule, range: start..end });
                    }
                }
                found
            }
            TextKind::Headers => {
                let block = HeaderBlock::from_bytes(text.to_vec());
                let mut found = Vec::new();
                for (name, value) in block.iter() {
                    let kept = scheme(value);
                    let secret = &value[kept..];
                    if !self.headers().redacts(name) {
                        found.extend(plain(value));
                    } else if !secret.is_empty() && !is_placeholder(secret) {
                        let rule = Rule::Header.name();
                        found.push(Suspect { rule, range: kept..value.len() });
                    }
                }
                found
            }
        }
    }

    /// Adds to `counts` how often each rule's placeholder stands in `text`.
    pub fn count_replaced(text: &[u8], counts: &mut BTreeMap<&'static str, u64>) {
        for at in memchr::memmem::find_iter(text, OPENING) {
            let rest = &text[at + OPENING.len()..];
            let named = |rule: &&Rule| {
                rest.strip_prefix(rule.name().as_bytes())
                    .is_some_and(|behind| matches!(behind.first(), Some(b']' | b' ')))
            };
            if let Some(rule) = Rule::ALL.iter().find(named) {
                *counts.entry(rule.name()).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::RedactorOptions;

    const KEY: &str = "sk-ant-api03-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";

    fn rules(kind: TextKind, text: &str) -> Vec<&'static str> {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        redactor.suspects(kind, text.as_bytes()).into_iter().map(|found| found.rule).collect()
    }

    #[test]
    fn what_the_rules_would_replace_is_suspect_and_what_they_replaced_is_not() {
        assert_eq!(rules(TextKind::Plain, &format!("x {KEY} y")), ["anthropic_key"]);
        assert_eq!(rules(TextKind::Plain, "x [redacted:anthropic_key] y"), [""; 0]);
        assert_eq!(rules(TextKind::Target, "/x?api_key=hunter2"), ["url_parameter"]);
        assert_eq!(rules(TextKind::Target, "/x?api_key=[redacted:url_parameter]"), [""; 0]);
        let headers =
            format!("authorization: Bearer hunter2\nx-other: {KEY}\ncookie: [redacted:header]\n");
        assert_eq!(rules(TextKind::Headers, &headers), ["header", "anthropic_key"]);
    }

    #[test]
    fn placeholders_are_counted_by_rule() {
        let mut counts = BTreeMap::new();
        let text = b"[redacted:jwt] [redacted:jwt][redacted:base64_image image/png 3 bytes 00] [redacted:x]";
        Redactor::count_replaced(text, &mut counts);
        assert_eq!(counts, BTreeMap::from([("jwt", 2), ("base64_image", 1)]));
    }
}
