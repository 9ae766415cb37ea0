//! Pieces: where a request's body comes apart, by byte ranges of its text, so that what agents send
//! again with each turn can be stored once and the body put together again byte for byte.
//!
//! Nothing is written anew: white space, escapes and repeated names stay where they were.

use std::fmt;
use std::ops::Range;

use langley_model::PieceKind;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Object;

/// The most pieces of a body. A body of more has no conversation in it that anybody can hold, and a list
/// of so many would be longer than what it saves.
const PIECES_MAX: usize = 8192;

/// A place in a request's body where it comes apart: a member whose elements, or whose value, are
/// pieces.
#[derive(Clone, Copy, Debug)]
pub struct Seam {
    /// Names of the members that lead there.
    path: &'static [&'static str],
    holds: Holds,
}

#[derive(Clone, Copy, Debug)]
enum Holds {
    System,
    Tools,
    Turns,
}

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it lies in the body.
    pub range: Range<usize>,
    /// What it is.
    pub kind: PieceKind,
}

impl Seam {
    /// A system prompt, as one value or as a list of blocks.
    pub(crate) const fn system(path: &'static [&'static str]) -> Self {
        Self { path, holds: Holds::System }
    }

    /// A list of tool definitions.
    pub(crate) const fn tools(path: &'static [&'static str]) -> Self {
        Self { path, holds: Holds::Tools }
    }

    /// The conversation: a list of messages, items or contents, or one text.
    pub(crate) const fn turns(path: &'static [&'static str]) -> Self {
        Self { path, holds: Holds::Turns }
    }
}

/// The pieces of a body, in order, none overlapping another. None when the body is not one whole JSON
/// object, has no piece, or more than can be kept apart.
#[must_use]
pub fn pieces(seams: &[Seam], body: &[u8]) -> Option<Vec<Piece>> {
    let seams: Vec<&Seam> = seams.iter().collect();
    let mut found = Found { start: body.as_ptr().addr(), pieces: Vec::new() };
    found.object(&Object::read(body)?, &seams, 0)?;
    (!found.pieces.is_empty()).then_some(found.pieces)
}

struct Found {
    /// Address of the body's first byte.
    start: usize,
    pieces: Vec<Piece>,
}

impl Found {
    /// Finds the pieces below the members that `seams` name at `depth`.
    fn object(&mut self, object: &Object<'_>, seams: &[&Seam], depth: usize) -> Option<()> {
        for (name, value) in object.members() {
            let named = |seam: &&&Seam| seam.path.get(depth).is_some_and(|step| *step == name);
            let here: Vec<&Seam> = seams.iter().filter(named).copied().collect();
            match here.iter().find(|seam| seam.path.len() == depth + 1) {
                Some(seam) => self.value(value, seam.holds)?,
                None if here.is_empty() => {}
                None => {
                    if let Some(inner) = Object::read(value.as_bytes()) {
                        self.object(&inner, &here, depth + 1)?;
                    }
                }
            }
        }
        Some(())
    }

    fn value(&mut self, value: &str, holds: Holds) -> Option<()> {
        match value.as_bytes().first() {
            Some(b'[') => {
                for element in elements(value, PIECES_MAX - self.pieces.len())? {
                    self.add(element, holds)?;
                }
            }
            Some(b'"' | b'{') => self.add(value, holds)?,
            // A number, a truth value or null is none of what is expected here.
            _ => {}
        }
        Some(())
    }

    fn add(&mut self, text: &str, holds: Holds) -> Option<()> {
        let start = text.as_ptr().addr() - self.start;
        let kind = match holds {
            Holds::System => PieceKind::System,
            Holds::Tools => PieceKind::Tools,
            Holds::Turns => turn(text),
        };
        self.pieces.push(Piece { range: start..start + text.len(), kind });
        (self.pieces.len() <= PIECES_MAX).then_some(())
    }
}

/// Whose turn an element of a conversation is: by its role, else by its type.
fn turn(text: &str) -> PieceKind {
    let Some(object) = Object::read(text.as_bytes()) else { return PieceKind::User };
    if let Some(role) = object.text("role") {
        return match &*role {
            "user" => PieceKind::User,
            "assistant" | "model" => PieceKind::Assistant,
            "system" | "developer" => PieceKind::System,
            "tool" | "function" => PieceKind::ToolResults,
            _ => PieceKind::Other,
        };
    }
    match object.text("type").as_deref() {
        None | Some("message" | "text" | "user_input") => PieceKind::User,
        Some(kind) if kind.ends_with("_output") || kind.ends_with("_result") => {
            PieceKind::ToolResults
        }
        // Calls, reasoning: what the model said, given back to it.
        Some(_) => PieceKind::Assistant,
    }
}

/// The JSON texts of an array's elements; none when there are more than `most`.
fn elements(array: &str, most: usize) -> Option<Vec<&str>> {
    struct Texts(usize);

    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<&'de str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut texts = Vec::new();
            while let Some(element) = seq.next_element::<&RawValue>()? {
                if texts.len() == self.0 {
                    return Err(A::Error::custom("too many elements"));
                }
                texts.push(element.get());
            }
            Ok(texts)
        }
    }

    serde_json::Deserializer::from_str(array).deserialize_seq(Texts(most)).ok()
}
