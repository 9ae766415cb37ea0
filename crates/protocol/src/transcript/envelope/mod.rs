//! What a line of a transcript is: its envelope, read one line at a time, whatever kind it is of.
//!
//! A reader of other people's formats must not fail on a line that it does not know: members are taken where they
//! are what is expected, and left out where not. A kind that nobody knows keeps its name.

mod claude;
mod codex;
mod gemini;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use langley_model::{LineFacts, LineRole};

use super::UsageReader;
use super::parsed::{Parsed, Part, Parts};
use super::spoken::Spoken;
use crate::json::{Object, unescape};

/// Characters of a line's text that are told; the whole stands in the line.
pub const TEXT_CHARS: usize = 400;

/// Bytes in which that many characters stand, escapes included, with room for white space at the beginning.
const TEXT_BYTES: usize = 16 * TEXT_CHARS;

/// Tools of one line that are named.
const TOOLS_MAX: usize = 32;

/// How much of a line its facts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// All.
    Whole,
    /// What its items do not tell better: no words and tools, nor where it stands in a tree.
    BesideItems,
}

impl UsageReader {
    /// What a line is, without its end, that this reader has read before: some formats name a session, or a folder,
    /// in the first lines alone.
    #[must_use]
    pub fn facts(&self, line: &[u8]) -> LineFacts {
        let (text, is_mended) = match std::str::from_utf8(line) {
            Ok(text) => (Cow::Borrowed(text), false),
            Err(_) => (String::from_utf8_lossy(line), true),
        };
        LineFacts { is_mended, ..self.facts_of(Parsed::of(self, &text).as_ref(), Telling::Whole) }
    }

    /// What a line is that was taken apart; one that could not be is unreadable.
    pub(super) fn facts_of(&self, line: Option<&Parsed<'_>>, telling: Telling) -> LineFacts {
        let Some(line) = line else {
            return LineFacts { role: LineRole::Unreadable, ..LineFacts::default() };
        };
        match self {
            Self::ClaudeCode => claude::read(line, telling),
            Self::Codex(file) => codex::read(line, file, telling),
            Self::GeminiCli { session } => gemini::read(line, session.as_deref(), telling),
        }
    }
}

/// What a person typed while Claude Code worked, and was handed to the model with the next request.
pub(super) fn queued_prompt<'a>(attachment: &Object<'a>) -> Option<Parts<'a>> {
    let is = |name: &str, value: &str| attachment.text(name).is_some_and(|text| text == value);
    let is_prompt = is("type", "queued_command") && is("commandMode", "prompt");
    attachment.raw("prompt").filter(|_| is_prompt).map(Parts::of)
}

/// A member that is a text with something in it.
fn text_of(object: &Object<'_>, name: &str) -> Option<String> {
    object.text(name).filter(|text| !text.is_empty()).map(Cow::into_owned)
}

/// What a message says, put together from its content: a text, or blocks.
#[derive(Debug, Default)]
struct Said {
    /// The first characters.
    text: Option<String>,
    tools: Vec<String>,
    /// Whether a tool's result is among it.
    has_result: bool,
}

impl Said {
    /// Of a content's JSON.
    fn of(content: &str) -> Self {
        Self::of_parts(&Parts::of(content), Telling::Whole)
    }

    fn of_parts(content: &Parts<'_>, telling: Telling) -> Self {
        let mut said = Self::default();
        if let Parts::Text(escaped) = content {
            said.say(escaped);
        }
        for part in content.list() {
            match part {
                Part::Text(escaped) => said.say(escaped),
                Part::Block(block) => said.take(block, telling),
            }
        }
        said
    }

    fn take(&mut self, block: &Object<'_>, telling: Telling) {
        let kind = block.text("type");
        let kind = kind.as_deref().unwrap_or_default();
        if kind.ends_with("tool_result") {
            self.has_result = true;
            if self.text.is_none() && telling == Telling::Whole {
                let within = block.raw("content").map(Self::of);
                self.text = within.and_then(|within| within.text);
            }
        } else if kind.ends_with("tool_use") {
            self.call(text_of(block, "name"));
        } else {
            let text = ["text", "thinking"].iter().find_map(|name| block.raw(name));
            if let Some(escaped) = text.and_then(crate::json::inner) {
                self.say(escaped);
            }
        }
    }

    /// Takes the first text that says something.
    fn say(&mut self, escaped: &str) {
        if self.text.is_none() {
            self.text = opening(escaped);
        }
    }

    /// What a person said is the text of a line, without what the agent put beside it.
    fn hear(&mut self, spoken: &Spoken<'_>, telling: Telling) {
        if telling != Telling::Whole {
            return;
        }
        match &spoken.asked {
            Some(asked) => self.text = beginning(asked),
            // Whoever sent an image without a word said nothing.
            None if spoken.has_image => self.text = None,
            None => {}
        }
    }

    fn call(&mut self, name: Option<String>) {
        if self.tools.len() < TOOLS_MAX {
            self.tools.extend(name);
        }
    }

    fn tools(&self) -> Option<String> {
        (!self.tools.is_empty()).then(|| self.tools.join(","))
    }
}

/// The first characters of a JSON string, by what stands between its quotes; none where it says nothing.
fn opening(escaped: &str) -> Option<String> {
    let mut end = escaped.floor_char_boundary(TEXT_BYTES);
    if end < escaped.len() {
        // Not within an escape; twelve bytes are two halves of a character.
        let from = escaped.floor_char_boundary(end.saturating_sub(12));
        end = escaped[from..end].find('\\').map_or(end, |at| from + at);
    }
    let text = unescape(&escaped[..end])?;
    beginning(&text)
}

fn beginning(text: &str) -> Option<String> {
    let text: String = text.trim_start().chars().take(TEXT_CHARS).collect();
    (!text.is_empty()).then_some(text)
}
