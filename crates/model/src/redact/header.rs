//! Header rules: values that are never kept, by name; the other values are searched for key shapes.

use regex::{RegexSet, RegexSetBuilder};

use super::field::scheme;
use super::name::Credential;
use super::rule::{Rule, is_placeholder};
use super::{Redactor, Scrub};
use crate::http::HeaderBlock;

/// Names whose value is always replaced, beside `x-…-token`, `x-…-key` and `x-…-secret`, and names of
/// credentials anywhere.
const ALWAYS: [&str; 7] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "token",
    "x-auth",
    "x-authorization",
];

/// Values that are a URL, whose query is judged as the target's is.
const TARGETS: [&str; 3] = ["content-location", "location", "referer"];

/// Which headers lose their value.
#[derive(Debug)]
pub(super) struct HeaderRules {
    names: Vec<String>,
    patterns: Option<RegexSet>,
}

impl HeaderRules {
    /// The built-in rules, and these.
    ///
    /// # Errors
    /// A pattern that is not a valid regular expression, as a sentence.
    pub(super) fn new(names: &[String], patterns: &[String]) -> Result<Self, String> {
        let set = || RegexSetBuilder::new(patterns).case_insensitive(true).build();
        let patterns = (!patterns.is_empty()).then(set).transpose().map_err(|error| {
            format!(
                "a header pattern is not a regular expression: {error}; \
                 correct redaction.headers.pattern_redact"
            )
        })?;
        Ok(Self { names: names.iter().map(|name| name.to_ascii_lowercase()).collect(), patterns })
    }

    pub(super) fn redacts(&self, name: &str) -> bool {
        let is = |rule: &str| name.eq_ignore_ascii_case(rule);
        ALWAYS.iter().any(|rule| is(rule))
            || is_extension_credential(name)
            || Credential::of_name(name) == Some(Credential::Certain)
            || self.names.iter().any(|rule| is(rule))
            || self.patterns.as_ref().is_some_and(|set| set.is_match(name))
    }
}

/// `^x-.*-(token|key|secret)$`, any case.
fn is_extension_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("x-")
        .is_some_and(|rest| ["-token", "-key", "-secret"].iter().any(|end| rest.ends_with(end)))
}

impl Scrub for HeaderBlock {
    fn scrub(&mut self, redactor: &Redactor) {
        let mut block = Self::with_capacity(self.as_bytes().len());
        for (name, value) in self.iter() {
            if redactor.headers().redacts(name) {
                let kept = scheme(value);
                let secret = &value[kept..];
                if secret.is_empty() || is_placeholder(secret) {
                    block.push(name, value);
                    continue;
                }
                redactor.count(Rule::Header);
                let placeholder = Rule::Header.placeholder().as_bytes();
                block.push(name, &[&value[..kept], placeholder].concat());
            } else if TARGETS.iter().any(|target| name.eq_ignore_ascii_case(target)) {
                let mut target = String::from_utf8_lossy(value).into_owned();
                redactor.scrub_target(&mut target);
                block.push(name, target.as_bytes());
            } else {
                block.push(name, redactor.scrub_bytes(value).as_deref().unwrap_or(value));
            }
        }
        *self = block;
    }
}
