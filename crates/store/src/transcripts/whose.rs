//! Whose something is that was found in what is kept of transcripts.

use crate::error::StoreError;
use crate::query::Spot;
use crate::store::Store;

/// Sessions that are named.
const NAMED: i64 = 10;

impl Store {
    /// The sessions whose conversations have what was found in a place: a text of [`Self::texts`], and an offset in it.
    /// None where the place is not one of theirs; of a file, those that it tells of, the first ten.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn sessions_at(&self, spot: &Spot<'_>, offset: usize) -> Result<Vec<String>, StoreError> {
        let (from, is) = match spot.table {
            "conversations" => ("conversations", "conversations.id"),
            "transcript_blocks" => (
                "transcript_records JOIN conversations ON conversations.id = conversation",
                "?3 >= start AND ?3 < start + kept AND block",
            ),
            "transcript_records" => (
                "transcript_records JOIN conversations ON conversations.id = conversation",
                "transcript_records.id",
            ),
            "transcript_responses" => (
                "transcript_responses JOIN conversations ON conversations.id = conversation",
                "transcript_responses.id",
            ),
            "transcripts" => (
                "transcript_records JOIN conversations ON conversations.id = conversation",
                "transcript",
            ),
            _ => return Ok(Vec::new()),
        };
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT DISTINCT session FROM {from} WHERE {is} = ?1 AND ?3 >= 0 ORDER BY session LIMIT ?2"
            );
            let offset = i64::try_from(offset).unwrap_or(i64::MAX);
            let mut statement = conn.prepare(&sql)?;
            let sessions = statement.query_map((spot.row, NAMED, offset), |row| row.get(0))?;
            Ok(sessions.collect::<Result<_, _>>()?)
        })
    }
}
