//! What a question means: every word must be there, those in quotes one after the other, and a word
//! with a star at its end is a beginning. Nothing that a person types is a syntax error.

use langley_model::Place;

use super::mark;
use super::words::{Word, words};
use crate::error::StoreError;

/// Most words of a question, most beginnings among them, and fewest letters of one: what a beginning finds
/// is gathered before the first hit is known, and `a*` names half of all words.
const WORDS_MAX: usize = 32;
const BEGINNINGS_MAX: usize = 4;
const BEGINNING_MIN: usize = 3;

/// A question to the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    phrases: Vec<Phrase>,
}

/// Words that stand one after the other; the last may be a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Phrase {
    words: Vec<String>,
    beginning: bool,
}

/// Where a question is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// In all that is known of a flow, its facts as well.
    Everything,
    /// In what was said.
    Said,
    /// In one place of what was said.
    Place(Place),
}

impl Within {
    /// Whether texts of `place` are looked at.
    pub(crate) fn has(self, place: Place) -> bool {
        match self {
            Self::Everything | Self::Said => true,
            Self::Place(only) => only == place,
        }
    }
}

impl SearchQuery {
    /// Reads what a person typed.
    ///
    /// # Errors
    /// No word in it, too many, or a beginning that is too short; the error says which.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        Self::of(phrases(text))
    }

    fn of(phrases: Vec<Phrase>) -> Result<Self, StoreError> {
        let refuse = |why| Err(StoreError::Query { why });
        if phrases.is_empty() {
            return refuse("it holds no word: a word is made of letters and digits");
        }
        if phrases.iter().map(|phrase| phrase.words.len()).sum::<usize>() > WORDS_MAX {
            return refuse("it holds more than 32 words");
        }
        beginnings(&phrases)?;
        Ok(Self { phrases })
    }

    /// Reads what a person typed where parts of words are looked for as well: none where the index cannot be
    /// asked.
    ///
    /// # Errors
    /// A beginning that the index is not asked for: what is typed with a star is meant for it.
    pub(crate) fn parse_free(text: &str) -> Result<Option<Self>, StoreError> {
        let phrases = phrases(text);
        beginnings(&phrases)?;
        Ok(Self::of(phrases).ok())
    }

    /// Whether a star stands somewhere else than at the end of a word, where it means nothing.
    #[must_use]
    pub fn has_idle_star(text: &str) -> bool {
        let means_nothing = |word: &str| word.trim_end_matches('*').contains('*');
        let outside = text.split('"').step_by(2).flat_map(str::split_whitespace);
        outside.into_iter().any(means_nothing)
            || text.split('"').skip(1).step_by(2).any(|quoted| quoted.contains('*'))
    }

    /// The question in the index's language; only letters, digits, marks and quotes of ours are in it. The
    /// index knows which words a flow has, and not which stand side by side. `words_of` tells the words of a
    /// beginning, and none where they are too many to be asked for one by one.
    pub(crate) fn expression<E>(
        &self,
        within: Within,
        mut words_of: impl FnMut(&str) -> Result<Vec<String>, E>,
    ) -> Result<String, E> {
        let mut all = Vec::new();
        for phrase in &self.phrases {
            let last = phrase.words.len() - 1;
            for (position, word) in phrase.words.iter().enumerate() {
                let mut any = Vec::new();
                for marked in mark::each(word, within) {
                    let begins = phrase.beginning && position == last;
                    let words = if begins { words_of(&marked)? } else { Vec::new() };
                    if words.is_empty() {
                        any.push(format!("\"{marked}\"{}", if begins { " *" } else { "" }));
                    }
                    any.extend(words.iter().map(|word| format!("\"{word}\"")));
                }
                all.push(format!("({})", any.join(" OR ")));
            }
        }
        Ok(all.join(" AND "))
    }

    /// Whether the index alone can answer: no two words have to stand side by side.
    pub(crate) fn is_of_single_words(&self) -> bool {
        self.phrases.iter().all(|phrase| phrase.words.len() == 1)
    }

    /// Takes from `wanted` the phrases that stand in `text`; these are positions among all. Of single words
    /// the index has said that they are there.
    pub(crate) fn take_found(&self, wanted: &mut Vec<usize>, text: &str) {
        if wanted.is_empty() {
            return;
        }
        let found: Vec<Word> = words(text).collect();
        wanted.retain(|position| {
            self.phrases.get(*position).is_some_and(|phrase| phrase.places(&found).next().is_none())
        });
    }

    /// The phrases that have more than one word, as positions among all.
    pub(crate) fn of_many_words(&self) -> Vec<usize> {
        let many =
            |(position, phrase): (usize, &Phrase)| (phrase.words.len() > 1).then_some(position);
        self.phrases.iter().enumerate().filter_map(many).collect()
    }

    /// Where in `text` what was asked for stands, as ranges of bytes, in order and apart.
    #[must_use]
    pub fn hits(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let found: Vec<Word> = words(text).collect();
        let mut marked = vec![false; found.len()];
        for phrase in &self.phrases {
            for place in phrase.places(&found) {
                marked[place].fill(true);
            }
        }
        let hits = found.into_iter().zip(marked).filter(|(_, marked)| *marked);
        hits.map(|(word, _)| word.range).collect()
    }
}

