//! Durable memory: one SQLite file, one writer, and nothing in it that has not passed the redactor.

mod amend;
mod codec;
mod connect;
mod content;
mod counters;
mod cursor;
mod damage;
mod error;
mod filter;
mod findings;
mod flow_row;
mod hours;
mod interest;
mod kinds;
mod lost;
mod names;
mod options;
mod packed;
mod places;
mod projects;
mod query;
mod queue;
mod raw;
mod readers;
mod reprice;
mod rollup;
mod schema;
mod search;
mod store;
mod stored_block;
mod tools;
mod totals;
mod traits;
mod transcripts;
mod upkeep;
mod waiting;
mod writer;

pub use counters::StoreCounters;
pub use cursor::{cursor, position};
pub use error::StoreError;
pub use filter::{FlowFilter, OutcomeFilter, StatusFilter};
pub use findings::{EarlierFlows, FindingFilter, FindingPage, FindingShare, Kept, KindSum};
pub use interest::Asking;
pub use lost::Told;
pub use options::{PriceLost, StoreOptions};
pub use query::{
    Damage, EventPage, FACET_MAX, Facet, Facets, FlowCount, FlowHeaders, Page, PieceId,
    RequestPieces, Retired, SessionFacet, Spot, Star, StoredBody, StoredDrop, StoredEvent,
    Unrecorded, Unseen,
};
pub use raw::{
    RawBody, RawCounters, RawFile, RawRemoved, RawStore, holds_raw_bodies, remove_raw_bodies,
};
pub use reprice::{Reprice, RepriceQuery, RepriceRow, Repriced};
pub use rollup::{
    CostBy, CostGroup, CostKey, CostQuery, CostReport, Figure, GroupBy, Measure, PartSessions,
    Parting, Session, SessionAgent, SessionCost, SessionPage, ShareEntry, Spread, Sums, Tally,
    Task, TaskFilter, TaskPage, ToolCostSums, ToolCostTally, UnpricedModel, UsageGroup, UsageQuery,
    UsageReport,
};
pub use search::{IndexEntry, IndexState, SearchHit, SearchQuery, Texts, Unindexed, Word, words};
pub use store::Store;
pub use tools::{
    Analysis, AnalysisState, CallEntry, CountingState, FreshEvidence, Invocation, InvocationQuery,
    KeptCall, STRAY, ToolOrder, ToolQuery, ToolReport, ToolSums, ToolTally, ToolTotals, Unread,
};
pub use transcripts::{
    Amend, Conversation, ConversationFilter, ConversationPage, DeletedConversation, ImportedBatch,
    KeptLine, KeptLines, KeptResponse, KnownTranscript, KnownTranscripts, Looked, PriceTold,
    ThreadLine, ToldByAgent, ToldFlow, TranscriptBatch, TranscriptPlace, TranscriptTotals,
    TranscriptWriter,
};
pub use upkeep::{Checkpointed, Pages, Phase, Retention, Upkeep, UpkeepState};
pub use writer::{Announce, Change};
