//! Bodies in pieces: each piece is a blob as any other, and the recipe that names them is one too.

use langley_model::Body;
use rusqlite::Connection;

use super::blobs::{BlobSql, Blobs, Kind};
use crate::codec::pack::Packer;
use crate::codec::recipe::{Between, Recipe};
use crate::content::unpacked;
use crate::readers::ReadError;

/// Where pieces are kept, for one transaction.
pub(super) struct Shelf<'a, 'c> {
    pub(super) blobs: &'a mut Blobs,
    pub(super) sql: &'a mut BlobSql<'c>,
    pub(super) packer: &'a mut Packer,
    /// Room for a recipe.
    pub(super) raw: &'a mut Vec<u8>,
}

impl Shelf<'_, '_> {
    /// The id of the blob of a body: its bytes where it is whole, its recipe where it lies in pieces.
    pub(super) fn body(&mut self, body: &Body) -> rusqlite::Result<i64> {
        let bytes = body.bytes.as_bytes();
        let apart = if body.pieces.is_empty() { None } else { Between::of(bytes, &body.pieces) };
        let Some((between, rest)) = apart else {
            return self.blobs.keep(self.sql, self.packer, bytes);
        };
        let rest = self.blobs.keep_piece(self.sql, self.packer, &rest, Kind::Plain)?;
        let keep = |piece: &std::ops::Range<usize>| {
            self.blobs.keep_piece(self.sql, self.packer, &bytes[piece.clone()], Kind::Plain)
        };
        let pieces = body.pieces.iter().map(keep).collect::<Result<_, _>>()?;
        Recipe { len: bytes.len(), rest, pieces, between }.encode(self.raw);
        self.blobs.keep_recipe(self.sql, self.packer, self.raw)
    }
}

/// What a recipe names.
///
/// # Errors
/// It cannot be read, or is damaged.
pub(crate) fn named(conn: &Connection, recipe: i64) -> Result<Vec<i64>, ReadError> {
    let (_, raw) = unpacked(conn, recipe)?;
    Ok(Recipe::decode(&raw)?.blobs().collect())
}
