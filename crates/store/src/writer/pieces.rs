//! Bodies in pieces: each piece is a blob as any other, and the recipe that names them is one too.

use langley_model::Body;
use rusqlite::Row;

use super::blobs::{BlobSql, Blobs};
use crate::codec::pack::{Packer, unpack};
use crate::codec::recipe::{Between, Recipe};
use crate::error::StoreError;

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
        let rest = self.blobs.keep_piece(self.sql, self.packer, &rest)?;
        let keep = |piece: &std::ops::Range<usize>| {
            self.blobs.keep_piece(self.sql, self.packer, &bytes[piece.clone()])
        };
        let pieces = body.pieces.iter().map(keep).collect::<Result<_, _>>()?;
        Recipe { len: bytes.len(), rest, pieces, between }.encode(self.raw);
        self.blobs.keep_recipe(self.sql, self.packer, self.raw)
    }
}

/// Recipes after the `?1`th content, at most `?2`, as [`named`] reads them behind their id.
pub(crate) const RECIPES: &str = "SELECT id, codec, raw_len, bytes FROM blobs
     WHERE codec >= 2 AND id > ?1 ORDER BY id LIMIT ?2";

/// What the recipe in a row of [`RECIPES`] names.
///
/// # Errors
/// A recipe that is damaged.
pub(crate) fn named(row: &Row<'_>) -> Result<impl Iterator<Item = i64>, StoreError> {
    let damaged = |_| StoreError::Decode { what: "list of pieces" };
    let bytes = row.get_ref(3).map_err(damaged)?;
    let bytes = bytes.as_blob().map_err(|_| StoreError::Decode { what: "list of pieces" })?;
    let raw = unpack(row.get(1).map_err(damaged)?, row.get(2).map_err(damaged)?, bytes)?;
    let blobs: Vec<i64> = Recipe::decode(&raw)?.blobs().collect();
    Ok(blobs.into_iter())
}
