//! Beginnings of words, by the words that begin so.
//!
//! Of a beginning the index gathers all rows before it tells of one; of words it tells row by row. So where
//! a beginning stands for few words, these are asked for.

use rusqlite::{Connection, OptionalExtension};

/// A beginning with more words than this is left to the index.
const MOST: usize = 256;

/// Stands before every letter and mark that a word may have: a word and this is what comes next after the word.
const NEXT: char = '\u{1}';

/// The words of the index that begin so, marks included; none where they are too many.
pub(super) fn words(conn: &Connection, beginning: &str) -> rusqlite::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut from = beginning.to_owned();
    loop {
        let word = word_from(conn, &from)?;
        let Some(word) = word.filter(|word| word.starts_with(beginning)) else { return Ok(words) };
        if words.len() == MOST {
            return Ok(Vec::new());
        }
        from = behind(&word);
        words.push(word);
    }
}

/// The first word of the index from here on, marks included. Each is asked for by itself: the table has a row for
/// each place of a word.
pub(crate) fn word_from(conn: &Connection, from: &str) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT term FROM search_words WHERE term >= ?1 LIMIT 1")?
        .query_row([from], |row| row.get(0))
        .optional()
}

/// From where the word after this one is asked for.
pub(crate) fn behind(word: &str) -> String {
    format!("{word}{NEXT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_so_are_told_unless_they_are_too_many() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE VIRTUAL TABLE search USING fts5(words, content = '', detail = 'none');
             CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'instance');
             INSERT INTO search VALUES ('par'), ('parser pars'), ('paste zebra parß'), ('pa pars');",
        )
        .unwrap();
        assert_eq!(words(&conn, "par").unwrap(), ["par", "pars", "parser", "parß"]);
        assert_eq!(words(&conn, "q").unwrap(), Vec::<String>::new());
        let mut put = conn.prepare("INSERT INTO search VALUES (?1)").unwrap();
        for n in 0..MOST - 4 {
            put.execute([format!("par{n}")]).unwrap();
        }
        assert_eq!(words(&conn, "par").unwrap().len(), MOST);
        put.execute(["part"]).unwrap();
        assert_eq!(words(&conn, "par").unwrap(), Vec::<String>::new());
    }
}
