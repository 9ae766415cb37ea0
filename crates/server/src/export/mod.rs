//! Every matching flow in one answer, streamed page by page so that its size costs no memory.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use langley_store::FlowFilter;
use serde_json::Value;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::flows::filter;
use crate::params::Params;
use crate::wire::Flow;

/// Flows read at once.
const PAGE: usize = 200;

/// Columns of the CSV form: members of a flow, by their JSON pointers.
const COLUMNS: [&str; 49] = [
    "/id",
    "/connection_id",
    "/started_at",
    "/ended_at",
    "/duration_ms",
    "/ttfb_ms",
    "/ttft_ms",
    "/mode",
    "/scheme",
    "/host",
    "/port",
    "/method",
    "/path",
    "/version_in",
    "/version_out",
    "/status",
    "/outcome",
    "/reason",
    "/error/kind",
    "/error/message",
    "/provider",
    "/model",
    "/model_requested",
    "/streaming",
    "/session_id",
    "/session_source",
    "/task_id",
    "/task_source",
    "/agent",
    "/agent_version",
    "/agent_id",
    "/usage/input",
    "/usage/cache_read",
    "/usage/cache_write_5m",
    "/usage/cache_write_1h",
    "/usage/output",
    "/usage/reasoning",
    "/cost/micro_usd",
    "/cost_source",
    "/stop_reason",
    "/tool_names",
    "/event_count",
    "/dropped_events",
    "/request_bytes",
    "/response_bytes",
    "/body_truncated",
    "/capture_gaps",
    "/message_id",
    "/revision",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Ndjson,
    Json,
    Csv,
}

impl Format {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "ndjson" => Some(Self::Ndjson),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    const fn file_name(self) -> &'static str {
        match self {
            Self::Ndjson => "attachment; filename=\"langley-flows.ndjson\"",
            Self::Json => "attachment; filename=\"langley-flows.json\"",
            Self::Csv => "attachment; filename=\"langley-flows.csv\"",
        }
    }
}

/// Exports every matching flow, newest first: `ndjson` (one flow a line), `json` (`{items}`) or `csv`.
#[utoipa::path(
    get, path = "/api/flows/export", tag = "flows", operation_id = "export_flows",
    params(
        ("format" = Option<String>, Query, description = "ndjson (default), json or csv"),
        crate::openapi::FlowQuery,
    ),
    responses(
        (status = 200, description = "The flows, streamed", content_type = "application/x-ndjson", body = String),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn export(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Response, ApiError> {
    let (filter, params) = filter(params, &["format"])?;
    let format = params.parsed("format", "ndjson, json, csv", Format::parse)?;
    let format = format.unwrap_or(Format::Ndjson);
    let start = Step::Page { cursor: None, first: true };
    let pages = stream::try_unfold(start, move |step| {
        let (doors, filter) = (doors.clone(), filter.clone());
        async move {
            let Step::Page { cursor, first } = step else { return Ok::<_, ApiError>(None) };
            let (text, next) = doors
                .read(move |store| render(store, &filter, cursor.as_deref(), first, format))
                .await?;
            let step =
                next.map_or(Step::End, |cursor| Step::Page { cursor: Some(cursor), first: false });
            Ok(Some((Bytes::from(text), step)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CONTENT_DISPOSITION, format.file_name()),
    ];
    // A failure half-way breaks the answer off, so that it cannot be taken for a whole one.
    Ok((headers, Body::from_stream(pages)).into_response())
}

enum Step {
    Page { cursor: Option<String>, first: bool },
    End,
}

fn render(
    store: &langley_store::Store,
    filter: &FlowFilter,
    cursor: Option<&str>,
    first: bool,
    format: Format,
) -> Result<(String, Option<String>), langley_store::StoreError> {
    let page = store.flows(filter, cursor, PAGE)?;
    let mut text = String::with_capacity(page.items.len() * 1024);
    if first {
        match format {
            Format::Ndjson => {}
            Format::Json => text.push_str("{\"items\":["),
            Format::Csv => {
                let names = COLUMNS.map(|pointer| pointer[1..].replace('/', "."));
                text.push_str(&names.join(","));
                text.push_str("\r\n");
            }
        }
    }
    for (position, flow) in page.items.iter().enumerate() {
        let flow = Flow::from(flow);
        match format {
            Format::Ndjson => {
                text.push_str(&serde_json::to_string(&flow).unwrap_or_default());
                text.push('\n');
            }
            Format::Json => {
                if position > 0 || !first {
                    text.push(',');
                }
                text.push_str(&serde_json::to_string(&flow).unwrap_or_default());
            }
            Format::Csv => row(&serde_json::to_value(&flow).unwrap_or_default(), &mut text),
        }
    }
    if page.next_cursor.is_none() && format == Format::Json {
        text.push_str("],\"next_cursor\":null}\n");
    }
    Ok((text, page.next_cursor))
}

/// One line of CSV (RFC 4180).
fn row(flow: &Value, text: &mut String) {
    for (position, pointer) in COLUMNS.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        match flow.pointer(pointer) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => cell(value, text),
            Some(Value::Array(values)) => {
                let words: Vec<_> = values.iter().filter_map(Value::as_str).collect();
                cell(&words.join(" "), text);
            }
            Some(value) => text.push_str(&value.to_string()),
        }
    }
    text.push_str("\r\n");
}

fn cell(value: &str, text: &mut String) {
    // A spreadsheet would run a text that starts like a formula; recorded traffic is not trusted.
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula || value.contains([',', '"', '\n', '\r']) {
        text.push('"');
        if formula {
            text.push('\'');
        }
        text.push_str(&value.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_break_out_of_its_row_or_run_as_a_formula() {
        let shown = |value| {
            let mut text = String::new();
            cell(value, &mut text);
            text
        };
        assert_eq!(shown("plain"), "plain");
        assert_eq!(shown("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(shown("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }

    #[test]
    fn every_column_is_a_member_of_a_flow() {
        use langley_model::{ConnectionId, FlowId, MicroUsd, Micros, Redactor, RedactorOptions};
        let mut flow = langley_model::Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        flow.cost = Some(MicroUsd(1));
        flow.error_kind = Some("x".into());
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let flow = redactor.seal(flow).into_inner();
        let stored = langley_model::Stored::read_back(flow, langley_model::Revision(1));
        let json = serde_json::to_value(Flow::from(&stored)).unwrap();
        for pointer in COLUMNS {
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
