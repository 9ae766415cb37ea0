//! Lines that are kept and that their file does not have any more, because it was cut or written anew: where they are
//! written once more, they are no new ones.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// How often each line of a transcript is kept that its file, as it was read last, does not have any more, by its
    /// digest.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn transcript_gone(&self, transcript: i64) -> Result<HashMap<u64, u32>, StoreError> {
        self.readers().read(|conn| {
            let bytes: Option<Vec<u8>> = conn
                .prepare_cached("SELECT digests FROM transcript_gone WHERE transcript = ?1")?
                .query_row([transcript], |row| row.get(0))
                .optional()?;
            let mut gone = HashMap::new();
            for digest in bytes.unwrap_or_default().as_chunks().0 {
                *gone.entry(u64::from_le_bytes(*digest)).or_default() += 1;
            }
            Ok(gone)
        })
    }
}

/// Writes which these are.
pub(super) fn write(
    change: &Connection,
    transcript: i64,
    gone: &HashMap<u64, u32>,
) -> rusqlite::Result<()> {
    let mut digests = Vec::new();
    for (digest, times) in gone {
        for _ in 0..*times {
            digests.extend(digest.to_le_bytes());
        }
    }
    if digests.is_empty() {
        change
            .prepare_cached("DELETE FROM transcript_gone WHERE transcript = ?1")?
            .execute([transcript])?;
    } else {
        change
            .prepare_cached(
                "INSERT OR REPLACE INTO transcript_gone (transcript, digests) VALUES (?1, ?2)",
            )?
            .execute((transcript, digests))?;
    }
    Ok(())
}
