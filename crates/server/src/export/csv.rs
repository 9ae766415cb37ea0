//! Flows as a table: CSV (RFC 4180), one line for each flow.

use std::io::{self, Write};

use langley_model::{Stored, is_obeyed};
use serde_json::Value;

use crate::wire::Flow;

/// Columns of the CSV form: members of a flow, by their JSON pointers.
const COLUMNS: [&str; 75] = [
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
    "/project",
    "/project_source",
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
    "/ttlt_ms",
    "/longest_stall_ms",
    "/tokens_per_second",
    "/connect_ms",
    "/tls_ms",
    "/dialect",
    "/user_agent",
    "/client_addr",
    "/client_pid",
    "/client_process",
    "/retry_of",
    "/usage/web_search_requests",
    "/service_tier",
    "/unknown_events",
    "/decode_note",
    "/ja4_in",
    "/ja4_out",
    "/tls_note",
    "/provider_request_id",
    "/preview",
    "/usage_estimate/source",
    "/usage_estimate/input",
    "/usage_estimate/output",
    "/usage_estimate/cost/micro_usd",
];

/// The line of names.
pub(super) fn head(out: &mut dyn Write) -> io::Result<()> {
    let names = COLUMNS.map(|pointer| pointer[1..].replace('/', "."));
    write!(out, "{}\r\n", names.join(","))
}

/// The line of a flow.
pub(super) fn line(flow: &Stored<langley_model::Flow>, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::with_capacity(1024);
    row(&serde_json::to_value(Flow::from(flow))?, &mut text);
    out.write_all(text.as_bytes())
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
        put(&value.replace('"', "\"\""), text);
        text.push('"');
    } else {
        put(value, text);
    }
}

/// What a terminal or a spreadsheet would obey becomes a mark; lines and tabs stay, since the cell is quoted.
fn put(value: &str, text: &mut String) {
    let is_mark = |c: char| is_obeyed(c) && !matches!(c, '\n' | '\r' | '\t');
    text.extend(value.chars().map(|c| if is_mark(c) { '\u{fffd}' } else { c }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_of_a_flow_that_is_one_value_has_a_column() {
        let flow = langley_model::Flow::new(
            langley_model::FlowId::from_bytes([1; 16]),
            langley_model::ConnectionId::from_bytes([2; 16]),
            langley_model::Micros(0),
        );
        let flow = Stored::read_back(flow, langley_model::Revision(1));
        let Value::Object(members) = serde_json::to_value(Flow::from(&flow)).unwrap() else {
            panic!("a flow is an object")
        };
        // What a flow's price was made of, and lists of objects, find no room in a cell.
        let beyond = ["price", "rate_limits", "request_gap", "response_gap"];
        let missing: Vec<_> = members
            .keys()
            .filter(|name| !beyond.contains(&name.as_str()))
            .filter(|name| {
                let is_column = |pointer: &str| {
                    let pointer = &pointer[1..];
                    pointer == **name || pointer.split('/').next() == Some(name.as_str())
                };
                !COLUMNS.iter().any(|pointer| is_column(pointer))
            })
            .collect();
        assert_eq!(missing, Vec::<&String>::new());
    }

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
        assert_eq!(shown("a\u{7}\u{202e}b"), "a\u{fffd}\u{fffd}b");
        assert_eq!(shown("\"\u{1b}\"\n\t"), "\"\"\"\u{fffd}\"\"\n\t\"");
    }

    #[test]
    fn every_column_is_a_member_of_a_flow() {
        use langley_model::{
            ConnectionId, EstimateSource, FlowId, MicroUsd, Micros, Redactor, RedactorOptions,
            UsageEstimate,
        };
        let mut flow = langley_model::Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        flow.cost = Some(MicroUsd(1));
        flow.error_kind = Some("x".into());
        flow.estimate = Some(UsageEstimate {
            source: EstimateSource::Bytes,
            input: None,
            output: None,
            cost: Some(MicroUsd(1)),
        });
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let flow = redactor.seal(flow).into_inner();
        let stored = Stored::read_back(flow, langley_model::Revision(1));
        let json = serde_json::to_value(Flow::from(&stored)).unwrap();
        for pointer in COLUMNS {
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
