//! Where a JSON value ends: the one pass over its text that says what is valid, and reads nothing.
//!
//! It takes what serde_json takes, a property that the tests hold, at several times the speed: strings are most of
//! what is passed over, and they are looked at several bytes at a time.

/// Bytes of a string that are looked at at once.
const WORD: usize = size_of::<u64>();

/// A place in a JSON text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip<'a> {
    text: &'a str,
    pub(super) at: usize,
}

impl<'a> Skip<'a> {
    /// At a text's beginning.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte here; none at the end.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on to what is no white space, and says what that is.
    pub(super) fn blanks(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes a byte, if it is the next that is no white space.
    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        (self.blanks()? == byte).then(|| self.at += 1)
    }

    /// Passes a value, and tells its text.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let first = self.blanks()?;
        let start = self.at;
        match first {
            b'{' | b'[' => self.nest()?,
            other => self.plain(other)?,
        }
        self.since(start)
    }

    /// What was passed since a place.
    pub(super) fn since(&self, start: usize) -> Option<&'a str> {
        self.text.get(start..self.at)
    }

    /// Passes an array, of which `pass` passes each element.
    pub(super) fn elements(&mut self, mut pass: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.blanks()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blanks()?;
            pass(self)?;
            match self.blanks()? {
                b',' => self.at += 1,
                b']' => break self.at += 1,
                _ => return None,
            }
        }
        Some(())
    }

    /// Passes a string, and tells its text with its quotes.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.quoted().map(|(text, _)| text)
    }

    /// Passes a string, and tells its text with its quotes, and whether an escape is in it.
    fn quoted(&mut self) -> Option<(&'a str, bool)> {
        let start = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        let bytes = self.text.as_bytes();
        let mut is_escaped = false;
        loop {
            let rest = &bytes[self.at..];
            let run = first_special(rest)?;
            self.at += run + 1;
            match rest[run] {
                b'"' => return Some((self.text.get(start..self.at)?, is_escaped)),
                b'\\' => is_escaped = true,
                // A control character.
                _ => return None,
            }
            match *bytes.get(self.at)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                b'u' => {
                    let digits = bytes.get(self.at + 1..self.at + 5)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.at += 5;
                }
                _ => return None,
            }
        }
    }

    /// Passes a value that is no array and no object.
    fn plain(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.string().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    /// Passes an array or an object, however deep.
    fn nest(&mut self) -> Option<()> {
        // What is open, each by the byte that closes it.
        let mut open: Vec<u8> = Vec::new();
        loop {
            // A value begins here.
            let first = self.blanks()?;
            match first {
                b'{' => {
                    self.at += 1;
                    if self.blanks()? != b'}' {
                        self.name()?;
                        open.push(b'}');
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.blanks()? != b']' {
                        open.push(b']');
                        continue;
                    }
                    self.at += 1;
                }
                other => self.plain(other)?,
            }
            // It ended, and with it maybe what it stands in.
            loop {
                let Some(close) = open.last().copied() else { return Some(()) };
                let next = self.blanks()?;
                self.at += 1;
                if next == close {
                    open.pop();
                } else if next == b',' {
                    if close == b'}' {
                        self.blanks()?;
                        self.name()?;
                    }
                    break;
                } else {
                    return None;
                }
            }
        }
    }

    /// Passes a member's name and its colon, and tells the name with its quotes, and whether an escape is in it.
    pub(super) fn name(&mut self) -> Option<(&'a str, bool)> {
        let name = self.quoted()?;
        self.take(b':')?;
        Some(name)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            // A zero leads.
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let digits = self.text.as_bytes()[self.at..].iter().take_while(|it| it.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        (count > 0).then_some(())
    }
}

/// How many bytes a string goes on before one that is a quote, a backslash or a control character; none where none is.
///
/// Escapes stand every few bytes in what tools tell, so that eight bytes at a time are looked at: a search that can take
/// more of them has begun anew before it gets so far.
pub(crate) fn first_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (nth, word) in words.iter().enumerate() {
        let met = special(u64::from_le_bytes(*word));
        if met != 0 {
            return Some(nth * WORD + met.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'))?;
    Some(words.len() * WORD + place)
}

/// The highest bit of the lowest byte that ends a run, and maybe of others above it.
const fn special(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; WORD]);
    // A byte that is less than what is taken away borrows, so that its highest bit is set where it was not.
    const fn below(word: u64, limit: u8) -> u64 {
        word.wrapping_sub(EACH * limit as u64) & !word
    }
    let quotes = below(word ^ (EACH * b'"' as u64), 1);
    let escapes = below(word ^ (EACH * b'\\' as u64), 1);
    (quotes | escapes | below(word, b' ')) & (EACH << 7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// As serde_json takes a text for one value.
    fn theirs(text: &str) -> bool {
        serde_json::from_str::<&RawValue>(text).is_ok()
    }

    fn ours(text: &str) -> bool {
        let mut skip = Skip::new(text);
        let value = skip.value();
        let is_it = value.is_some_and(|value| {
            serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == value)
        });
        is_it && skip.blanks().is_none()
    }

    #[test]
    fn what_is_valid_is_what_serde_json_takes() {
        let deep = ["[".repeat(5000), "]".repeat(5000)].concat();
        let long = format!("\"{}\u{1f}{}\"", "x".repeat(70), "y".repeat(70));
        for text in [
            "",
            " ",
            "{}",
            "[]",
            " [ ] ",
            "{ }",
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{"a" : 1 , "b":[ ]}"#,
            r#"{"a":1"b":2}"#,
            r#"{a:1}"#,
            "{1:2}",
            "01",
            "-",
            "-0",
            "-01",
            "1.",
            "1.5",
            ".5",
            "1e",
            "1e+",
            "1E-7",
            "+1",
            "truex",
            "tru",
            "nul",
            "null",
            "false",
            "1 2",
            "[1 2]",
            "[[1],[2]]",
            "[[1],[2]",
            "[1}",
            "{\"a\":1]",
            "\"",
            "\"a",
            "\"\\\"",
            "\"\\u12g4\"",
            "\"\\u00e9\"",
            "\"\\x\"",
            "\"a\tb\"",
            "\"a\u{7f}é\"",
            "\u{a0}1",
            &deep,
            &long,
            "{}}",
            "[]]",
        ] {
            assert_eq!(ours(text), theirs(text), "{text:?}");
        }
    }

    /// Bits of JSON, sound and not, in any order.
    fn bits() -> impl Strategy<Value = String> {
        let bit = prop_oneof![
            8 => proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\":", "1", "-2.5e3", "true", "null", " ", "\n", "\"", "\\", "\\u00",
            ])
            .prop_map(str::to_owned),
            1 => "\"[ -~é\\\\]{0,50}\"",
            1 => "[0-9eE.+-]{1,6}",
        ];
        proptest::collection::vec(bit, 0..14).prop_map(|bits| bits.concat())
    }

    /// Sound JSON, of which one byte is something else at times.
    fn nearly_sound() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "\\PC{0,80}".prop_map(Into::into),
            "[\u{0}-\u{40}\"\\\\]{0,12}".prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::vec(("[a-c\"\\\\]{0,2}", inner), 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        });
        let harm = proptest::option::of((any::<proptest::sample::Index>(), 0..128_u8));
        (value, any::<bool>(), harm).prop_map(|(value, is_wide, harm)| {
            let text = if is_wide { format!("{value:#}") } else { value.to_string() };
            let mut bytes = text.into_bytes();
            if let Some((place, byte)) = harm {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }

    proptest! {
        #[test]
        fn any_text_is_one_value_for_us_when_it_is_for_serde_json(
            text in prop_oneof![bits(), nearly_sound()],
        ) {
            prop_assert_eq!(ours(&text), theirs(&text), "{:?}", text);
        }
    }
}
