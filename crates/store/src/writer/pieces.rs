//! Bodies in pieces: each piece is a blob as any other, and the recipe that names them is one too.

use std::collections::HashSet;

use langley_model::Body;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use super::blobs::{BlobSql, Blobs};
use crate::codec::pack::{Packer, RECIPE, unpack};
use crate::codec::recipe::{Between, Recipe};

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

/// Adds to `blobs` what the recipes among them name.
pub(super) fn expand(conn: &Connection, blobs: &mut HashSet<i64>) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(&format!(
        "SELECT codec, raw_len, bytes FROM blobs WHERE id = ?1 AND codec >= {RECIPE}"
    ))?;
    let mut named = Vec::new();
    for blob in &*blobs {
        let mut rows = statement.query([blob])?;
        while let Some(row) = rows.next()? {
            named.extend(recipe(row)?.blobs());
        }
    }
    blobs.extend(named);
    Ok(())
}

/// Takes out of `blobs` what recipes that stay, which are those that are not among them, name.
pub(super) fn spare(conn: &Connection, blobs: &mut HashSet<i64>) -> rusqlite::Result<()> {
    let mut statement = conn
        .prepare(&format!("SELECT codec, raw_len, bytes, id FROM blobs WHERE codec >= {RECIPE}"))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if blobs.is_empty() {
            break;
        }
        if !blobs.contains(&row.get(3)?) {
            for blob in recipe(row)?.blobs() {
                blobs.remove(&blob);
            }
        }
    }
    Ok(())
}

/// The recipe in a row of `codec, raw_len, bytes`.
fn recipe(row: &Row<'_>) -> rusqlite::Result<Recipe> {
    let raw = unpack(row.get(0)?, row.get(1)?, row.get_ref(2)?.as_blob()?);
    raw.and_then(|raw| Recipe::decode(&raw))
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, Box::new(error)))
}
