//! A stored block of stream events: the one way from its row to what is in it.

use rusqlite::{Connection, Row};

use crate::codec::block::Block;
use crate::content::{self, odd, readable};
use crate::readers::ReadError;

/// A block, unpacked.
pub(crate) struct StoredBlock {
    raw: Vec<u8>,
    first_seq: u64,
    first_us: u64,
}

impl StoredBlock {
    /// What a query selects first, for [`Self::read`].
    pub(crate) const COLUMNS: &str = "first_seq, first_us, codec, raw_len, bytes";

    /// Unpacks a block of the flow `n`; none when it, or what it was packed against, is damaged.
    pub(crate) fn read(
        conn: &Connection,
        n: i64,
        row: &Row<'_>,
    ) -> Result<Option<Self>, ReadError> {
        let (first_seq, first_us): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes = row.get_ref(4)?.as_blob().map_err(odd)?;
        let packed = (row.get(2)?, row.get(3)?, bytes);
        let raw = readable(content::events(packed, || content::message(conn, n)))?;
        let (first_seq, first_us) = (first_seq.cast_unsigned(), first_us.cast_unsigned());
        Ok(raw.map(|raw| Self { raw, first_seq, first_us }))
    }

    /// Its events; none when they do not decode.
    pub(crate) fn events(&self) -> Option<Block<'_>> {
        Block::decode(&self.raw, self.first_seq, self.first_us).ok()
    }
}
