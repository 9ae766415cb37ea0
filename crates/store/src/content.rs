//! Stored contents, read back: unpacked after those that they were packed against.

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension};

use crate::codec::pack::{BASED, RECIPE, unpack, unpack_against};
use crate::codec::recipe::Recipe;
use crate::error::StoreError;
use crate::readers::ReadError;

/// Where more contents than this would have to be unpacked for one, the file is damaged.
pub(crate) const MOST_UNPACKED: usize = 16;

/// A content as its row has it.
struct Packed {
    codec: i64,
    raw_len: i64,
    bytes: Vec<u8>,
    base: Option<i64>,
}

/// The bytes of a content, put together where they lie in pieces.
pub(crate) fn content(conn: &Connection, id: i64) -> Result<Vec<u8>, ReadError> {
    let (codec, bytes) = unpacked(conn, id)?;
    if codec & RECIPE == 0 {
        return Ok(bytes);
    }
    Recipe::decode(&bytes)?.rebuild(|piece| unpacked(conn, piece).map(|(_, bytes)| bytes))
}

/// The end of a content that lies in pieces: it reads as the whole does, with `null` in place of all
/// pieces but the last `kept`; none when it does not lie in pieces.
pub(crate) fn content_end(
    conn: &Connection,
    id: i64,
    kept: usize,
) -> Result<Option<Vec<u8>>, ReadError> {
    let (codec, bytes) = unpacked(conn, id)?;
    if codec & RECIPE == 0 {
        return Ok(None);
    }
    let piece = |piece| unpacked(conn, piece).map(|(_, bytes)| bytes);
    Recipe::decode(&bytes)?.rebuild_end(kept, piece).map(Some)
}

/// The pieces of a content that lies in pieces, in order, and its length; none when it does not.
pub(crate) fn pieces(conn: &Connection, id: i64) -> Result<Option<(Vec<i64>, usize)>, ReadError> {
    let (codec, bytes) = unpacked(conn, id)?;
    if codec & RECIPE == 0 {
        return Ok(None);
    }
    let Recipe { pieces, len, .. } = Recipe::decode(&bytes)?;
    Ok(Some((pieces, len)))
}

/// The codec of a content, and what it packs.
pub(crate) fn unpacked(conn: &Connection, id: i64) -> Result<(i64, Vec<u8>), ReadError> {
    let first = row(conn, id)?;
    let codec = first.codec;
    let mut against = Vec::new();
    let mut next = first;
    while next.codec & BASED != 0 {
        let base = next.base.filter(|_| against.len() < MOST_UNPACKED).ok_or(MISSING)?;
        against.push(std::mem::replace(&mut next, row(conn, base)?));
    }
    let mut bytes = unpack(next.codec, next.raw_len, &next.bytes)?;
    while let Some(packed) = against.pop() {
        bytes = unpack_against(&bytes, packed.raw_len, &packed.bytes)?;
    }
    Ok((codec, bytes))
}

/// What a content was packed against.
pub(crate) fn base(conn: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    let base = conn
        .prepare_cached("SELECT base FROM blobs WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(base.flatten())
}

/// The assembled answer of the flow `n`, as it is stored; against it the flow's events are packed.
pub(crate) fn message(conn: &Connection, n: i64) -> Result<Option<Vec<u8>>, ReadError> {
    let blob: Option<Option<i64>> = conn
        .prepare_cached("SELECT message FROM flows WHERE n = ?1")?
        .query_row([n], |row| row.get(0))
        .optional()?;
    blob.flatten().map(|blob| content(conn, blob)).transpose()
}

/// Events as they were before packing; `message` reads their flow's, when they need it.
pub(crate) fn events(
    (codec, raw_len, bytes): (i64, i64, &[u8]),
    message: impl FnOnce() -> Result<Option<Vec<u8>>, ReadError>,
) -> Result<Vec<u8>, ReadError> {
    if codec & BASED == 0 {
        return Ok(unpack(codec, raw_len, bytes)?);
    }
    let base = message()?.ok_or(MISSING)?;
    Ok(unpack_against(&base, raw_len, bytes)?)
}

/// What was read; none when it does not decode, or what it was packed against does not.
pub(crate) fn readable<T>(read: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(ReadError::Store(StoreError::Decode { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A column of another type than the one it was written with.
pub(crate) fn odd(_: FromSqlError) -> StoreError {
    StoreError::Decode { what: "content" }
}

/// What something was packed against is not there.
const MISSING: StoreError = StoreError::Decode { what: "content that another was packed against" };

fn row(conn: &Connection, id: i64) -> Result<Packed, ReadError> {
    conn.prepare_cached("SELECT codec, raw_len, bytes, base FROM blobs WHERE id = ?1")?
        .query_row([id], |row| {
            let (codec, raw_len) = (row.get(0)?, row.get(1)?);
            Ok(Packed { codec, raw_len, bytes: row.get(2)?, base: row.get(3)? })
        })
        .optional()?
        .ok_or(StoreError::Decode { what: "content" }.into())
}
