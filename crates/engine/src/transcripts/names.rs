//! Names by number: the records of a file share a few.

use langley_model::Redactor;
use serde::{Deserialize, Serialize};

/// Names that are told by many records. A number is a place, from one on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Names {
    /// As they are told: names of folders and models may hold anything.
    redacted: Vec<String>,
    /// As the lines have them, of those that were met since the file was opened.
    #[serde(skip)]
    met: Vec<(String, Name)>,
}

/// A name, or that there is none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub(super) struct Name(pub(super) u32);

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, name: Option<&str>, redactor: &Redactor) -> Name {
        let Some(name) = name else { return Name::default() };
        // The same few, and the newest most often.
        if let Some((_, number)) = self.met.iter().rev().find(|(met, _)| met == name) {
            return *number;
        }
        let mut told = name.to_owned();
        redactor.scrub_text(&mut told);
        let place = self.redacted.iter().position(|it| *it == told).unwrap_or_else(|| {
            self.redacted.push(told);
            self.redacted.len() - 1
        });
        let number = Name(u32::try_from(place + 1).unwrap_or(0));
        self.met.push((name.to_owned(), number));
        number
    }

    /// What a number stands for.
    pub(super) fn name(&self, name: Name) -> Option<&str> {
        let place = usize::try_from(name.0).ok()?.checked_sub(1)?;
        self.redacted.get(place).map(String::as_str)
    }

    /// Names, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.redacted.iter().map(String::as_str)
    }

    /// Forgets how the lines had them: the file was read.
    pub(super) fn close(&mut self) {
        self.met = Vec::new();
    }
}
