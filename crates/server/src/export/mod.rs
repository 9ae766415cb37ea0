//! Exports: every matching flow in one answer or file, written piece by piece, so that its size costs
//! no memory. All that is written was read back from the store, hence redacted; texts whose escapes are
//! undone pass the redactor once more.

mod csv;
mod door;
mod har;
mod html;
mod timings;

use std::io::{self, Write};

use langley_model::{Flow, Redactor, Stored};
use langley_store::{FlowFilter, Page, Store, StoreError, Told};
use serde_json::json;

pub(crate) use door::{__path_export, export};

/// Flows read at once.
const PAGE: usize = 200;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One flow a line, as JSON; newest first.
    Ndjson,
    /// `{items}`; newest first.
    Json,
    /// A table; newest first.
    Csv,
    /// A page that needs nothing else: what was said, oldest first.
    Html,
    /// HTTP Archive 1.2 with headers and bodies, oldest first.
    Har,
}

/// An export that broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody takes what is written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
}

impl From<serde_json::Error> for ExportError {
    fn from(error: serde_json::Error) -> Self {
        Self::Write(error.into())
    }
}

impl ExportFormat {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Ndjson, Self::Json, Self::Csv, Self::Html, Self::Har];

    /// Its word, which is the end of a file's name as well.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Har => "har",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json | Self::Har => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// What an export holds, and what it lacks because it is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Flows written.
    pub flows: u64,
    /// Flows left out: their rows cannot be read.
    pub damaged: u64,
    /// Flows written without some of what they carried, which cannot be read.
    pub incomplete: u64,
}

impl Exported {
    /// What it lacks, in words; none when it is whole.
    #[must_use]
    pub fn lack(&self) -> Option<String> {
        let left_out = (self.damaged > 0)
            .then(|| format!("{} flows are damaged in the database and left out", self.damaged));
        let incomplete = (self.incomplete > 0)
            .then(|| format!("of {} flows a damaged part is left out", self.incomplete));
        let parts: Vec<_> = left_out.into_iter().chain(incomplete).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Counts a flow that is written, whole or not.
    fn wrote(&mut self, wholeness: Wholeness) {
        self.flows += 1;
        self.incomplete += u64::from(wholeness == Wholeness::Incomplete);
    }
}

/// Whether all of a flow could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wholeness {
    #[default]
    Whole,
    Incomplete,
}

impl Wholeness {
    /// What was read; none where it is damaged, which must not keep the rest from being written.
    fn sound<T>(&mut self, read: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Err(error) if error.is_of_one_place() => {
                // How many there were is told once, at the end.
                tracing::debug!(%error, "a part of a flow is damaged and left out of an export");
                *self = Self::Incomplete;
                Ok(None)
            }
            read => read,
        }
    }
}

/// Writes every flow that `filter` names, those without an outcome as they are told. What is damaged is left
/// out and counted.
///
/// # Errors
/// The store cannot be read, or `out` takes no more.
pub fn write_export(
    (store, told): (&Store, Told),
    redactor: &Redactor,
    filter: &FlowFilter,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<Exported, ExportError> {
    let mut done = Exported::default();
    match format {
        ExportFormat::Ndjson => {
            let damaged = each((store, told), filter, Store::flows, |flow| {
                done.wrote(Wholeness::Whole);
                serde_json::to_writer(&mut *out, &crate::wire::Flow::from(flow))?;
                Ok(out.write_all(b"\n")?)
            })?;
            done.damaged = damaged;
            if let Some(lack) = done.lack() {
                // No flow, and hence without an id.
                writeln!(out, "{}", json!({ "damaged": damaged, "note": lack }))?;
            }
        }
        ExportFormat::Json => {
            out.write_all(b"{\"items\":[")?;
            done.damaged = each((store, told), filter, Store::flows, |flow| {
                if done.flows > 0 {
                    out.write_all(b",")?;
                }
                done.wrote(Wholeness::Whole);
                Ok(serde_json::to_writer(&mut *out, &crate::wire::Flow::from(flow))?)
            })?;
            writeln!(out, "],\"next_cursor\":null,\"damaged\":{}}}", done.damaged)?;
        }
        ExportFormat::Csv => {
            csv::head(out)?;
            done.damaged = each((store, told), filter, Store::flows, |flow| {
                done.wrote(Wholeness::Whole);
                Ok(csv::line(flow, out)?)
            })?;
        }
        ExportFormat::Html => {
            html::head(filter, out)?;
            let damaged = each((store, told), filter, Store::flows_oldest_first, |flow| {
                let wholeness = html::flow(store, redactor, flow, done.flows == 0, out)?;
                done.wrote(wholeness);
                Ok(())
            })?;
            done.damaged = damaged;
            html::foot(&done, out)?;
        }
        ExportFormat::Har => {
            har::head(out)?;
            let damaged = each((store, told), filter, Store::flows_oldest_first, |flow| {
                if done.flows > 0 {
                    out.write_all(b",\n")?;
                }
                let wholeness = har::entry(store, flow, out)?;
                done.wrote(wholeness);
                Ok(())
            })?;
            done.damaged = damaged;
            har::foot(&done, out)?;
        }
    }
    out.flush()?;
    Ok(done)
}

/// A listing of the store.
type Listing =
    fn(&Store, &FlowFilter, Option<&str>, usize) -> Result<Page<Stored<Flow>>, StoreError>;

/// Writes each flow; returns how many could not be read.
fn each(
    (store, told): (&Store, Told),
    filter: &FlowFilter,
    listing: Listing,
    mut write: impl FnMut(&Stored<Flow>) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let (mut cursor, mut damaged) = (None, 0);
    loop {
        let page = listing(store, filter, cursor.as_deref(), PAGE)?;
        damaged += page.damaged;
        page.items.into_iter().try_for_each(|flow| write(&told.flow(store, flow)?))?;
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(damaged);
        }
    }
}
