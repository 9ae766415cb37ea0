//! What a question means: every word must be there, those in quotes one after the other, and a word
//! with a star at its end is a beginning. Nothing that a person types is a syntax error.

use langley_model::{Flow, Place, Stored};
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::words::{Word, words};
use crate::error::StoreError;
use crate::filter::{Common, Condition, FlowFilter, is_common, position};
use crate::flow_row::{self, FlowSql};
use crate::query::{Page, page_limit};
use crate::store::Store;

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

/// A flow in whose new text everything was found.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// The flow.
    pub flow: Stored<Flow>,
    /// Whether the whole conversation of its request was indexed, and not only its end.
    pub whole: bool,
}

impl SearchQuery {
    /// Reads what a person typed.
    ///
    /// # Errors
    /// No word in it, too many, or a beginning that is too short; the error says which.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
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
        let refuse = |why| Err(StoreError::Query { why });
        if phrases.is_empty() {
            return refuse("it holds no word: a word is made of letters and digits");
        }
        if phrases.iter().map(|phrase| phrase.words.len()).sum::<usize>() > WORDS_MAX {
            return refuse("it holds more than 32 words");
        }
        if phrases.iter().any(Phrase::is_too_short) {
            return refuse("a beginning (`wor*`) needs at least three letters before the star");
        }
        if phrases.iter().filter(|phrase| phrase.beginning).count() > BEGINNINGS_MAX {
            return refuse("it holds more than 4 beginnings (`wor*`)");
        }
        Ok(Self { phrases })
    }

    /// The question in the index's language; only letters, digits and quotes of ours are in it.
    pub(crate) fn expression(&self) -> String {
        let of = |phrase: &Phrase| {
            let star = if phrase.beginning { " *" } else { "" };
            format!("\"{}\"{star}", phrase.words.join(" "))
        };
        self.phrases.iter().map(of).collect::<Vec<_>>().join(" AND ")
    }

    /// Where in `text` what was asked for stands, as ranges of bytes, in order and apart.
    #[must_use]
    pub fn hits(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let found: Vec<Word> = words(text).collect();
        let mut marked = vec![false; found.len()];
        for phrase in &self.phrases {
            let len = phrase.words.len();
            for start in 0..(found.len() + 1).saturating_sub(len) {
                if phrase.matches(&found[start..start + len]) {
                    marked[start..start + len].fill(true);
                }
            }
        }
        let hits = found.into_iter().zip(marked).filter(|(_, marked)| *marked);
        hits.map(|(word, _)| word.range).collect()
    }
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

    /// Whether `found`, which is as long, is this.
    fn matches(&self, found: &[Word]) -> bool {
        let last = self.words.len() - 1;
        self.words.iter().zip(found).enumerate().all(|(position, (wanted, found))| {
            *wanted == found.folded
                || (self.beginning && position == last && found.folded.starts_with(wanted))
        })
    }
}

impl Store {
    /// Flows in whose new text everything asked for stands (in `place`, when one is given) and that
    /// `filter` names: the newest first, at most `limit` (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn search(
        &self,
        query: &SearchQuery,
        place: Option<Place>,
        filter: &FlowFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<SearchHit>, StoreError> {
        let (limit, asked) = page_limit(limit);
        let before = cursor.map_or(Ok(i64::MAX), position)?;
        let expression = match place {
            Some(place) => format!("{{{}}} : ({})", place.as_str(), query.expression()),
            None => query.expression(),
        };
        self.readers().read(|conn| {
            let condition = Condition::among(filter, Common::of(conn, filter)?);
            let (sql, filters) = (condition.sql(), condition.parameters.as_slice());
            let narrowed = if sql.is_empty() {
                String::new()
            } else if is_common(conn, &format!("flows{sql}"), filters)? {
                // Each hit is looked at: a page of them is found soon.
                format!(" AND EXISTS (SELECT 1 FROM flows{sql} AND n = search_flows.flow)")
            } else {
                format!(" AND search_flows.flow IN (SELECT n FROM flows{sql})")
            };
            // The index is read backwards from its end: a page costs what it shows.
            let mut statement = conn.prepare_cached(&format!(
                "SELECT whole, search_flows.flow FROM search
                 CROSS JOIN search_flows ON search_flows.flow = search.rowid
                 WHERE search MATCH ? AND search.rowid < ?{narrowed}
                 ORDER BY search.rowid DESC LIMIT {asked}"
            ))?;
            let first = [Value::Text(expression), Value::Integer(before)];
            let parameters = params_from_iter(first.iter().chain(filters));
            let rows: Vec<(bool, i64)> = statement
                .query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let sql = format!("{} WHERE n = ?1", FlowSql::select());
            let mut flow = conn.prepare_cached(&sql)?;
            let mut hits = Vec::with_capacity(rows.len());
            for (whole, n) in rows {
                let (_, flow) = flow.query_row([n], flow_row::read)?;
                hits.push((n, SearchHit { flow, whole }));
            }
            Ok(Page::cut(hits, limit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        SearchQuery::parse(text).unwrap().expression()
    }

    #[test]
    fn words_phrases_and_beginnings_are_told_apart() {
        assert_eq!(expression("Fix tests"), r#""fix" AND "tests""#);
        assert_eq!(expression(r#"say "one  two" thr*"#), r#""say" AND "one two" AND "thr" *"#);
        assert_eq!(expression("foo_bar::baz"), r#""foo bar baz""#);
        assert_eq!(expression(r#""never closed"#), r#""never closed""#);
    }

    #[test]
    fn punctuation_and_the_words_of_the_index_are_never_syntax() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE VIRTUAL TABLE s USING fts5(a, b, tokenize = 'ascii')").unwrap();
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
            let count = conn.query_row(sql, [query.expression()], |row| row.get::<_, i64>(0));
            assert_eq!(count.unwrap(), 0, "{text}");
        }
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
