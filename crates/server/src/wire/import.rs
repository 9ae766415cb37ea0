//! What an import came to, and what is kept of transcripts, as JSON.

use langley_engine::{FollowerState, ImportReport};
use langley_store::TranscriptTotals;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::page::rfc3339;

/// What an import came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportDone {
    /// Files that were looked at.
    pub files: u64,
    /// Of these, that were not known.
    pub new_files: u64,
    /// Of these, that were written on.
    pub grown: u64,
    /// Of these, that were cut or written anew.
    pub rewritten: u64,
    /// Of these, that have another name than before.
    pub renamed: u64,
    /// Known files that are gone; what they said is kept.
    pub deleted: u64,
    /// Lines that are new.
    pub lines: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Responses that no line had told of.
    pub responses: u64,
    /// New lines that are no JSON; they are kept as they are.
    pub unreadable: u64,
    /// New lines cut within a character.
    pub mended: u64,
    /// New lines too long to be kept whole.
    pub cut: u64,
    /// Lines of conversations that were deleted: they are not kept again.
    pub left_out: u64,
    /// Files whose last line lacks its end: it is read when it is whole.
    pub torn: u64,
    /// Files and folders that could not be read.
    pub refused: Vec<ImportRefused>,
}

/// What could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportRefused {
    /// Which file or folder.
    pub path: String,
    /// Why.
    pub why: String,
}

impl From<&ImportReport> for ImportDone {
    fn from(report: &ImportReport) -> Self {
        let refused = report.refused.iter().map(|(path, why)| ImportRefused {
            path: path.display().to_string(),
            why: why.to_string(),
        });
        Self {
            files: report.files,
            new_files: report.new_files,
            grown: report.grown,
            rewritten: report.rewritten,
            renamed: report.renamed,
            deleted: report.deleted,
            lines: report.lines,
            bytes: report.bytes,
            responses: report.responses,
            unreadable: report.unreadable,
            mended: report.mended,
            cut: report.cut,
            left_out: report.left_out,
            torn: report.torn,
            refused: refused.collect(),
        }
    }
}

/// What an import came to, as `POST /api/import` tells it.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub fn import_json(report: &ImportReport) -> serde_json::Result<Value> {
    serde_json::to_value(ImportDone::from(report))
}

/// What is kept of transcripts, and how far following them is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TranscriptStats {
    /// Whether their folders are followed.
    pub following: bool,
    /// The folders.
    pub folders: Vec<String>,
    /// When they were looked at last; null before the first time.
    pub looked_at: Option<String>,
    /// Files that wait to be read.
    pub waiting: u64,
    /// Files that are known and there.
    pub files: u64,
    /// Files that are gone, whose lines are kept.
    pub deleted: u64,
    /// Lines that are kept.
    pub lines: u64,
    /// Their bytes in the files.
    pub bytes: u64,
    /// Lines that are no JSON.
    pub unreadable: u64,
    /// Lines cut within a character.
    pub mended: u64,
    /// Lines too long to be kept whole.
    pub cut: u64,
    /// Conversations that were deleted, and are not brought in again.
    pub deleted_conversations: u64,
    /// Lines of theirs that came since, and were left out.
    pub left_out: u64,
    /// Files of which the database cannot read what it knows; they are in none of these numbers.
    pub damaged: u64,
    /// Files and folders that could not be read at the last look.
    pub refused: u64,
    /// Which was the first of them, and why; null where there is none.
    pub refused_why: Option<String>,
}

impl TranscriptStats {
    /// From what follows, and what is kept.
    pub(crate) fn of(state: FollowerState, totals: TranscriptTotals) -> Self {
        Self {
            following: state.is_enabled,
            folders: state.roots.iter().map(|root| root.path.display().to_string()).collect(),
            looked_at: state.looked_at.map(rfc3339),
            waiting: state.waiting,
            files: totals.files,
            deleted: totals.deleted,
            lines: totals.records,
            bytes: totals.bytes,
            unreadable: totals.unreadable,
            mended: totals.mended,
            cut: totals.cut,
            deleted_conversations: totals.deleted_conversations,
            left_out: totals.left_out,
            damaged: totals.damaged,
            refused: state.refused,
            refused_why: state.refused_why,
        }
    }
}
