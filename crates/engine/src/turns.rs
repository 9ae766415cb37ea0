//! By what a conversation is known that has no name: a digest after each of its turns, so that a request
//! tells which earlier one it goes on from.
//!
//! A digest is of the texts alone. What stands around them changes between two requests of the same
//! conversation: markers for the cache move on, a text becomes a list of one, numbers and switches are added
//! to the arguments of tools.

use std::fmt;
use std::hash::Hasher as _;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use langley_model::PieceKind;
use langley_protocol::piece::Piece;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::inference_key::InferenceKey;

/// Ends a text in a digest; no byte of UTF-8.
const END: u8 = 0xff;

/// Makes digests. They are keyed, so that what is said tells nobody which others have the same; for correlation alone.
#[derive(Clone, Debug)]
pub(crate) struct Digester {
    start: u64,
    seed: SharedSeed,
}

impl Digester {
    /// One whose digests are those of a home with this key, in each of its runs.
    pub(crate) fn new(key: InferenceKey) -> Self {
        let [start, seed] = key.seeds();
        Self { start, seed: SharedSeed::from_u64(seed) }
    }

    /// A digest of texts, for what is not a turn.
    pub(crate) fn digest(&self, kind: &[u8], texts: &[&str]) -> u64 {
        let mut hasher = self.begin(kind, 0);
        for text in texts {
            add_text(&mut hasher, text.as_bytes());
        }
        hasher.finish()
    }

    /// What a body asks: all of its parts, or the whole where it does not come apart.
    pub(crate) fn asked(&self, parts: Option<&[Piece]>, body: &[u8]) -> u64 {
        let mut hasher = self.begin(b"parts", 0);
        match parts {
            Some(parts) => {
                for part in parts {
                    add_text(&mut hasher, &body[part.range.clone()]);
                }
            }
            None => hasher.write(body),
        }
        hasher.finish()
    }

    fn begin(&self, kind: &[u8], who: u64) -> FoldHasher<'_> {
        let mut hasher = FoldHasher::with_seed(self.start, &self.seed);
        add_text(&mut hasher, kind);
        hasher.write_u64(who);
        hasher
    }
}

/// Adds a text and its end: no text of UTF-8 ends so, and what is the end of one is not the beginning of the next.
fn add_text(hasher: &mut FoldHasher<'_>, text: &[u8]) {
    hasher.write(text);
    hasher.write_u8(END);
}

/// The turns of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turns {
    /// Of the conversation up to each turn.
    prefixes: Vec<u64>,
    /// Turns until the user has spoken for the first time.
    opening: usize,
    /// Of the system prompt and the opening.
    base: u64,
}

impl Turns {
    /// Those of a request's body that comes apart into `parts`; none when it holds no conversation that can be read
    /// whole. What `who` asks is no part of what another one asks.
    pub(crate) fn of(digester: &Digester, parts: &[Piece], body: &[u8], who: u64) -> Option<Self> {
        let turns = || parts.iter().filter(|part| part.is_turn);
        let count = turns().count();
        if count == 0 {
            return None;
        }
        let spoken = turns().position(|turn| turn.kind == PieceKind::User);
        let opening = spoken.map_or(count, |first| first + 1);
        let mut base = digester.begin(b"base", who);
        for part in parts.iter().filter(|part| !part.is_turn && part.kind == PieceKind::System) {
            add(&mut base, &body[part.range.clone()])?;
        }
        let mut said = digester.begin(b"said", who);
        let mut prefixes = Vec::with_capacity(count);
        for (place, turn) in turns().enumerate() {
            let text = &body[turn.range.clone()];
            add(&mut said, text)?;
            prefixes.push(said.finish());
            if place < opening {
                add(&mut base, text)?;
            }
        }
        Some(Self { prefixes, opening, base: base.finish() })
    }

    /// What a conversation is known by that began so: system prompt and first words of the user.
    pub(crate) const fn base(&self) -> u64 {
        self.base
    }

    /// Whether nothing was said yet but the opening.
    pub(crate) const fn is_opening(&self) -> bool {
        self.prefixes.len() <= self.opening
    }

    /// What a later request of the conversation is told by.
    pub(crate) fn head(&self) -> u64 {
        self.prefixes.last().copied().filter(|_| !self.is_opening()).unwrap_or(self.base)
    }

    /// What this request may go on from, the longest first. A mere opening goes on from nothing: anybody
    /// may begin so.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = u64> {
        let said = self.prefixes.iter().skip(self.opening).rev().copied();
        said.chain((!self.is_opening()).then_some(self.base))
    }
}

/// Adds the texts of a JSON value, and its end.
fn add(hasher: &mut FoldHasher<'_>, json: &[u8]) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Texts(hasher).deserialize(&mut reader).ok()?;
    hasher.write_u8(END);
    Some(())
}

/// Adds every text of a value to a digest.
struct Texts<'h, 's>(&'h mut FoldHasher<'s>);

/// A member's name, as far as it matters.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    CacheControl,
    Type,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for Texts<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        add_text(self.0, text.as_bytes());
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
    use langley_protocol::piece::pieces;

    use super::*;

    fn turns(path: &str, body: &str) -> Option<Turns> {
        let (_, dialect) = dialect_for("POST", "any", path).unwrap();
        let parts = pieces(dialect.seams(), body.as_bytes())?;
        Turns::of(&Digester::new(InferenceKey::default()), &parts, body.as_bytes(), 7)
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
