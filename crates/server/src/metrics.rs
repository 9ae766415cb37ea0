//! The same figures as `/api/stats`, in Prometheus' text format (version 0.0.4).

use std::fmt::{Display, Write};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::stats::{Stats, stats};
use crate::upkeep::Maintenance;

/// Shows the figures for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "system",
    responses(
        (status = 200, description = "Prometheus text format", content_type = "text/plain", body = String),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn metrics(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[])?;
    let text = text(&stats(&doors).await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn text(stats: &Stats) -> String {
    let mut page = Page::default();
    page.head("langley_info", "gauge", "The product's version.");
    page.line("langley_info", Some(("version", &stats.version)), 1);
    page.gauge("langley_uptime_seconds", "Time since the start.", stats.uptime_s);
    if let Some(connections) = stats.proxy_connections {
        page.gauge("langley_proxy_connections", "Open client connections.", connections);
    }
    page.gauge("langley_flows", "Flows stored at the moment.", stats.flows);
    page.counter("langley_flows_total", "Flows stored, removed ones included.", stats.flows_total);
    page.counter("langley_events_total", "Stream events stored.", stats.events_total);
    page.counter("langley_tunnels_total", "Tunnels stored.", stats.tunnels_total);
    page.gauge("langley_open_flows", "Flows that have not ended.", stats.open_flows);
    page.gauge("langley_lost_flows", "Flows marked lost at the start.", stats.lost_flows);
    for (name, help, of) in [
        (
            "langley_queue_items",
            "Entries that wait.",
            (|queue| queue.items) as fn(&crate::stats::Queue) -> u64,
        ),
        ("langley_queue_bytes", "Bytes that wait.", |queue| queue.bytes),
        ("langley_queue_high_water_items", "Most entries that ever waited.", |queue| {
            queue.high_water
        }),
        ("langley_queue_high_water_bytes", "Most bytes that ever waited.", |queue| {
            queue.high_water_bytes
        }),
    ] {
        page.head(name, "gauge", help);
        page.line(name, Some(("queue", "writer")), of(&stats.queue));
        page.line(name, Some(("queue", "intake")), of(&stats.intake));
    }
    page.head("langley_queue_strain", "gauge", "0 calm, 1 beyond 80 %, 2 beyond 95 %.");
    page.line("langley_queue_strain", Some(("queue", "writer")), stats.queue.state as u8);
    page.line("langley_queue_strain", Some(("queue", "intake")), stats.intake.state as u8);
    page.head("langley_queue_strains_total", "counter", "Times a queue became 80 % full.");
    page.line("langley_queue_strains_total", Some(("queue", "writer")), stats.queue.strains_total);
    page.line("langley_queue_strains_total", Some(("queue", "intake")), stats.intake.strains_total);
    page.gauge("langley_memory_flows", "Open flows kept in memory.", stats.memory.flows);
    page.counter(
        "langley_memory_evicted_total",
        "Times the state of an open flow was left to the database.",
        stats.memory.evicted_total,
    );
    page.head("langley_drops_total", "counter", "Captured and then lost.");
    for (reason, count) in &stats.drops.by_reason {
        page.line("langley_drops_total", Some(("reason", reason)), count);
    }
    if let Some(flows) = stats.drops.flows_unrecorded {
        let help = "Flows that passed and of which nothing is stored, as far as rows about drops name them.";
        page.gauge("langley_flows_unrecorded", help, flows);
    }
    page.counter("langley_gaps_total", "Pieces not captured.", stats.gaps_total);
    page.counter("langley_gap_bytes_total", "Body bytes not captured.", stats.gap_bytes_total);
    let help = "Budgets that are spent.";
    page.gauge("langley_budgets_spent", help, stats.budgets_spent.len());
    if let Some(raw) = stats.raw_bodies {
        let help = "Body bytes kept unredacted.";
        page.counter("langley_raw_body_bytes_total", help, raw.bytes_total);
        let help = "Body bytes that were to be kept unredacted and found no room.";
        page.counter("langley_raw_body_dropped_bytes_total", help, raw.dropped_bytes_total);
        let help = "Flows whose end found no room beside their unredacted bodies.";
        page.counter("langley_raw_body_dropped_ends_total", help, raw.dropped_ends_total);
    }
    page.gauge(
        "langley_writer_lag_seconds",
        "Age of the oldest record that is not committed.",
        std::time::Duration::from_millis(stats.writer_lag_ms).as_secs_f64(),
    );
    page.gauge(
        "langley_writer_failing",
        "Whether the last write failed.",
        u8::from(stats.writer_failing),
    );
    page.gauge(
        "langley_recorder_threads_failed",
        "Threads of the recorder that died.",
        stats.recorder.threads_failed,
    );
    page.counter(
        "langley_write_retries_total",
        "Repetitions of failed writes.",
        stats.write_retries,
    );
    page.counter("langley_batches_failed_total", "Batches given up.", stats.batches_failed);
    let help = "Flows that could not be read when they were listed.";
    page.gauge("langley_damaged_flows", help, stats.damaged_flows);
    page.gauge("langley_db_bytes", "Size of the database file.", stats.db_bytes);
    page.gauge("langley_db_free_bytes", "Free room inside the database.", stats.db_free_bytes);
    page.gauge("langley_wal_bytes", "Size of the write-ahead log.", stats.wal_bytes);
    page.counter("langley_batches_total", "Batches committed.", stats.batches_total);
    page.counter(
        "langley_records_dropped_total",
        "Records in batches given up.",
        stats.records_dropped,
    );
    page.gauge("langley_revision", "The newest committed revision.", stats.revision);
    maintenance(&mut page, &stats.maintenance);
    page.gauge("langley_search_waiting", "Flows that wait for the index.", stats.search_waiting);
    page.gauge(
        "langley_search_given_up",
        "Flows that the index could not read.",
        stats.search_given_up,
    );
    page.counter(
        "langley_search_unreadable_total",
        "Times the text of a found flow could not be read.",
        stats.search_unreadable,
    );
    if let Some(transcripts) = &stats.transcripts {
        page.gauge(
            "langley_transcript_lines",
            "Lines of agents' transcripts that are kept.",
            transcripts.lines,
        );
        page.gauge(
            "langley_transcripts_waiting",
            "Transcripts that wait to be read.",
            transcripts.waiting,
        );
        page.gauge(
            "langley_transcripts_refused",
            "Transcripts and folders of them that could not be read at the last look.",
            transcripts.refused,
        );
    }
    page.gauge(
        "langley_analysis_waiting",
        "Flows that wait to be analysed.",
        stats.analysis_waiting,
    );
    page.gauge(
        "langley_analysis_given_up",
        "Flows that could not be analysed.",
        stats.analysis_given_up,
    );
    page.gauge(
        "langley_tokens_waiting",
        "Flows whose estimated tokens wait to be counted.",
        stats.tokens_waiting,
    );
    page.gauge(
        "langley_tokens_given_up",
        "Flows whose tokens could not be counted.",
        stats.tokens_given_up,
    );
    page.counter(
        "langley_background_panics_total",
        "Times the index or the analysis panicked.",
        stats.background_panics,
    );
    page.counter(
        "langley_decode_errors_total",
        "Flows decoded not at all or in part.",
        stats.decode_errors,
    );
    let help = "Redactions by rule since the start, each time one was made; stored content that came often counts often.";
    page.head("langley_redactions_total", "counter", help);
    for redaction in &stats.redactions {
        page.line("langley_redactions_total", Some(("rule", &redaction.rule)), redaction.count);
    }
    page.gauge("langley_watchers", "Watchers of the live feed.", stats.watchers);
    page.0
}

fn maintenance(page: &mut Page, maintenance: &Maintenance) {
    page.gauge(
        "langley_maintenance_running",
        "Whether maintenance runs.",
        u8::from(maintenance.phase.is_some()),
    );
    page.gauge(
        "langley_maintenance_failed",
        "Whether the last run failed.",
        u8::from(maintenance.failed),
    );
    if let Some(next) = maintenance.next_s {
        page.gauge(
            "langley_maintenance_next_timestamp_seconds",
            "When the next run is planned.",
            next,
        );
    }
    let Some(last) = &maintenance.last else { return };
    page.gauge(
        "langley_maintenance_last_timestamp_seconds",
        "When the last run ended.",
        last.ended_s,
    );
    page.head("langley_maintenance_last_removed", "gauge", "What the last run removed.");
    for (kind, count) in [
        ("flows", last.flows),
        ("events", last.events),
        ("bodies", last.bodies),
        ("contents", last.contents),
        ("tunnels", last.tunnels),
        ("drops", last.drops),
    ] {
        page.line("langley_maintenance_last_removed", Some(("kind", kind)), count);
    }
    page.gauge(
        "langley_maintenance_last_freed_bytes",
        "Bytes by which the last run made the database smaller.",
        last.freed_bytes,
    );
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        self.line(name, None, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "counter", help);
        self.line(name, None, value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        let _ = match label {
            Some((key, word)) => {
                let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                writeln!(self.0, "{name}{{{key}=\"{word}\"}} {value}")
            }
            None => writeln!(self.0, "{name} {value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_line() {
        let mut page = Page::default();
        page.line("langley_x", Some(("rule", "a\"b\\c\nd")), 3);
        assert_eq!(page.0, "langley_x{rule=\"a\\\"b\\\\c\\nd\"} 3\n");
    }
}
