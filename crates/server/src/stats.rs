//! The figures of the whole machine at one moment: for the health page, scripts and Prometheus.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use langley_engine::{IntakeStats, RecorderStats};
use langley_model::DropReason;
use langley_store::{FlowFilter, RawCounters, StoreCounters, Unrecorded};
use serde::Serialize;
use utoipa::ToSchema;

use crate::budgets::spent;
use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::upkeep::Maintenance;
use crate::wire::{Strain, TranscriptStats};

/// Bodies that are kept unredacted.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct RawBodies {
    /// Bytes written since this process started.
    pub bytes_total: u64,
    /// Bytes that found no room since then.
    pub dropped_bytes_total: u64,
    /// Ends of flows that found none: of their bodies nobody knows whether they are whole.
    pub dropped_ends_total: u64,
}

impl From<RawCounters> for RawBodies {
    fn from(raw: RawCounters) -> Self {
        Self {
            bytes_total: raw.bytes,
            dropped_bytes_total: raw.bytes_dropped,
            dropped_ends_total: raw.ends_dropped,
        }
    }
}

/// Figures at one moment. Totals named `…_total` never go down while the store's file stays.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// The product's version.
    pub version: String,
    /// Seconds since this process started.
    pub uptime_s: u64,
    /// Open client connections of the proxy; null while it does not listen.
    pub proxy_connections: Option<u64>,
    /// Hosts whose certificate is not checked, as the user has chosen.
    pub insecure_hosts: Vec<String>,
    /// Names of the budgets that are spent; `GET /api/budgets` tells of all.
    pub budgets_spent: Vec<String>,
    /// Bodies kept unredacted, as the user has chosen; null where none are.
    pub raw_bodies: Option<RawBodies>,
    /// Flows stored at the moment.
    pub flows: u64,
    /// Flows stored since the database was made, those that were removed since included, and with them those of
    /// `langley doctor`'s own checks.
    pub flows_total: u64,
    /// Stream events ever stored.
    pub events_total: u64,
    /// Tunnels ever stored.
    pub tunnels_total: u64,
    /// Flows that have not ended.
    pub open_flows: u64,
    /// Open flows that are kept in memory.
    pub memory: Memory,
    /// Flows of an earlier run that never ended, marked lost at the start.
    pub lost_flows: u64,
    /// What waits for the writer.
    pub queue: Queue,
    /// What waits for the recorder.
    pub intake: Queue,
    /// What was captured and then lost.
    pub drops: Drops,
    /// Pieces that were not captured, since this process started.
    pub gaps_total: u64,
    /// Body bytes that were not captured, since this process started.
    pub gap_bytes_total: u64,
    /// How long the oldest record that is not committed waits for it, in milliseconds: before the writer's queue
    /// and in it.
    pub writer_lag_ms: u64,
    /// Whether the last write failed.
    pub writer_failing: bool,
    /// Repetitions of failed writes, since this process started.
    pub write_retries: u64,
    /// Batches given up, since this process started.
    pub batches_failed: u64,
    /// Flows whose rows are damaged: they could not be read when they were last listed or exported, since this
    /// process started, and are still there. Counted up to 10,000.
    pub damaged_flows: u64,
    /// Bytes of the database file.
    pub db_bytes: u64,
    /// Bytes of it that hold nothing and will be used again.
    pub db_free_bytes: u64,
    /// Bytes of its write-ahead log.
    pub wal_bytes: u64,
    /// Batches committed, since this process started.
    pub batches_total: u64,
    /// Records in batches that the writer gave up, since this process started. Each may hold many stream events,
    /// which `drops` counts one by one; what the recorder gave up before is `recorder.records_dropped`.
    pub records_dropped: u64,
    /// The newest committed revision.
    pub revision: u64,
    /// What maintenance does and has done.
    pub maintenance: Maintenance,
    /// Ended flows that search does not find yet; of those that an earlier version recorded, at least so
    /// many.
    pub search_waiting: u64,
    /// Flows given up because their text could not be read, as long as the database is there.
    pub search_given_up: u64,
    /// Times the text of a flow that was found could not be read, since this process started: it is listed
    /// without snippets, and where it has all words of a phrase.
    pub search_unreadable: u64,
    /// Ended flows whose tool calls are not told yet; of those that an earlier version recorded, at least so
    /// many.
    pub analysis_waiting: u64,
    /// Flows given up because they could not be analysed, as long as the database is there.
    pub analysis_given_up: u64,
    /// Flows whose tokens are estimated by bytes and are still to be counted.
    pub tokens_waiting: u64,
    /// Flows given up because their tokens could not be counted, as long as the database is there: their estimate stays.
    pub tokens_given_up: u64,
    /// What is kept of agents' transcripts, and how far following them is; null where only made-up sessions are shown.
    pub transcripts: Option<TranscriptStats>,
    /// Times the index, the analysis or the following of transcripts panicked and went on, since this process started.
    pub background_panics: u64,
    /// Flows whose content could not be decoded, or only in part, since this process started.
    pub decode_errors: u64,
    /// What the recorder did, since this process started.
    pub recorder: Recorder,
    /// Redactions by rule, since this process started, each time one was made: what comes again in the next
    /// request counts again, and is stored once. `langley audit redaction` counts what is stored.
    pub redactions: Vec<Redaction>,
    /// Watchers of the live feed.
    pub watchers: u64,
}

