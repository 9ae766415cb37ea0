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

/// Writes every flow that `filter` names, those without an outcome as they are told; returns how many there
/// were.
///
/// # Errors
/// The store cannot be read, or `out` takes no more.
pub fn write_export(
    (store, told): (&Store, Told),
    redactor: &Redactor,
    filter: &FlowFilter,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut count = 0;
    match format {
        ExportFormat::Ndjson => {
            each((store, told), filter, Store::flows, |flow| {
                count += 1;
                serde_json::to_writer(&mut *out, &crate::wire::Flow::from(flow))?;
                Ok(out.write_all(b"\n")?)
            })?;
        }
        ExportFormat::Json => {
            out.write_all(b"{\"items\":[")?;
            each((store, told), filter, Store::flows, |flow| {
                if count > 0 {
                    out.write_all(b",")?;
                }
                count += 1;
                Ok(serde_json::to_writer(&mut *out, &crate::wire::Flow::from(flow))?)
            })?;
            out.write_all(b"],\"next_cursor\":null}\n")?;
        }
        ExportFormat::Csv => {
            csv::head(out)?;
            each((store, told), filter, Store::flows, |flow| {
                count += 1;
                Ok(csv::line(flow, out)?)
            })?;
        }
        ExportFormat::Html => {
            html::head(filter, out)?;
            each((store, told), filter, Store::flows_oldest_first, |flow| {
                count += 1;
                html::flow(store, redactor, flow, count == 1, out)
            })?;
            html::foot(count, out)?;
        }
        ExportFormat::Har => {
            har::head(out)?;
            each((store, told), filter, Store::flows_oldest_first, |flow| {
                if count > 0 {
                    out.write_all(b",\n")?;
                }
                count += 1;
                har::entry(store, flow, out)
            })?;
            har::foot(out)?;
        }
    }
    out.flush()?;
    Ok(count)
}

/// A listing of the store.
type Listing =
    fn(&Store, &FlowFilter, Option<&str>, usize) -> Result<Page<Stored<Flow>>, StoreError>;

fn each(
    (store, told): (&Store, Told),
    filter: &FlowFilter,
    listing: Listing,
    mut write: impl FnMut(&Stored<Flow>) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut cursor = None;
    loop {
        let page = listing(store, filter, cursor.as_deref(), PAGE)?;
        page.items.into_iter().try_for_each(|flow| write(&told.flow(store, flow)?))?;
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}
