//! A request compared with an earlier one, as JSON.

use langley_engine as engine;
use serde::Serialize;
use utoipa::ToSchema;

use super::word::PieceKind;

/// What is new in a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestDiff {
    /// The earlier flow; null when there is none, and all is new.
    pub against: Option<String>,
    /// Whether something of either request was not kept, so that more may have changed than is said.
    pub truncated: bool,
    /// Sizes by kind; only the kinds that occur in either request.
    pub parts: Vec<RequestPart>,
    /// Where the two diverge first, in the order in which a model reads (tools, system prompt,
    /// conversation): up to there a provider's cache can serve. Null when the earlier request is wholly
    /// the beginning of this one.
    pub diverges: Option<Divergence>,
    /// What only this request has, at most 200 pieces; `parts` counts them all.
    pub added: Vec<Piece>,
    /// What only the earlier request has, at most 200 pieces.
    pub removed: Vec<Piece>,
}

/// A number of pieces and their bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PieceAmount {
    /// Pieces.
    pub pieces: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// What of one kind is in a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestPart {
    /// The kind.
    pub kind: PieceKind,
    /// In this request.
    pub now: PieceAmount,
    /// Of that, what the earlier request does not have.
    pub added: PieceAmount,
    /// What only the earlier request has.
    pub removed: PieceAmount,
}

/// A piece of a request: a tool, a part of the system prompt, a turn of the conversation, or the rest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// Its place among the tools, the parts of the system prompt, or the turns, from 0.
    pub position: usize,
    /// Its length in bytes.
    pub bytes: usize,
    /// Its first 200 characters.
    pub text: String,
}

/// Where two requests are no longer the same.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Divergence {
    /// Of what kind the first different piece is.
    pub kind: PieceKind,
    /// Its place, as that of a piece.
    pub position: usize,
    /// The first different byte in the piece.
    pub offset: usize,
    /// 200 characters of the earlier request from there on; null when it has no such piece.
    pub before: Option<String>,
    /// 200 characters of this request from there on; null when it has no such piece.
    pub after: Option<String>,
}

impl From<engine::Diff> for RequestDiff {
    fn from(diff: engine::Diff) -> Self {
        Self {
            against: diff.against.map(|flow| flow.to_string()),
            truncated: diff.truncated,
            parts: diff.parts.into_iter().map(Into::into).collect(),
            diverges: diff.diverges.map(Into::into),
            added: diff.added.into_iter().map(Into::into).collect(),
            removed: diff.removed.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<engine::PartDiff> for RequestPart {
    fn from(part: engine::PartDiff) -> Self {
        let engine::PartDiff { kind, now, added, removed } = part;
        Self { kind: kind.into(), now: now.into(), added: added.into(), removed: removed.into() }
    }
}

impl From<engine::Amount> for PieceAmount {
    fn from(amount: engine::Amount) -> Self {
        Self { pieces: amount.pieces, bytes: amount.bytes }
    }
}

impl From<engine::ShownPiece> for Piece {
    fn from(piece: engine::ShownPiece) -> Self {
        let engine::ShownPiece { kind, position, bytes, text } = piece;
        Self { kind: kind.into(), position, bytes, text }
    }
}

impl From<engine::Divergence> for Divergence {
    fn from(divergence: engine::Divergence) -> Self {
        let engine::Divergence { kind, position, offset, before, after } = divergence;
        Self { kind: kind.into(), position, offset, before, after }
    }
}