/// A bounded queue.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// Entries.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Most entries there ever were, in this process.
    pub high_water: u64,
    /// Most bytes there ever were, in this process.
    pub high_water_bytes: u64,
    /// How full it is.
    pub state: Strain,
    /// Times it became more than 80 % full, in this process.
    pub strains_total: u64,
}

/// Open flows whose state the writer keeps in memory.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// Flows; the other open ones are read back from the database when they change.
    pub flows: u64,
    /// Times the state of an open flow was left to the database, in this process.
    pub evicted_total: u64,
}

/// What was captured and then lost.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Drops {
    /// All together, since the database was made: stream events, other records (a flow's row, headers, a body, a
    /// message), pieces that were not captured, flows and tunnels that were refused whole. One flow may lack
    /// many of them.
    pub total: u64,
    /// By reason; every reason is there.
    pub by_reason: BTreeMap<String, u64>,
    /// Flows that passed and of which nothing is stored: those that the rows at `/api/drops` name and that have
    /// no row of their own, those about which no row could be written yet, and those that were refused whole.
    /// What such a flow lost is part of `total`; what a stored one lacks is its `dropped_events` and
    /// `capture_gaps`. Null while it cannot be read.
    pub flows_unrecorded: Option<u64>,
    /// Whether there may be more of them, also where none is known: losses beyond a bound are summed without
    /// their flows.
    pub flows_unrecorded_more: bool,
}

/// What the recorder did, since this process started.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Recorder {
    /// Flows being recorded.
    pub(crate) open_flows: u64,
    /// Captures worked off.
    pub(crate) captures_total: u64,
    /// Captures of a flow that is not open.
    pub(crate) strays_total: u64,
    /// Flows that ended with something not decoded.
    pub(crate) decode_errors: u64,
    /// Faults in decoding that were contained in their flow.
    pub(crate) panics_total: u64,
    /// Threads that died; what they would have recorded is lost.
    pub(crate) threads_failed: u64,
    /// Flows ended as lost because the recorder ended.
    pub(crate) flows_lost: u64,
    /// Records that the store took.
    pub(crate) records_submitted: u64,
    /// Records given up because the store took none, with its queue full; what the writer gave up after that is
    /// `records_dropped` of the whole.
    pub(crate) records_dropped: u64,
    /// Stream events given up because the store took none.
    pub(crate) events_dropped: u64,
    /// Flows that Langley refused.
    pub(crate) refusals_total: u64,
    /// Times the store took nothing.
    pub(crate) store_refusals_total: u64,
    /// Bytes of records that wait for the store.
    pub(crate) backlog_bytes: u64,
    /// The most bytes that ever waited.
    pub(crate) high_water_backlog_bytes: u64,
}

impl From<RecorderStats> for Recorder {
    fn from(stats: RecorderStats) -> Self {
        Self {
            open_flows: stats.open_flows as u64,
            captures_total: stats.captures_total,
            strays_total: stats.strays_total,
            decode_errors: stats.decode_errors,
            panics_total: stats.panics_total,
            threads_failed: stats.threads_failed as u64,
            flows_lost: stats.flows_lost,
            records_submitted: stats.records_submitted,
            records_dropped: stats.records_dropped,
            events_dropped: stats.events_dropped,
            refusals_total: stats.refusals_total,
            store_refusals_total: stats.store_refusals_total,
            backlog_bytes: stats.backlog_bytes as u64,
            high_water_backlog_bytes: stats.high_water_backlog_bytes as u64,
        }
    }
}

/// How often a redaction rule struck.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Redaction {
    /// The rule.
    pub rule: String,
    /// Times it replaced something.
    pub count: u64,
}

