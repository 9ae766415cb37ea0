//! The stored form of what a finding says: a JSON text, so that the nouns stay free of it.

use std::borrow::Cow;

use langley_model::{Finding, FindingNumber, FindingUnit};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// What a finding says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Words<'a> {
    subject: Cow<'a, str>,
    title: Cow<'a, str>,
    what: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Cow<'a, str>>,
    next: Cow<'a, str>,
    /// Name, value and unit.
    numbers: Vec<NumberRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<NumberRow<'a>>,
}

type NumberRow<'a> = (Cow<'a, str>, i64, Cow<'a, str>);

impl Words<'_> {
    /// The text of a finding.
    pub(super) fn encode(finding: &Finding) -> String {
        let words = Words {
            subject: Cow::Borrowed(&finding.subject),
            title: Cow::Borrowed(&finding.title),
            what: Cow::Borrowed(&finding.what),
            why: finding.why.as_deref().map(Cow::Borrowed),
            next: Cow::Borrowed(&finding.next),
            numbers: finding.numbers.iter().map(row).collect(),
            baseline: finding.baseline.as_ref().map(row),
        };
        // Plain strings and numbers are always JSON.
        serde_json::to_string(&words).unwrap_or_default()
    }

    /// Puts the words of a text made by [`Self::encode`] in the place of a finding's own.
    pub(super) fn decode(text: &str, finding: &mut Finding) -> Result<(), StoreError> {
        let wrong = |_| StoreError::Decode { what: "finding" };
        let words: Words<'_> = serde_json::from_str(text).map_err(wrong)?;
        finding.subject = words.subject.into_owned();
        finding.title = words.title.into_owned();
        finding.what = words.what.into_owned();
        finding.why = words.why.map(Cow::into_owned);
        finding.next = words.next.into_owned();
        finding.numbers = words.numbers.into_iter().filter_map(number).collect();
        finding.baseline = words.baseline.and_then(number);
        Ok(())
    }
}

fn row(number: &FindingNumber) -> NumberRow<'_> {
    (Cow::Borrowed(&number.name), number.value, Cow::Borrowed(number.unit.as_str()))
}

fn number((name, value, unit): NumberRow<'_>) -> Option<FindingNumber> {
    Some(FindingNumber { name: name.into_owned(), value, unit: FindingUnit::parse(&unit)? })
}
