//! `langley db raw`: bodies that were kept as they travelled, unredacted.

use std::io::{ErrorKind, Write};
use std::ops::Range;

use langley_model::{FlowId, Side};
use langley_store::{RawFile, remove_raw_bodies};

use crate::cli::BodySide;
use crate::error::{AppError, Result};
use crate::home::Home;

/// Writes a body to the standard output.
///
/// # Errors
/// Nothing of it was kept, or it cannot be read or written.
pub(super) fn show(home: &Home, flow: FlowId, side: BodySide) -> Result<()> {
    let path = home.raw_bodies();
    let none = |what: String| {
        AppError::failed(what)
            .why("unredacted bodies are kept only while `langley start --store-raw` runs with `redaction.store_raw: true`, and for `retention.bodies_ttl_days`")
            .next("for the flows to come: `langley stop`, then `langley start --store-raw`; ids are in `langley flows --json`")
    };
    if !path.exists() {
        let what = format!("there are no unredacted bodies: {} is not there", path.display());
        return Err(none(what));
    }
    let side = match side {
        BodySide::Request => Side::Client,
        BodySide::Response => Side::Upstream,
    };
    let (mut out, mut failed) = (std::io::stdout().lock(), None);
    let read = RawFile::open(&path).and_then(|file| {
        file.body(flow, side, |piece| {
            failed = out.write_all(piece).and_then(|()| out.flush()).err();
            failed.is_none()
        })
    });
    match failed {
        // Whoever reads has seen enough.
        Some(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
        Some(error) => return Err(AppError::failed("the body cannot be written").because(&error)),
        None => {}
    }
    let body = read
        .map_err(|error| AppError::failed("the unredacted bodies cannot be read").said_by(&error))?
        .ok_or_else(|| none(format!("nothing of this body of flow {flow} was kept")))?;
    for Range { start, end } in &body.missing {
        eprintln!(
            "warning: {} bytes are missing at byte {start}: they found no room, or were not captured",
            end - start
        );
    }
    if !body.ended {
        eprintln!("warning: the end of the flow was not seen: more may be missing");
    }
    Ok(())
}

/// Removes all of them, whoever has the file open.
///
/// # Errors
/// The file cannot be written, or parts of what was removed are still in its log.
pub(super) fn remove(home: &Home) -> Result<()> {
    let path = home.raw_bodies();
    let removed = remove_raw_bodies(&path).map_err(|error| {
        AppError::failed("the unredacted bodies cannot be removed").said_by(&error)
    })?;
    if removed.is_log_in_use {
        return Err(AppError::failed(
            "the unredacted bodies are removed, but parts of them are still in the file's log",
        )
        .why(format!("{}-wal is in use", path.display()))
        .next("run this again in a moment, or after `langley stop`"));
    }
    println!("removed {} unredacted bodies", removed.bodies);
    Ok(())
}
