//! Names by number: the records of a file share a few.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use langley_model::Redactor;
use serde::{Deserialize, Serialize};

/// Names that the next line most likely has as well: session, folder, model, subagent, tier.
const RECENT_MAX: usize = 6;

/// Names that are told by many records. A number is a place, from one on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Names {
    /// As they are told: names of folders and models may hold anything.
    redacted: Vec<String>,
    /// As the lines have them, of those that were met since the file was opened.
    #[serde(skip)]
    met: HashMap<String, Name, FixedState>,
    /// The last of them.
    #[serde(skip)]
    recent: Vec<(String, Name)>,
}

/// A name, or that there is none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub(super) struct Name(u32);

impl Name {
    /// Its place among [`Names::iter`]; none where there is no name.
    pub(super) fn place(self) -> Option<usize> {
        usize::try_from(self.0).ok()?.checked_sub(1)
    }
}

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, name: Option<&str>, redactor: &Redactor) -> Name {
        let Some(name) = name else { return Name::default() };
        if let Some((_, number)) = self.recent.iter().find(|(recent, _)| recent == name) {
            return *number;
        }
        let number = self.met.get(name).copied().unwrap_or_else(|| self.meet(name, redactor));
        if self.recent.len() == RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push((name.to_owned(), number));
        number
    }

    fn meet(&mut self, name: &str, redactor: &Redactor) -> Name {
        if self.met.is_empty() {
            // What is told is told as it is once more: a placeholder is no secret.
            let known = self.redacted.iter().zip(1..).map(|(told, at)| (told.clone(), Name(at)));
            self.met.extend(known);
        }
        let mut told = name.to_owned();
        redactor.scrub_text(&mut told);
        let number = self.met.get(&told).copied().unwrap_or_else(|| {
            self.redacted.push(told.clone());
            Name(u32::try_from(self.redacted.len()).unwrap_or(0))
        });
        self.met.insert(told, number);
        self.met.insert(name.to_owned(), number);
        number
    }

    /// What a number stands for.
    pub(super) fn name(&self, name: Name) -> Option<&str> {
        self.redacted.get(name.place()?).map(String::as_str)
    }

    /// Names, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.redacted.iter().map(String::as_str)
    }

    /// Forgets how the lines had them: the file was read.
    pub(super) fn close(&mut self) {
        self.met = HashMap::default();
        self.recent = Vec::new();
    }
}
