//! Counts the tokens of what a model read, or of what it said.
//!
//! Text is counted in short pieces: so the thread can be ended between two of them, and what the rules that cut
//! words have to look back at is bounded. A cut may make one token two, of some four thousand.

use std::borrow::Cow;
use std::fmt;

use langley_model::Tokens;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use tiktoken_rs::CoreBPE;

/// Bytes that are counted of either side of an exchange; what is beyond has as many tokens for its length.
const COUNTED: u64 = 2 * 1024 * 1024;

/// Bytes of a piece.
const PIECE: usize = 16 * 1024;

/// What the provider has sealed, and opens itself: it stands for tokens that nobody else can count.
const SEALED: &str = "encrypted_content";

/// The thread is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the thread is to end")]
pub(crate) struct Ended;

/// Tokens of some text.
pub(crate) struct Count<'v> {
    vocabulary: &'v CoreBPE,
    is_ending: &'v dyn Fn() -> bool,
    sum: Sum,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// Bytes that were counted, and their tokens.
    counted: u64,
    tokens: u64,
    /// Bytes beyond those.
    beyond: u64,
    /// Bytes that are sealed.
    sealed: u64,
    is_ended: bool,
}

impl<'v> Count<'v> {
    pub(crate) fn new(vocabulary: &'v CoreBPE, is_ending: &'v dyn Fn() -> bool) -> Self {
        Self { vocabulary, is_ending, sum: Sum::default() }
    }

    /// Counts a text; what looks like a mark of the tokenizer's own in it is text.
    pub(crate) fn text(&mut self, mut text: &str) -> Result<(), Ended> {
        while !text.is_empty() {
            if self.sum.counted >= COUNTED {
                self.sum.beyond += text.len() as u64;
                return Ok(());
            }
            if (self.is_ending)() {
                self.sum.is_ended = true;
                return Err(Ended);
            }
            let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
            self.sum.counted += piece.len() as u64;
            self.sum.tokens += self.vocabulary.count_ordinary(piece) as u64;
            text = rest;
        }
        Ok(())
    }

    /// Counts the body of a request: of JSON its names and values, as the model is told them, without what stands
    /// between them; of anything else all of it.
    pub(crate) fn body(&mut self, body: &[u8]) -> Result<(), Ended> {
        let before = self.sum;
        let mut json = serde_json::Deserializer::from_slice(body);
        let value = Value { count: self, is_sealed: false };
        let is_read = value.deserialize(&mut json).and_then(|()| json.end()).is_ok();
        if self.sum.is_ended {
            return Err(Ended);
        }
        if !is_read {
            self.sum = before;
            self.text(&String::from_utf8_lossy(body))?;
        }
        Ok(())
    }

    /// What it comes to.
    pub(crate) const fn total(&self) -> Tokens {
        let Sum { counted, tokens, beyond, sealed, .. } = self.sum;
        let counted = if counted == 0 { 1 } else { counted };
        let beyond = beyond.saturating_mul(tokens).div_ceil(counted);
        Tokens(tokens.saturating_add(beyond).saturating_add(Tokens::of_bytes(sealed).0))
    }
}

/// A value of JSON on its way to be counted.
struct Value<'c, 'v> {
    count: &'c mut Count<'v>,
    is_sealed: bool,
}

