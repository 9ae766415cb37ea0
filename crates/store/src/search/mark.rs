//! Marks: a word of the index begins with a sign that says where it stood.
//!
//! So the index needs to say of a word only in which rows it is (`detail = none`), which takes a third less
//! room than also saying in which columns; and what is asked of one place is as quick as what is asked of all.

use std::collections::HashSet;

use langley_model::Place;

use super::query::Within;

/// No words have these signs in them; the tokenizer of the index is told to leave them. Words of what tools
/// gave back, which are the most, have none.
const fn of(place: Place) -> &'static str {
    match place {
        Place::Prompt => "$",
        Place::Answer => "#",
        Place::Thinking => "&",
        Place::ToolInput => "%",
        Place::ToolResult => "",
    }
}

/// The mark of what a flow's own row says, as far as no text of it does.
const STATED: &str = "!";

/// A word as the index may have it: with the mark of each place that is looked at.
pub(super) fn each(word: &str, within: Within) -> impl Iterator<Item = String> {
    let said = Place::ALL.into_iter().filter(move |place| within.has(*place)).map(of);
    let marks = said.chain((within == Within::Everything).then_some(STATED));
    marks.map(move |mark| format!("{mark}{word}"))
}

/// What a row of the index holds: words with their marks.
#[derive(Debug, Default)]
pub(super) struct Marked(String);

impl Marked {
    /// Puts a word of a place.
    pub(super) fn put(&mut self, place: Place, word: &str) {
        self.push(of(place), word);
    }

    /// Puts a word that the flow's own row says.
    pub(super) fn put_stated(&mut self, word: &str) {
        self.push(STATED, word);
    }

    fn push(&mut self, mark: &str, word: &str) {
        self.0.push_str(mark);
        self.0.push_str(word);
        self.0.push(' ');
    }

    /// Without their marks.
    pub(super) fn bare(&self) -> HashSet<&str> {
        let is_mark = |sign: char| !sign.is_alphanumeric();
        self.0.split(' ').map(|word| word.trim_start_matches(is_mark)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, with blanks between.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
