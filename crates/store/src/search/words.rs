//! What a word is, the same for the index, for questions and for marking hits.
//!
//! The index is given words with blanks between them, so that its own rules for words (SQLite's `ascii`
//! tokenizer: all beyond ASCII is a letter) cannot differ from these.

use std::ops::Range;

/// Longest word in bytes of what the index holds; what is longer is cut: hashes and encoded bytes.
const LONGEST: usize = 64;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it is compared: lower case, at most 64 bytes.
    pub folded: String,
    /// Where it stands in the text, in bytes.
    pub range: Range<usize>,
}

/// The words of `text`, in order: runs of letters and digits; a sign of a script without blanks is a
/// word of its own.
pub fn words(text: &str) -> impl Iterator<Item = Word> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = rest.find(|(_, c)| c.is_alphanumeric())?;
        let mut word = Word { folded: String::new(), range: start..start + first.len_utf8() };
        fold(first, &mut word.folded);
        if !stands_alone(first) {
            while let Some((at, c)) =
                rest.next_if(|(_, c)| c.is_alphanumeric() && !stands_alone(*c))
            {
                fold(c, &mut word.folded);
                word.range.end = at + c.len_utf8();
            }
        }
        Some(word)
    })
}

fn fold(c: char, word: &mut String) {
    for lower in c.to_lowercase() {
        // Lower case may bring marks that are no letters.
        if lower.is_alphanumeric() && word.len() + lower.len_utf8() <= LONGEST {
            word.push(lower);
        }
    }
}

/// Han, Hiragana and Katakana are written without blanks.
const fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).map(|word| word.folded).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        assert_eq!(folded("Fix foo_bar::Baz(2)!"), ["fix", "foo", "bar", "baz", "2"]);
        assert_eq!(folded("ÄRGER naïve"), ["ärger", "naïve"]);
        assert_eq!(folded("日本 go"), ["日", "本", "go"]);
        assert_eq!(folded(" \n-.\"' "), Vec::<String>::new());
    }

    #[test]
    fn a_word_knows_where_it_stands_and_is_cut_when_it_is_long() {
        let text = format!("é {}", "x".repeat(200));
        let found: Vec<_> = words(&text).collect();
        assert_eq!(&text[found[0].range.clone()], "é");
        assert_eq!((found[1].folded.len(), found[1].range.len()), (64, 200));
    }
}
