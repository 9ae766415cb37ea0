//! A line taken apart once, for its envelope and for its items.

use crate::json::{Element, Listed, Nested, Object, elements, inner};

use super::UsageReader;

/// A line, and what in it has the rest within.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) line: Object<'a>,
    /// The message of Claude Code's lines, the payload of Codex's.
    pub(super) within: Option<Object<'a>>,
    pub(super) content: Option<Parts<'a>>,
    pub(super) raw_content: Option<&'a str>,
}

impl<'a> Parsed<'a> {
    /// Takes a line apart; none of one that is no whole object.
    pub(super) fn of(reader: &UsageReader, line: &'a str) -> Option<Self> {
        let name = match reader {
            UsageReader::ClaudeCode => Some("message"),
            UsageReader::Codex(_) => Some("payload"),
            UsageReader::GeminiCli { .. } => None,
        };
        let Nested { object: line, within, list } = match name {
            Some(name) => Nested::of(line, name, "content")?,
            None => Nested { object: Object::of(line)?, ..Nested::default() },
        };
        let within = within.or_else(|| line.object(name?));
        let here = match reader {
            // Lines of early versions are the payload alone.
            UsageReader::Codex(_) => within.is_none().then_some(&line),
            UsageReader::ClaudeCode | UsageReader::GeminiCli { .. } => Some(&line),
        };
        let raw_content = within
            .as_ref()
            .and_then(|within| within.raw("content"))
            .or_else(|| here.and_then(|line| line.raw("content")));
        let content = list.map(Parts::of_list).or_else(|| raw_content.map(Parts::of));
        Some(Self { content, raw_content, within, line })
    }
}

/// A content.
#[derive(Debug)]
pub(super) enum Parts<'a> {
    /// A text, with its escapes.
    Text(&'a str),
    /// A list, without what in it is neither text nor object; an empty one of anything else.
    List(Vec<Part<'a>>),
}

/// A part of a content.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// A text, with its escapes.
    Text(&'a str),
    /// An object.
    Block(Object<'a>),
}

impl<'a> Parts<'a> {
    /// Of a content's JSON.
    pub(super) fn of(raw: &'a str) -> Self {
        if let Some(escaped) = inner(raw) {
            return Self::Text(escaped);
        }
        let part = |raw: &'a str| match inner(raw) {
            Some(escaped) => Some(Part::Text(escaped)),
            None => Object::of(raw).map(Part::Block),
        };
        let parts = elements(raw).unwrap_or_default();
        Self::List(parts.into_iter().map(Element::get).filter_map(part).collect())
    }

    /// Of a content that is a list.
    fn of_list(list: Vec<Listed<'a>>) -> Self {
        let part = |element| match element {
            Listed::Object(object) => Some(Part::Block(object)),
            Listed::Other(raw) => inner(raw).map(Part::Text),
        };
        Self::List(list.into_iter().filter_map(part).collect())
    }

    /// The parts of a list.
    pub(super) fn list(&self) -> &[Part<'a>] {
        match self {
            Self::Text(_) => &[],
            Self::List(parts) => parts,
        }
    }

    /// Those that are objects.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Object<'a>> {
        self.list().iter().filter_map(|part| match part {
            Part::Block(block) => Some(block),
            Part::Text(_) => None,
        })
    }
}