/// Shows the figures of the whole machine.
#[utoipa::path(
    get, path = "/api/stats", tag = "system", operation_id = "stats",
    responses((status = 200, body = Stats), (status = 401, body = ErrorBody))
)]
pub(crate) async fn show(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Stats>, ApiError> {
    params.only(&[])?;
    Ok(Json(stats(&doors).await?))
}

/// Reads every figure.
pub(crate) async fn stats(doors: &Doors) -> Result<Stats, ApiError> {
    // Two file sizes are read from the disk, which may be slow when it is full or remote.
    let (store, pages, upkeep, index, analysis, counting, flows, unrecorded, transcripts) = doors
        .read(|store| {
            // Stale or absent figures are better than no answer while the disk fails.
            let (pages, index) = (store.pages(), store.index_state());
            let flows = store.count_flows(&FlowFilter::default());
            Ok((
                store.counters(),
                pages.unwrap_or_default(),
                store.upkeep(),
                index.unwrap_or_default(),
                store.analysis_state().unwrap_or_default(),
                store.counting_state().unwrap_or_default(),
                flows.unwrap_or_default(),
                store.unrecorded().ok(),
                store.transcript_totals().unwrap_or_default(),
            ))
        })
        .await?;
    let gauges = doors.gauges();
    let intake = gauges.intake.stats();
    let recorder = (gauges.recorder)();
    let drops = drops(doors.drops_at_start(), &store, &intake, &recorder, unrecorded);
    let rules = doors.redactor().counts().into_iter();
    Ok(Stats {
        version: doors.info().version.clone(),
        uptime_s: doors.uptime().as_secs(),
        proxy_connections: (gauges.proxy_connections)(),
        insecure_hosts: doors.info().insecure_hosts.clone(),
        budgets_spent: spent(&gauges.budgets),
        raw_bodies: gauges.raw_bodies.as_ref().map(|raw| raw().into()),
        flows,
        flows_total: store.flows_total,
        events_total: store.events_total,
        tunnels_total: store.tunnels_total,
        open_flows: store.open_flows,
        memory: Memory { flows: store.held_flows, evicted_total: store.rested_flows },
        lost_flows: store.lost_flows_at_open,
        queue: Queue {
            items: store.queue_items,
            bytes: store.queue_bytes,
            high_water: store.high_water_items,
            high_water_bytes: store.high_water_bytes,
            state: store.queue_strain.into(),
            strains_total: store.queue_strains,
        },
        intake: Queue {
            items: intake.items as u64,
            bytes: intake.bytes as u64,
            high_water: intake.high_water_items as u64,
            high_water_bytes: intake.high_water_bytes as u64,
            state: intake.strain.into(),
            strains_total: intake.strains_total,
        },
        drops,
        gaps_total: intake.gaps_total,
        gap_bytes_total: intake.gap_bytes_total,
        writer_lag_ms: store
            .writer_lag_ms
            .saturating_add(u64::try_from(recorder.backlog_lag.as_millis()).unwrap_or(u64::MAX)),
        writer_failing: store.failing,
        write_retries: store.write_retries,
        batches_failed: store.batches_failed,
        damaged_flows: store.damaged_flows,
        db_bytes: store.db_bytes,
        db_free_bytes: pages.free * pages.bytes,
        wal_bytes: store.wal_bytes,
        batches_total: store.batches,
        records_dropped: store.records_dropped,
        revision: store.revision,
        maintenance: upkeep.into(),
        search_waiting: index.waiting,
        search_given_up: index.given_up,
        search_unreadable: store.unreadable_texts,
        analysis_waiting: analysis.waiting,
        analysis_given_up: analysis.given_up,
        tokens_waiting: counting.waiting,
        tokens_given_up: counting.given_up,
        transcripts: gauges
            .transcripts
            .as_ref()
            .map(|follower| TranscriptStats::of(follower.state(), transcripts)),
        background_panics: (gauges.background_panics)(),
        decode_errors: recorder.decode_errors,
        recorder: recorder.into(),
        redactions: rules
            .map(|rule| Redaction { rule: rule.rule.to_owned(), count: rule.count })
            .collect(),
        watchers: doors.hub().watchers() as u64,
    })
}

/// Drops by reason: what the file held at the start and what this process lost since, because a
/// writer that is stuck cannot store the news of its own losses.
fn drops(
    at_start: &[(DropReason, u64)],
    store: &StoreCounters,
    intake: &IntakeStats,
    recorder: &RecorderStats,
    unrecorded: Option<Unrecorded>,
) -> Drops {
    let of = |counts: &[(DropReason, u64)], reason| {
        counts.iter().find(|(candidate, _)| *candidate == reason).map_or(0, |(_, count)| *count)
    };
    let by_reason: BTreeMap<_, _> = DropReason::ALL
        .into_iter()
        .map(|reason| {
            let here = match reason {
                DropReason::CaptureQueueFull => intake.gaps_total,
                DropReason::TooManyOpenFlows => intake.flows_refused,
                DropReason::NoRoomForFlow => intake.flows_without_room,
                DropReason::TunnelLost => intake.tunnels_refused,
                DropReason::WriterQueueFull => recorder.events_dropped,
                // The writer counts what it gives up at once.
                DropReason::WriteFailed => 0,
            };
            let known = of(&store.drops, reason).max(of(at_start, reason).saturating_add(here));
            (reason.as_str().to_owned(), known)
        })
        .collect();
    Drops {
        total: by_reason.values().sum(),
        by_reason,
        flows_unrecorded: unrecorded.map(|lost| lost.flows),
        flows_unrecorded_more: unrecorded.is_some_and(|lost| lost.more),
    }
}
