//! Search results as JSON.

use langley_engine::Found;
use langley_model::Place;
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::Flow;
use super::page::is_zero;

/// A page of flows in which the words were found, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchPage {
    /// The flows: at most `limit`. A page may hold fewer, and none, while `next_cursor` is there: it ends
    /// after some texts are read for words that must stand side by side.
    pub items: Vec<SearchFlow>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Flows in this stretch of the list whose rows are damaged, and left out; those that were asked for and
    /// others.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub damaged: u64,
    /// Ended flows that are not in the index yet, hence not found; of those that an earlier version
    /// recorded, at least so many.
    pub unindexed: u64,
}

/// A flow in which the words were found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchFlow {
    /// The flow; its session is in it.
    pub flow: Flow,
    /// Where the words stand; at most four places, and none where the text cannot be read any more.
    pub snippets: Vec<SearchSnippet>,
}

/// Some text around the words.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchSnippet {
    /// `prompt`, `answer`, `thinking`, `tool_input` or `tool_result`.
    pub place: &'static str,
    /// The text, in one line.
    pub text: String,
    /// The words in it, in order and apart.
    pub highlights: Vec<Highlight>,
    /// Whether text goes before it.
    pub cut_before: bool,
    /// Whether text comes behind it.
    pub cut_after: bool,
}

/// A part of a snippet, counted in characters (Unicode code points).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Highlight {
    /// The first one.
    pub start: usize,
    /// Behind the last one.
    pub end: usize,
}

impl From<&Found> for SearchFlow {
    fn from(found: &Found) -> Self {
        let snippets = found.snippets.iter().map(|snippet| SearchSnippet {
            place: Place::as_str(snippet.place),
            text: snippet.text.clone(),
            highlights: snippet
                .highlights
                .iter()
                .map(|range| Highlight { start: range.start, end: range.end })
                .collect(),
            cut_before: snippet.cut[0],
            cut_after: snippet.cut[1],
        });
        Self { flow: Flow::from(&found.flow), snippets: snippets.collect() }
    }
}