/// What a person typed, taken apart.
fn phrases(text: &str) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    for (position, part) in text.split('"').enumerate() {
        let is_quoted = position % 2 == 1;
        if is_quoted {
            phrases.extend(Phrase::of(part, false));
        } else {
            let of = |word: &str| Phrase::of(word, word.ends_with('*'));
            phrases.extend(part.split_whitespace().filter_map(of));
        }
    }
    phrases
}

/// Whether the index may be asked for the beginnings.
fn beginnings(phrases: &[Phrase]) -> Result<(), StoreError> {
    let refuse = |why| Err(StoreError::Query { why });
    if phrases.iter().any(Phrase::is_too_short) {
        return refuse("a beginning (`wor*`) needs at least three letters before the star");
    }
    if phrases.iter().filter(|phrase| phrase.beginning).count() > BEGINNINGS_MAX {
        return refuse("it holds more than 4 beginnings (`wor*`)");
    }
    Ok(())
}

impl Phrase {
    fn of(text: &str, beginning: bool) -> Option<Self> {
        let words: Vec<String> =
            words(text).map(|word| word.folded).filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then_some(Self { words, beginning })
    }

    fn is_too_short(&self) -> bool {
        let short = |word: &String| word.is_ascii() && word.len() < BEGINNING_MIN;
        self.beginning && self.words.last().is_some_and(short)
    }

