//! The file as a whole: is it sound, and what does it hold once nothing is compressed?

use super::parts::odd;
use crate::codec::pack::unpack;
use crate::error::StoreError;
use crate::store::Store;

/// The tables that hold packed content.
const PACKED: [&str; 2] = ["blobs", "event_blocks"];

impl Store {
    /// What is damaged, as `SQLite`'s `quick_check` words it (at most ten lines); empty when nothing is.
    /// Reads the whole file.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare("PRAGMA quick_check(10)")?;
            let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
            let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// Shows every packed content of every table to `see`, unpacked: for those who search the store for
    /// what must not be in it, and cannot find it in the file's compressed bytes.
    ///
    /// # Errors
    /// A failure of the file, or content that cannot be unpacked.
    pub fn unpacked(&self, mut see: impl FnMut(&'static str, &[u8])) -> Result<(), StoreError> {
        self.readers().read(|conn| {
            for table in PACKED {
                let sql = format!("SELECT codec, raw_len, bytes FROM {table}");
                let mut statement = conn.prepare(&sql)?;
                let mut rows = statement.query(())?;
                while let Some(row) = rows.next()? {
                    let bytes = row.get_ref(2)?.as_blob().map_err(odd)?;
                    see(table, &unpack(row.get(0)?, row.get(1)?, bytes)?);
                }
            }
            Ok(())
        })
    }
}
