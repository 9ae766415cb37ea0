//! By what a conversation is known that has no name: a digest after each of its turns, so that a request
//! tells which earlier one it goes on from.
//!
//! A digest is of the texts alone. What stands around them changes between two requests of the same
//! conversation: markers for the cache move on, a text becomes a list of one, numbers and switches are added
//! to the arguments of tools.

use std::fmt;

use blake3::Hasher;
use langley_model::PieceKind;
use langley_protocol::piece::{Seam, pieces};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Ends a text in a digest; no byte of UTF-8.
const END: [u8; 1] = [0xff];

/// The turns of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turns {
    /// Of the conversation up to each turn.
    prefixes: Vec<u128>,
    /// Turns until the user has spoken for the first time.
    opening: usize,
    /// Of the system prompt and the opening.
    base: u128,
}

impl Turns {
    /// Those of a request's body, whose dialect has these seams; none when it holds no conversation that can
    /// be read whole. What `who` asks is no part of what another one asks.
    pub(crate) fn of(seams: &[Seam], body: &[u8], who: u128) -> Option<Self> {
        let (turns, rest): (Vec<Seam>, Vec<Seam>) = seams.iter().partition(|seam| seam.is_turns());
        let turns = pieces(&turns, body)?;
        let spoken = turns.iter().position(|turn| turn.kind == PieceKind::User);
        let opening = spoken.map_or(turns.len(), |first| first + 1);
        let mut base = seeded(b"base", who);
        for piece in pieces(&rest, body).unwrap_or_default() {
            if piece.kind == PieceKind::System {
                add(&mut base, &body[piece.range])?;
            }
        }
        let mut said = seeded(b"said", who);
        let mut prefixes = Vec::with_capacity(turns.len());
        for (place, turn) in turns.into_iter().enumerate() {
            let text = &body[turn.range];
            add(&mut said, text)?;
            prefixes.push(short(&said));
            if place < opening {
                add(&mut base, text)?;
            }
        }
        Some(Self { prefixes, opening, base: short(&base) })
    }

    /// What a conversation is known by that began so: system prompt and first words of the user.
    pub(crate) const fn base(&self) -> u128 {
        self.base
    }

    /// Whether nothing was said yet but the opening.
    pub(crate) const fn is_opening(&self) -> bool {
        self.prefixes.len() <= self.opening
    }

    /// What a later request of the conversation is told by.
    pub(crate) fn head(&self) -> u128 {
        self.prefixes.last().copied().filter(|_| !self.is_opening()).unwrap_or(self.base)
    }

    /// What this request may go on from, the longest first. A mere opening goes on from nothing: anybody
    /// may begin so.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = u128> {
        let said = self.prefixes.iter().skip(self.opening).rev().copied();
        said.chain((!self.is_opening()).then_some(self.base))
    }
}

/// What a body asks: all that its dialect's seams lead to, or the whole where they lead nowhere.
pub(crate) fn asked(seams: &[Seam], body: &[u8]) -> u128 {
    let mut hasher = seeded(b"parts", 0);
    match pieces(seams, body) {
        Some(pieces) => {
            for piece in pieces {
                hasher.update(&body[piece.range]).update(&END);
            }
        }
        None => drop(hasher.update(body)),
    }
    short(&hasher)
}

/// A digest of texts, for what is not a turn.
pub(crate) fn digest(kind: &[u8], texts: &[&str]) -> u128 {
    let mut hasher = seeded(kind, 0);
    for text in texts {
        hasher.update(text.as_bytes()).update(&END);
    }
    short(&hasher)
}

fn seeded(kind: &[u8], who: u128) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.update(kind).update(&END).update(&who.to_le_bytes());
    hasher
}

fn short(hasher: &Hasher) -> u128 {
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

/// Adds the texts of a JSON value, and its end.
fn add(hasher: &mut Hasher, json: &[u8]) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Texts(hasher).deserialize(&mut reader).ok()?;
    hasher.update(&END);
    Some(())
}

/// Adds every text of a value to a digest.
struct Texts<'h>(&'h mut Hasher);

/// A member's name, as far as it matters.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    CacheControl,
    Type,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.update(text.as_bytes()).update(&END);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Texts(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(member) = members.next_key::<Member>()? {
            match member {
                Member::CacheControl | Member::Type => drop(members.next_value::<IgnoredAny>()?),
                Member::Other => members.next_value_seed(Texts(self.0))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use langley_protocol::dialect::dialect_for;

    use super::*;

    fn turns(path: &str, body: &str) -> Option<Turns> {
        let (_, dialect) = dialect_for("POST", "any", path).unwrap();
        Turns::of(dialect.seams(), body.as_bytes(), 7)
    }

    fn messages(list: &str) -> Turns {
        turns("/v1/messages", &format!(r#"{{"system":"be brief","messages":[{list}]}}"#)).unwrap()
    }

    const ASKED: &str = r#"{"role":"user","content":"hi"}"#;
    const ANSWERED: &str = r#"{"role":"assistant","content":[{"type":"text","text":"Hello."}]}"#;

    #[test]
    fn a_request_goes_on_from_the_longest_earlier_one() {
        let first = messages(ASKED);
        assert!(first.is_opening() && first.earlier().next().is_none());
        let second = messages(&format!("{ASKED},{ANSWERED},{ASKED}"));
        assert_eq!(second.earlier().last(), Some(first.head()));
        let third = messages(&format!("{ASKED},{ANSWERED},{ASKED},{ANSWERED},{ASKED}"));
        assert!(third.earlier().any(|head| head == second.head()));
        let other = messages(&format!("{ASKED},{ANSWERED},{ANSWERED}"));
        assert!(!other.earlier().any(|head| head == second.head()));
    }

    #[test]
    fn what_moves_around_the_texts_is_no_part_of_them() {
        let marked = r#"{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}"#;
        assert_eq!(messages(marked).head(), messages(ASKED).head());
        assert_ne!(messages(r#"{"role":"user","content":"hi!"}"#).head(), messages(ASKED).head());
    }

    #[test]
    fn an_opening_ends_with_the_users_first_words_and_knows_the_system_prompt() {
        let chat = |system: &str, more: &str| {
            let body = format!(
                r#"{{"messages":[{{"role":"system","content":"{system}"}},{ASKED}{more}]}}"#
            );
            turns("/v1/chat/completions", &body).unwrap()
        };
        assert!(chat("a", "").is_opening());
        assert_ne!(chat("a", "").base(), chat("b", "").base());
        assert_eq!(chat("a", "").base(), chat("a", &format!(",{ANSWERED},{ASKED}")).base());
        let responses = |system: &str| {
            turns("/v1/responses", &format!(r#"{{"instructions":"{system}","input":"hi"}}"#))
                .unwrap()
        };
        assert!(responses("a").is_opening());
        assert_ne!(responses("a").base(), responses("b").base());
    }

    #[test]
    fn a_body_without_a_conversation_has_no_turns() {
        assert_eq!(turns("/v1/messages", r#"{"messages":[]}"#), None);
        assert_eq!(turns("/v1/messages", r#"{"messages":[{"role":"user""#), None);
        assert_eq!(turns("/v1/embeddings", r#"{"input":"hi"}"#), None);
    }
}