    /// Where among the words of a text it stands.
    fn places<'a>(
        &'a self,
        found: &'a [Word],
    ) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        let len = self.words.len();
        let at = move |start: usize| start..start + len;
        let starts = 0..(found.len() + 1).saturating_sub(len);
        starts.map(at).filter(move |place| self.matches(&found[place.clone()]))
    }

    /// Whether `found`, which is as long, is this.
    fn matches(&self, found: &[Word]) -> bool {
        let last = self.words.len() - 1;
        self.words.iter().zip(found).enumerate().all(|(position, (wanted, found))| {
            *wanted == found.folded
                || (self.beginning && position == last && found.folded.starts_with(wanted))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of tool results, whose words have no mark; `thr` is the beginning of two words.
    fn expression(text: &str) -> String {
        let words_of = |beginning: &str| -> Result<_, std::convert::Infallible> {
            let words = ["three", "through"].map(String::from);
            Ok(if beginning == "thr" { words.to_vec() } else { Vec::new() })
        };
        let query = SearchQuery::parse(text).unwrap();
        query.expression(Within::Place(Place::ToolResult), words_of).unwrap()
    }

    #[test]
    fn words_phrases_and_beginnings_are_told_apart() {
        assert_eq!(expression("Fix tests"), r#"("fix") AND ("tests")"#);
        let said = r#"say "one  two" thr*"#;
        assert_eq!(
            expression(said),
            r#"("say") AND ("one") AND ("two") AND ("three" OR "through")"#
        );
        assert_eq!(expression("foo_bar::baz*"), r#"("foo") AND ("bar") AND ("baz" *)"#);
        assert_eq!(expression(r#""never closed"#), r#"("never") AND ("closed")"#);
        let query = SearchQuery::parse(said).unwrap();
        assert_eq!(query.of_many_words(), [1]);
        for (text, is_found) in [("one-two", true), ("two one", false), ("one, and two", false)] {
            let mut wanted = query.of_many_words();
            query.take_found(&mut wanted, text);
            assert_eq!(wanted.is_empty(), is_found, "{text}");
        }
    }

    #[test]
    fn a_star_means_something_at_the_end_of_a_word_only() {
        for idle in ["marm*lade", "*lade", "say *lade", "\"marm* lade\"", "a**b"] {
            assert!(SearchQuery::has_idle_star(idle), "{idle}");
        }
        for text in ["marm*", "marm**", "plain", "* alone", "\"a phrase\" marm*"] {
            assert!(!SearchQuery::has_idle_star(text), "{text}");
        }
    }

    #[test]
    fn beginnings_that_are_too_short_are_refused_wherever_words_are_asked_for() {
        for short in ["xai-bm*", "a*"] {
            assert!(SearchQuery::parse(short).is_err(), "{short}");
            assert!(SearchQuery::parse_free(short).is_err(), "{short}");
        }
        assert!(matches!(SearchQuery::parse_free("::"), Ok(None)));
        assert!(matches!(SearchQuery::parse_free("bm"), Ok(Some(_))));
    }

    #[test]
    fn punctuation_and_the_words_of_the_index_are_never_syntax() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE VIRTUAL TABLE s USING fts5(
                 a, detail = 'none', tokenize = 'ascii tokenchars ''!#$%&'''
             )",
        )
        .unwrap();
        for text in [
            "AND",
            "NEAR(a b)",
            "a OR",
            "NOT x",
            "a:b",
            "^a",
            "{a}:b",
            "a+b",
            "(",
            "\"\"x",
            "x'y",
            "-y",
            "a*b*",
            "col : z",
            "ü\u{301}",
            "İ",
            "日本語*",
            "a\0b",
        ] {
            let Ok(query) = SearchQuery::parse(text) else { continue };
            let sql = "SELECT count(*) FROM s WHERE s MATCH ?1";
            let none = |_: &str| Ok(Vec::new());
            let asked = query.expression(Within::Everything, none);
            let count =
                asked.and_then(|asked| conn.query_row(sql, [asked], |row| row.get::<_, i64>(0)));
            assert_eq!(count.unwrap(), 0, "{text}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_with_the_question() {
        let parsed = |text: &str| SearchQuery::parse(text).unwrap();
        assert_eq!(parsed("a \"new line"), parsed("a \"new line\""));
        assert_eq!(parsed("\"unclosed"), parsed("unclosed"));
        assert_eq!(parsed("word\""), parsed("word"));
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        for (text, word) in [("", "no word"), ("?! --", "no word"), ("xy*", "three letters")] {
            let error = SearchQuery::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        let many = "wor* ".repeat(5);
        assert!(SearchQuery::parse(&many).unwrap_err().to_string().contains("beginnings"));
        let many = "word ".repeat(40);
        assert!(SearchQuery::parse(&many).unwrap_err().to_string().contains("32"));
    }

    #[test]
    fn hits_are_marked_where_they_stand() {
        let query = SearchQuery::parse("\"new line\" wor*").unwrap();
        let text = "a new-line, new words: line";
        let found: Vec<_> = query.hits(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["new", "line", "words"]);
    }
}
