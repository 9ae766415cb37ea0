//! What a line of a transcript says, taken apart into a few typed items, whatever agent wrote it.
//!
//! Items borrow from the line: a text is told whole, and JSON that nobody has to understand is told as it stands.

mod claude;
mod codex;
mod gemini;
mod words;

use std::borrow::Cow;

use langley_model::{LineFacts, LineRole, Micros};

use super::UsageReader;
use super::envelope::Telling;
use super::parsed::{Parsed, Part, Parts};
use super::spoken::{Marks, Spoken};
use super::{UsageLine, claude as usage_of_claude};
use crate::json::{inner, unescape};

pub use words::Words;

/// What is set or told beside what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aside {
    /// What a session is: who writes it, and with which settings.
    Session,
    /// The settings of a turn.
    Turn,
    /// The instructions that the model has from the agent.
    SystemPrompt,
    /// The tools that the model may call.
    Tools,
    /// The repository.
    Git,
    /// That something was allowed or refused, or how it is decided.
    Permission,
    /// That a hook ran.
    Hook,
    /// What the provider said of its limits.
    Limits,
}

/// A part of what a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// What a person asked, and how many images came with it.
    Prompt {
        /// The words.
        text: Cow<'a, str>,
        /// Images beside them.
        images: u64,
    },
    /// What the agent told the model beside the person's words; of which kind it is by the agent's own name.
    Meta {
        /// The kind, by the agent's own name.
        kind: Cow<'a, str>,
        /// The words.
        text: Cow<'a, str>,
    },
    /// What the model wrote.
    Text {
        /// The words.
        text: Words<'a>,
    },
    /// What the model thought; none where the provider keeps it to itself.
    Thinking {
        /// The words.
        text: Option<Words<'a>>,
    },
    /// A tool that the model calls; the input is JSON.
    Call {
        /// The call's id.
        id: Cow<'a, str>,
        /// The tool's name.
        name: Cow<'a, str>,
        /// Whose it is among the tools, where that stands beside the name.
        namespace: Option<Cow<'a, str>>,
        /// Its arguments, as JSON.
        input: Cow<'a, str>,
        /// Whether the provider runs it.
        is_hosted: bool,
    },
    /// What a tool gave back, as JSON; `detail` is what the agent noted of it, where it did.
    Result {
        /// The call's id.
        id: Cow<'a, str>,
        /// What it gave back, as JSON.
        content: &'a str,
        /// Whether it failed; none where that is not told.
        has_failed: Option<bool>,
        /// What the agent noted of it, as JSON.
        detail: Option<&'a str>,
        /// When, where that is not the line's time.
        at: Option<Micros>,
    },
    /// Whether a call failed, as the agent notes it beside the result, which follows.
    Ended {
        /// The call's id.
        id: Cow<'a, str>,
        /// Whether it failed.
        has_failed: bool,
    },
    /// That the conversation so far was replaced by a summary, or the summary itself.
    Compaction {
        /// What led to it.
        trigger: Option<Cow<'a, str>>,
        /// Tokens that the context had.
        tokens_before: Option<u64>,
        /// The summary.
        summary: Option<Cow<'a, str>>,
    },
    /// That a person stopped the model.
    Interruption {
        /// Why.
        reason: Cow<'a, str>,
    },
    /// That a request failed.
    Failure {
        /// The kind, by the agent's own name.
        kind: Cow<'a, str>,
        /// What was said of it.
        message: Cow<'a, str>,
        /// The HTTP status.
        status: Option<u64>,
    },
    /// Something set or told beside, as JSON.
    Beside {
        /// What it is.
        aside: Aside,
        /// The kind, by the agent's own name.
        kind: Cow<'a, str>,
        /// As it stands.
        json: &'a str,
    },
    /// A line of a kind that is not known here.
    Unknown {
        /// As it stands.
        json: &'a str,
    },
}

