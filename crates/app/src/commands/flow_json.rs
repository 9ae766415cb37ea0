//! A flow as the command line prints it: the same members as the API's, which a test compares.

use std::time::Duration;

use jiff::Timestamp;
use langley_model::{Attributed, Flow, Gap, Micros, Stored};
use serde_json::{Value, json};

/// The flow as JSON.
pub(super) fn flow_json(flow: &Stored<Flow>) -> Value {
    let usage = &flow.usage;
    let id = |attributed: &Option<Attributed>| attributed.as_ref().map(|a| a.id.clone());
    let source = |attributed: &Option<Attributed>| attributed.as_ref().map(|a| a.source);
    let gap = |gap: Gap| json!({ "chunks": gap.chunks, "bytes": gap.bytes });
    let error = (flow.error_kind.is_some() || flow.error_message.is_some())
        .then(|| json!({ "kind": flow.error_kind, "message": flow.error_message }));
    let Value::Object(mut members) = json!({
        "id": flow.id.to_string(),
        "connection_id": flow.connection.to_string(),
        "started_at": rfc3339(flow.started_at),
        "ended_at": flow.ended_at.map(rfc3339),
        "duration_ms": milliseconds(flow.duration),
        "ttfb_ms": milliseconds(flow.ttfb),
        "ttft_ms": milliseconds(flow.ttft),
        "ttlt_ms": milliseconds(flow.ttlt),
        "longest_stall_ms": milliseconds(flow.stall),
        "tokens_per_second": flow.token_time().and_then(langley_server::per_second),
        "connect_ms": milliseconds(flow.connect),
        "tls_ms": milliseconds(flow.tls_handshake()),
        "mode": flow.mode.as_str(),
        "scheme": flow.scheme,
        "host": flow.host,
        "port": flow.port,
        "method": flow.method,
        "path": flow.path,
        "version_in": flow.version_in.as_str(),
        "version_out": flow.version_out.as_str(),
        "status": flow.status,
        "outcome": flow.outcome.map(langley_model::Outcome::as_str),
        "reason": flow.reason,
        "error": error,
        "provider": flow.provider.map(langley_model::Provider::as_str),
        "dialect": flow.dialect().map(langley_model::DialectName::as_str),
        "model": flow.model,
        "model_requested": flow.model_requested,
        "streaming": flow.streaming,
        "session_id": id(&flow.session),
        "session_source": source(&flow.session),
        "task_id": id(&flow.task),
        "task_source": source(&flow.task),
        "project": id(&flow.project),
        "project_source": source(&flow.project),
    }) else {
        return Value::Null;
    };
    let Value::Object(rest) = json!({
        "agent": flow.agent,
        "agent_version": flow.agent_version,
        "agent_id": flow.agent_id,
        "user_agent": flow.user_agent,
        "client_addr": flow.client_addr,
        "client_pid": flow.client_pid,
        "client_process": flow.client_process,
        "usage": {
            "input": usage.input.map(|tokens| tokens.0),
            "cache_read": usage.cache_read.map(|tokens| tokens.0),
            "cache_write_5m": usage.cache_write_5m.map(|tokens| tokens.0),
            "cache_write_1h": usage.cache_write_1h.map(|tokens| tokens.0),
            "output": usage.output.map(|tokens| tokens.0),
            "reasoning": usage.reasoning.map(|tokens| tokens.0),
            "web_search_requests": usage.web_search_requests,
        },
        "usage_estimate": flow.estimate.map(|it| json!({
            "source": it.source.as_str(),
            "input": it.input.map(|tokens| tokens.0),
            "output": it.output.map(|tokens| tokens.0),
            "cost": it.cost.map(|cost| json!({ "micro_usd": cost.0 })),
        })),
        "retry_of": flow.retry_of.map(|id| id.to_string()),
        "cost": flow.cost.map(|cost| json!({ "micro_usd": cost.0 })),
        "cost_source": flow.cost_source,
        "service_tier": flow.service_tier,
        "price": flow.terms.as_ref().map(|terms| price(terms)),
        "stop_reason": flow.stop_reason,
        "tool_names": flow.tool_names,
        "rate_limits": flow.rate_limits.iter().map(|limit| json!({
            "name": limit.name,
            "limit": limit.limit,
            "remaining": limit.remaining,
            "used_percent": limit.used.map(langley_model::Permille::percent),
            "reset_at": limit.reset_at.map(rfc3339),
        })).collect::<Vec<_>>(),
        "preview": flow.preview,
        "event_count": flow.event_count,
        "unknown_events": flow.unknown_events,
        "dropped_events": flow.dropped_events,
        "request_bytes": flow.request_bytes,
        "response_bytes": flow.response_bytes,
        "body_truncated": flow.body_truncated,
        "capture_gaps": flow.request_gap.chunks.saturating_add(flow.response_gap.chunks),
        "request_gap": gap(flow.request_gap),
        "response_gap": gap(flow.response_gap),
        "decode_note": flow.decode_note,
        "ja4_in": flow.ja4_in,
        "ja4_out": flow.ja4_out,
        "tls_note": flow.tls_note,
        "provider_request_id": flow.provider_request_id,
        "message_id": flow.message_id,
        "revision": flow.revision().0,
    }) else {
        return Value::Null;
    };
    members.extend(rest);
    Value::Object(members)
}

fn price(terms: &langley_model::Terms) -> Value {
    let mut members = serde_json::Map::new();
    members.insert("book".to_owned(), json!(terms.book));
    for class in langley_model::CostClass::ALL {
        let rate = terms.rates.of(class).map(|rate| rate.to_string());
        members.insert(class.as_str().to_owned(), json!(rate));
    }
    Value::Object(members)
}

fn rfc3339(time: Micros) -> String {
    Timestamp::from_microsecond(time.0).map_or_else(|_| String::new(), |time| format!("{time:.6}"))
}

fn milliseconds(span: Option<Duration>) -> Option<f64> {
    span.map(|span| (span.as_secs_f64() * 1_000_000.0).round() / 1_000.0)
}
