//! The redactor and its verbs. (Skeleton: rules follow.)

use std::borrow::Cow;

use super::{Redacted, RedactedBytes, Scrub};
use crate::http::HeaderBlock;

/// What to redact beyond the built-in rules.
#[derive(Clone, Debug)]
pub struct RedactorOptions {
    /// Header names (any case) whose value is always replaced, beside the built-in ones.
    pub always_redact_headers: Vec<String>,
    /// Patterns of header names whose value is replaced, beside the built-in ones.
    pub pattern_redact_headers: Vec<String>,
    /// Whether bodies are searched for keys.
    pub api_keys: bool,
    /// Whether base64 images become a placeholder.
    pub base64_images: bool,
}

impl Default for RedactorOptions {
    fn default() -> Self {
        Self {
            always_redact_headers: Vec::new(),
            pattern_redact_headers: Vec::new(),
            api_keys: true,
            base64_images: true,
        }
    }
}

/// How often a rule has struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule's name.
    pub rule: &'static str,
    /// Times it replaced something.
    pub count: u64,
}

/// The redactor. Cheap to share; counts what it replaces by rule.
#[derive(Debug)]
pub struct Redactor {
    _options: RedactorOptions,
}

impl Redactor {
    /// A redactor with these options.
    ///
    /// # Errors
    /// A header pattern that is not a valid regular expression, as a sentence.
    pub fn new(options: RedactorOptions) -> Result<Self, String> {
        Ok(Self { _options: options })
    }

    /// Redacts every text of `value` and seals it.
    #[must_use]
    pub fn seal<T: Scrub>(&self, mut value: T) -> Redacted<T> {
        value.scrub(self);
        Redacted::new(value)
    }

    /// Redacts a text in place.
    pub fn scrub_text(&self, _text: &mut String) {}

    /// Redacts a text that is JSON: secrets in string values (also inside JSON-escaped JSON) and the
    /// values of credential fields. The result is JSON when the input was.
    pub fn scrub_json(&self, _json: &mut String) {}

    /// Redacts a path with its query: values of credential parameters, and secrets anywhere.
    pub fn scrub_target(&self, _target: &mut String) {}

    /// Redacts a short name that is usually static.
    pub fn scrub_cow(&self, _text: &mut Cow<'static, str>) {}

    /// Redacts a whole body, JSON or not, UTF-8 or not.
    #[must_use]
    pub fn body(&self, bytes: Vec<u8>) -> RedactedBytes {
        RedactedBytes::from_vec(bytes)
    }

    /// How often each rule has struck, since the start.
    #[must_use]
    pub fn counts(&self) -> Vec<RuleCount> {
        Vec::new()
    }
}

impl Scrub for HeaderBlock {
    fn scrub(&mut self, _redactor: &Redactor) {}
}
