//! Retention of transcripts, where somebody asks for one: a conversation goes as a whole, once its newest line is too
//! old. That its files are known, and how far they were read, stays as long as they are there.

use langley_model::Micros;
use rusqlite::OptionalExtension;

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Removes conversations whose newest line was written before `before`, unless their session is starred; how many
    /// lines that were.
    pub(crate) fn retire_transcripts(&self, before: Micros) -> Result<u64, StoreError> {
        let mut lines = 0;
        while let Some(conversation) = self.oldest_conversation(before)? {
            lines += self.remove_conversation(conversation)?.lines;
        }
        self.forget_files()?;
        Ok(lines)
    }

    fn oldest_conversation(&self, before: Micros) -> Result<Option<i64>, StoreError> {
        self.readers().read(|conn| {
            let mut oldest = conn.prepare_cached(
                "SELECT id FROM conversations WHERE last_at < ?1
                     AND NOT EXISTS (SELECT 1 FROM stars WHERE stars.session_id = conversations.session)
                 ORDER BY last_at LIMIT 1",
            )?;
            Ok(oldest.query_row([before.0], |row| row.get(0)).optional()?)
        })
    }
}