impl UsageReader {
    /// What a line is, without its end, that this reader has read before, and what it says. The facts lack what items
    /// tell better: words and tools, and where the line stands in a tree.
    #[must_use]
    pub fn items<'a>(&self, line: &'a str) -> (LineFacts, Vec<Item<'a>>) {
        self.items_of(Parsed::of(self, line).as_ref(), line)
    }

    /// Reads a whole line: what it tells of usage goes to `out`, and what it is and says is answered, as
    /// [`items`](Self::items) does. It is taken apart once where its format allows.
    pub fn line<'a>(
        &mut self,
        line: &'a str,
        out: &mut dyn FnMut(UsageLine<'_>),
    ) -> (LineFacts, Vec<Item<'a>>) {
        if *self != Self::ClaudeCode {
            self.read(line.as_bytes(), out);
            return self.items(line);
        }
        let parsed = Parsed::of(self, line);
        if let Some(parsed) = &parsed {
            usage_of_claude::read_parsed(parsed, out);
        }
        self.items_of(parsed.as_ref(), line)
    }

    fn items_of<'a>(
        &self,
        parsed: Option<&Parsed<'a>>,
        line: &'a str,
    ) -> (LineFacts, Vec<Item<'a>>) {
        let facts = self.facts_of(parsed, Telling::BesideItems);
        let mut items = Vec::new();
        if let Some(parsed) = parsed {
            match self {
                Self::ClaudeCode => claude::read(parsed, (&facts, line), &mut items),
                Self::Codex(_) => codex::read(parsed, (&facts, line), &mut items),
                Self::GeminiCli { .. } => gemini::read(parsed, (&facts, line), &mut items),
            }
        }
        (facts, items)
    }
}

/// What a content says.
#[derive(Default)]
struct Content<'a> {
    /// The texts, one below the other.
    text: Option<Cow<'a, str>>,
    images: u64,
}

impl<'a> Content<'a> {
    /// Of a content's JSON.
    fn of(raw: &'a str) -> Self {
        Self::of_parts(&Parts::of(raw))
    }

    fn of_parts(parts: &Parts<'a>) -> Self {
        let mut content = Self::default();
        if let Parts::Text(escaped) = parts {
            content.text = unescape(escaped);
        }
        for part in parts.list() {
            match part {
                Part::Text(escaped) => content.say(unescape(escaped).unwrap_or_default()),
                Part::Block(block) => match block.text("type").as_deref().unwrap_or("text") {
                    kind if kind.ends_with("text") => {
                        content.say(block.text("text").unwrap_or_default());
                    }
                    kind if kind.ends_with("image") => content.images += 1,
                    _ => {}
                },
            }
        }
        content
    }

    fn say(&mut self, text: Cow<'a, str>) {
        match &mut self.text {
            _ if text.is_empty() => {}
            Some(said) => {
                let said = said.to_mut();
                said.push('\n');
                said.push_str(&text);
            }
            None => self.text = Some(text),
        }
    }
}

/// A JSON string, unescaped; none for other JSON.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    unescape(inner(raw)?)
}

/// A text, or any other JSON as it stands.
fn shown(raw: &str) -> Cow<'_, str> {
    string(raw).unwrap_or(Cow::Borrowed(raw))
}

/// What is said where a person speaks, by the part that the line plays: the person's words, and beside them what the
/// agent put there.
fn asked<'a>(facts: &LineFacts, (parts, marks): (&Parts<'a>, &Marks), items: &mut Vec<Item<'a>>) {
    let content = Content::of_parts(parts);
    if facts.role == LineRole::Prompt {
        let Spoken { asked, beside, has_image } = Spoken::of(parts, marks);
        // A text in which nobody says anything is a person's; beside an image it may be the agent's.
        let is_alone = beside.is_empty() && !has_image;
        let meta = |text: Cow<'a, str>| Item::Meta { kind: tag(&text), text };
        items.extend(beside.into_iter().map(meta));
        let text = asked.or_else(|| content.text.filter(|_| is_alone));
        let text = text.or_else(|| (content.images > 0).then_some(Cow::Borrowed("")));
        items.extend(text.map(|text| said(facts, text, content.images)));
        return;
    }
    let text = content.text.or_else(|| (content.images > 0).then_some(Cow::Borrowed("")));
    items.extend(text.map(|text| said(facts, text, content.images)));
}

fn said<'a>(facts: &LineFacts, text: Cow<'a, str>, images: u64) -> Item<'a> {
    match facts.role {
        LineRole::Prompt if !facts.is_sidechain => Item::Prompt { text, images },
        LineRole::Prompt => Item::Meta { kind: Cow::Borrowed("task"), text },
        LineRole::Compaction => {
            Item::Compaction { trigger: None, tokens_before: None, summary: Some(text) }
        }
        _ => Item::Meta { kind: tag(&text), text },
    }
}

/// The name of the tag that a text begins with, else `context`.
fn tag<'a>(text: &str) -> Cow<'a, str> {
    let name = text.trim_start().strip_prefix('<').and_then(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))?;
        (end > 0 && end <= 40).then(|| rest[..end].to_owned())
    });
    name.map_or(Cow::Borrowed("context"), Cow::Owned)
}