impl Value<'_, '_> {
    /// Something short that is no text.
    fn word<E>(self) -> Result<(), E> {
        self.count.sum.tokens += 1;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.word()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.word()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.word()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.word()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.is_sealed {
            self.count.sum.sealed += text.len() as u64;
            return Ok(());
        }
        self.count.text(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { count, is_sealed } = self;
        while items.next_element_seed(Value { count: &mut *count, is_sealed })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let count = self.count;
        while let Some(name) = entries.next_key::<Cow<'_, str>>()? {
            count.text(&name).map_err(A::Error::custom)?;
            entries.next_value_seed(Value { count: &mut *count, is_sealed: name == SEALED })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::Encoding;

    const NEVER: fn() -> bool = || false;

    fn counted(vocabulary: &CoreBPE, text: &str) -> u64 {
        let mut count = Count::new(vocabulary, &NEVER);
        count.text(text).unwrap();
        count.total().0
    }

    fn counted_body(vocabulary: &CoreBPE, body: &str) -> u64 {
        let mut count = Count::new(vocabulary, &NEVER);
        count.body(body.as_bytes()).unwrap();
        count.total().0
    }

    /// The examples of OpenAI's cookbook, "How to count tokens with tiktoken".
    #[test]
    fn text_has_the_tokens_that_its_encoding_is_known_for() {
        let texts = [
            "antidisestablishmentarianism",
            "2 + 2 = 4",
            "お誕生日おめでとう",
            "tiktoken is great!",
        ];
        for (encoding, known) in [(Encoding::Cl100k, [6, 7, 9, 6]), (Encoding::O200k, [6, 7, 8, 6])]
        {
            let vocabulary = encoding.load().unwrap();
            assert_eq!(texts.map(|text| counted(&vocabulary, text)), known, "{encoding:?}");
            // A mark of its own is seven tokens of text, and not one.
            assert_eq!(counted(&vocabulary, "<|endoftext|>"), 7, "{encoding:?}");
            assert_eq!(counted(&vocabulary, ""), 0);
        }
    }

    #[test]
    fn of_a_body_names_and_values_count_without_what_stands_between_them() {
        let vocabulary = Encoding::O200k.load().unwrap();
        let body = r#"{"role": "user", "content": [{"text": "a\n\nb", "n": 12.5, "is": true, "no": null}]}"#;
        // role user content text a \n\n b n 1 is 1 no
        assert_eq!(counted_body(&vocabulary, body), 12);
        assert_eq!(counted_body(&vocabulary, "hello world"), 2, "what is no JSON is text");
        assert_eq!(counted_body(&vocabulary, r#"{"hello"#), counted(&vocabulary, r#"{"hello"#));
        let sealed = format!(r#"{{"{SEALED}": "{}"}}"#, "xYz0".repeat(100));
        let alone = counted(&vocabulary, SEALED);
        assert_eq!(
            counted_body(&vocabulary, &sealed),
            alone + 100,
            "sealed bytes are four to a token"
        );
    }

    #[test]
    fn what_is_beyond_the_bound_has_as_many_tokens_for_its_length() {
        let vocabulary = Encoding::Cl100k.load().unwrap();
        let mut count = Count::new(&vocabulary, &NEVER);
        let line = "one two three four\n";
        let lines = 3 * COUNTED as usize / line.len();
        count.text(&line.repeat(lines)).unwrap();
        assert!(count.sum.counted < COUNTED + PIECE as u64);
        let whole = counted(&vocabulary, line) as f64 * lines as f64;
        assert!((count.total().0 as f64 / whole - 1.0).abs() < 0.01, "{:?} {whole}", count.sum);
    }

    #[test]
    fn text_that_no_rule_was_made_for_is_counted_too() {
        for encoding in [Encoding::Cl100k, Encoding::O200k] {
            let vocabulary = encoding.load().unwrap();
            for text in [
                " ",
                "A",
                "a",
                "9",
                "\n",
                " \n",
                "é",
                "漢",
                "'",
                "'S",
                "\u{301}",
                "\u{0}",
                "👩‍👩‍👧",
                "/",
                "\t x",
            ] {
                let long = text.repeat(2 * PIECE / text.len() + 1);
                let tokens = counted(&vocabulary, &long);
                assert!((1..=long.len() as u64).contains(&tokens), "{text:?}: {tokens}");
            }
        }
    }

    #[test]
    fn counting_ends_between_two_pieces_where_the_thread_is_to_end() {
        let vocabulary = Encoding::Cl100k.load().unwrap();
        let asked = std::cell::Cell::new(0);
        let third = || asked.replace(asked.get() + 1) >= 2;
        let mut count = Count::new(&vocabulary, &third);
        assert_eq!(count.text(&" a".repeat(8 * PIECE)), Err(Ended));
        assert_eq!(count.sum.counted, 2 * PIECE as u64);
        let mut count = Count::new(&vocabulary, &|| true);
        assert_eq!(count.body(br#"{"a":"b"}"#), Err(Ended));
    }
}
