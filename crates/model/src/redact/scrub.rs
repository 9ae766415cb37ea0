//! The redactor and its verbs.

use std::borrow::Cow;

use super::header::HeaderRules;
use super::rule::{Counters, Rule, RuleCount};
use super::scan::{self, Cut, Rules};
use super::target::credential_values;
use super::{Redacted, RedactedBytes, Scrub};

/// What to redact beyond the built-in rules.
#[derive(Clone, Debug)]
pub struct RedactorOptions {
    /// Header names (any case) whose value is always replaced, beside the built-in ones.
    pub always_redact_headers: Vec<String>,
    /// Patterns of header names (any case) whose value is replaced, beside the built-in ones.
    pub pattern_redact_headers: Vec<String>,
    /// Whether texts, bodies, URLs and headers of any other name are searched for keys.
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

/// The redactor. Cheap to share; counts what it replaces by rule.
#[derive(Debug)]
pub struct Redactor {
    headers: HeaderRules,
    rules: Rules,
    counters: Counters,
}

impl Redactor {
    /// A redactor with these options.
    ///
    /// # Errors
    /// A header pattern that is not a valid regular expression, as a sentence.
    #[expect(clippy::needless_pass_by_value, reason = "options are made for their redactor")]
    pub fn new(options: RedactorOptions) -> Result<Self, String> {
        Ok(Self {
            headers: HeaderRules::new(
                &options.always_redact_headers,
                &options.pattern_redact_headers,
            )?,
            rules: Rules { keys: options.api_keys, images: options.base64_images },
            counters: Counters::default(),
        })
    }

    /// Redacts every text of `value` and seals it.
    #[must_use]
    pub fn seal<T: Scrub>(&self, mut value: T) -> Redacted<T> {
        value.scrub(self);
        Redacted::new(value)
    }

    /// Redacts a text in place.
    pub fn scrub_text(&self, text: &mut String) {
        if let Some(bytes) = self.scrub_bytes(text.as_bytes()) {
            *text = into_string(bytes);
        }
    }

    /// Redacts a text that is JSON: secrets in string values (also inside JSON-escaped JSON) and the
    /// values of credential fields. The result is JSON when the input was.
    ///
    /// The rules read escapes wherever they stand, so this is the same scan as that of any text;
    /// what is replaced never contains a quote or half an escape.
    pub fn scrub_json(&self, json: &mut String) {
        self.scrub_text(json);
    }

    /// Redacts a path with its query: values of credential parameters, and secrets anywhere.
    pub fn scrub_target(&self, target: &mut String) {
        if self.rules.keys {
            let values = credential_values(target);
            if !values.is_empty() {
                let cut = |(start, end)| Cut::plain(Rule::UrlParameter, start, end);
                let cuts: Vec<_> = values.into_iter().map(cut).collect();
                *target = into_string(self.replace(target.as_bytes(), &cuts));
            }
        }
        self.scrub_text(target);
    }

    /// Redacts a short name that is usually static.
    pub fn scrub_cow(&self, text: &mut Cow<'static, str>) {
        if let Some(bytes) = self.scrub_bytes(text.as_bytes()) {
            *text = Cow::Owned(into_string(bytes));
        }
    }

    /// Redacts a whole body, JSON or not, UTF-8 or not.
    #[must_use]
    pub fn body(&self, bytes: Vec<u8>) -> RedactedBytes {
        RedactedBytes::from_vec(self.scrub_bytes(&bytes).unwrap_or(bytes))
    }

    /// Redacts lines that stand one behind the other, each as if it stood alone. `ends` says behind which byte each
    /// ends, which is a line feed, and is then where that stands in what is answered.
    ///
    /// It is for many short ones: they are looked through together, and only those that have something are looked at.
    #[must_use]
    pub fn lines(&self, bytes: Vec<u8>, ends: &mut [usize]) -> RedactedBytes {
        let mut redacted: Option<Vec<u8>> = None;
        let mut hit = scan::first(&bytes, 0, self.rules);
        // Where the line begins, and up to where all that was replaced is told.
        let (mut start, mut told) = (0, 0);
        for end in ends {
            let line = start..*end;
            start = line.end;
            if let Some(first) = hit.filter(|hit| *hit < line.end) {
                hit = scan::first(&bytes, line.end, self.rules);
                let text = &bytes[line.clone()];
                let cuts = scan::cuts_from(text, first - line.start, self.rules);
                if !cuts.is_empty() {
                    let redacted = redacted.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
                    redacted.extend_from_slice(&bytes[told..line.start]);
                    redacted.extend_from_slice(&self.replace(text, &cuts));
                    told = line.end;
                }
            }
            *end = redacted.as_ref().map_or(0, Vec::len) + line.end - told;
        }
        let Some(mut redacted) = redacted else { return RedactedBytes::from_vec(bytes) };
        redacted.extend_from_slice(&bytes[told..]);
        RedactedBytes::from_vec(redacted)
    }

    /// How often each rule has struck since the start; rules that have not are left out.
    #[must_use]
    pub fn counts(&self) -> Vec<RuleCount> {
        self.counters.counts()
    }

    /// The redacted form of `bytes`; none when they may stay as they are.
    pub(super) fn scrub_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let cuts = scan::cuts(bytes, self.rules);
        (!cuts.is_empty()).then(|| self.replace(bytes, &cuts))
    }

    /// Replaces and counts `cuts`, which are in order.
    pub(super) fn replace(&self, bytes: &[u8], cuts: &[Cut]) -> Vec<u8> {
        let mut replaced = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for cut in cuts {
            self.count(cut.rule);
            replaced.extend_from_slice(&bytes[at..cut.start]);
            replaced.extend_from_slice(cut.text.as_bytes());
            at = cut.end;
        }
        replaced.extend_from_slice(&bytes[at..]);
        replaced
    }

    pub(super) fn count(&self, rule: Rule) {
        self.counters.add(rule);
    }

    pub(super) const fn headers(&self) -> &HeaderRules {
        &self.headers
    }

    pub(super) const fn rules(&self) -> Rules {
        self.rules
    }
}

/// Cuts lie between ASCII characters, so the text is still UTF-8.
fn into_string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
