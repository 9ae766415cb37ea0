//! Beginnings of words, by the words that begin so.
//!
//! Of a beginning the index gathers all rows before it tells of one; of words it tells row by row. So where
//! a beginning stands for few words, these are asked for.

use rusqlite::Connection;

/// A beginning with more words than this is left to the index.
const MOST: usize = 256;

/// The words of the index that begin so, marks included; none where they are too many.
pub(super) fn words(conn: &Connection, beginning: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT term FROM search_words WHERE term >= ?1 AND term <= ?1 || char(0x10ffff) LIMIT {}",
        MOST + 1
    ))?;
    let words: Vec<String> =
        statement.query_map([beginning], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(if words.len() > MOST { Vec::new() } else { words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_so_are_told_unless_they_are_too_many() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE VIRTUAL TABLE search USING fts5(words, content = '', detail = 'none');
             CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'row');
             INSERT INTO search VALUES ('par'), ('parser pars'), ('paste zebra parß'), ('pa');",
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
