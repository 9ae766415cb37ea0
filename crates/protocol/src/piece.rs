//! Pieces: where a request's body comes apart, by byte ranges of its text, so that what agents send
//! again with each turn can be stored once and the body put together again byte for byte.
//!
//! Nothing is written anew: white space, escapes and repeated names stay where they were.

use std::fmt;
use std::ops::Range;

use langley_model::PieceKind;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;
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
    /// Whether it lies where the conversation does: there, a system prompt is a turn like others.
    pub is_turn: bool,
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
        let is_turn = matches!(holds, Holds::Turns);
        self.pieces.push(Piece { range: start..start + text.len(), kind, is_turn });
        (self.pieces.len() <= PIECES_MAX).then_some(())
    }
}

/// A shorter JSON text in place of a piece: a value of the same kind with the same names, whose long texts
/// keep their opening and say how many bytes were left out. Within `limit` bytes, if that is enough for a
/// few words at all.
#[must_use]
pub fn shortened(piece: &[u8], limit: usize) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(piece) else {
        return opening(piece, limit, None);
    };
    // Nearly always one text is long; names and the word about what was left out take the rest.
    let mut longest = limit.saturating_sub(2 * TEXT_MIN);
    while longest >= TEXT_MIN {
        shorten(&mut value, longest);
        let text = value.to_string();
        if text.len() <= limit {
            return text.into_bytes();
        }
        longest = longest / 4 * 3;
    }
    // Not its texts are long, but there are many of them.
    opening(piece, limit, Some(&value))
}

/// Texts that are shorter than this are not shortened any more.
const TEXT_MIN: usize = 64;

/// Shortens every text that is longer than `longest`.
fn shorten(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) => {
            let (kept, left_out) = match text.rsplit_once(LEFT_OUT) {
                // What was left out before counts as well.
                Some((kept, said)) if said.ends_with(LEFT_OUT_END) => {
                    let said = said.trim_end_matches(LEFT_OUT_END).parse().unwrap_or(0);
                    (kept.len(), said)
                }
                _ => (text.len(), 0_usize),
            };
            if kept > longest {
                let end = text.floor_char_boundary(longest);
                text.truncate(end);
                let left_out = left_out + kept - end;
                text.push_str(&format!("{LEFT_OUT}{left_out}{LEFT_OUT_END}"));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| shorten(value, longest)),
        Value::Object(members) => {
            members.values_mut().for_each(|value| shorten(value, longest));
        }
        _ => {}
    }
}

const LEFT_OUT: &str = " [Langley left out ";
const LEFT_OUT_END: &str = " bytes]";

/// A piece that says whose turn it is and how its text began.
fn opening(piece: &[u8], limit: usize, value: Option<&Value>) -> Vec<u8> {
    // Escapes and names take some room as well.
    let most = limit.saturating_sub(256) / 2;
    let text = String::from_utf8_lossy(&piece[..most.min(piece.len())]);
    let mut short = serde_json::Map::new();
    for name in ["role", "type", "name"] {
        if let Some(word) = value.and_then(|value| value.get(name)).filter(|word| word.is_string())
        {
            short.insert(name.to_owned(), word.clone());
        }
    }
    let left_out = piece.len() - most.min(piece.len());
    let text = format!("{text}{LEFT_OUT}{left_out}{LEFT_OUT_END}");
    short.insert(String::from("content"), Value::String(text));
    Value::Object(short).to_string().into_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_piece_says_what_was_left_out_and_whose_turn_it_is() {
        let text = format!("\"{}\"", "x".repeat(1_000));
        let short: String = serde_json::from_slice(&shortened(text.as_bytes(), 300)).unwrap();
        assert_eq!(short, format!("{} [Langley left out 828 bytes]", "x".repeat(172)));
        // Shortened in several steps: the bytes that were left out are counted once each.
        let quotes = format!("[\"{0}\",\"{0}\"]", "y".repeat(1_000));
        let short: Vec<String> =
            serde_json::from_slice(&shortened(quotes.as_bytes(), 300)).unwrap();
        assert_eq!(short[1], format!("{} [Langley left out 904 bytes]", "y".repeat(96)));
        // Many small texts, and what is too deep to be read.
        let many = format!(r#"{{"role":"user","content":[{}"a"]}}"#, "\"b\",".repeat(1_000));
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for (piece, role) in [(many, Some("user")), (deep, None)] {
            let short = shortened(piece.as_bytes(), 600);
            assert!(short.len() <= 600, "{}", short.len());
            let short: Value = serde_json::from_slice(&short).unwrap();
            assert_eq!(short["role"].as_str(), role);
            assert!(short["content"].as_str().unwrap().ends_with(" bytes]"));
        }
    }
}
