//! HTTP Archive 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>), one entry for each flow. Members
//! that begin with an underscore are ours, as the format allows; messages of a WebSocket stand in
//! `_webSocketMessages`, where browsers put them.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use langley_model::{Flow, HttpVersion, Side, Stored};
use langley_store::{Retired, Store, StoreError, StoredBody, StoredEvent};
use serde_json::{Value, json};

use super::timings::Timings;
use super::{ExportError, Exported, Wholeness};
use crate::wire;

/// Events read at once.
const EVENTS: usize = 200;

/// The method of a flow that is one call inside a WebSocket.
const WEBSOCKET: &str = "WS";

pub(super) fn head(out: &mut dyn Write) -> io::Result<()> {
    let creator = json!({ "name": "Langley", "version": env!("CARGO_PKG_VERSION") });
    writeln!(
        out,
        "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":["
    )
}

pub(super) fn foot(done: &Exported, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\n]")?;
    if let Some(lack) = done.lack() {
        write!(out, ",\"comment\":{}", Value::String(lack))?;
    }
    out.write_all(b"}}\n")
}

/// What an entry is written from: the flow, and what of it was read before.
struct Entry<'a> {
    store: &'a Store,
    flow: &'a Stored<Flow>,
    is_websocket: bool,
    retired: Retired,
    wholeness: Wholeness,
}

/// Writes the entry of a flow; its events pass one page at a time.
pub(super) fn entry(
    store: &Store,
    flow: &Stored<Flow>,
    out: &mut dyn Write,
) -> Result<Wholeness, ExportError> {
    let is_websocket = flow.method == WEBSOCKET;
    let mut wholeness = Wholeness::default();
    let retired = wholeness.sound(store.retired(flow.id).map(Some))?.unwrap_or_default();
    let mut entry = Entry { store, flow, is_websocket, retired, wholeness };
    let sent = entry.wholeness.sound(store.body(flow.id, Side::Client))?.map(Stored::into_inner);
    let timings = Timings::of(flow);
    let request = entry.request(sent.as_ref().filter(|_| !is_websocket))?;
    write!(
        out,
        "{{\"startedDateTime\":{},\"time\":{},\"request\":{request},\"response\":",
        Value::String(wire::rfc3339(flow.started_at)),
        timings.total(),
    )?;
    entry.response(out)?;
    write!(out, ",\"cache\":{{}},\"timings\":{},", timings.json())?;
    let mut remarks: Vec<String> = flow.lack().into_iter().collect();
    if is_websocket {
        let damaged = entry.messages(sent.as_ref(), out)?;
        if damaged > 0 {
            remarks.push(format!("{damaged} more messages are damaged and left out"));
        }
    }
    if entry.wholeness == Wholeness::Incomplete {
        remarks.push(DAMAGED.to_owned());
    }
    if !remarks.is_empty() {
        write!(out, "\"comment\":{},", Value::String(remarks.join("; ")))?;
    }
    write!(out, "\"connection\":{},\"_flow\":", Value::String(flow.connection.to_string()))?;
    serde_json::to_writer(&mut *out, &wire::Flow::from(flow))?;
    out.write_all(b"}")?;
    Ok(entry.wholeness)
}

/// What is said where there was a body once.
const RETIRED: &str =
    "the body was recorded; it was removed because it is older than bodies are kept";

/// What is said where the answer's message stands in the place of what it was made of, which is kept for less time.
const MESSAGE: &str = "the answer's bytes or events were removed because they are older than these are kept; \
                       this is the message that was made of them";

/// What is said of a body that is not whole.
const CUT: &str = "cut: its end, or the end of long parts of it, was not kept";

/// What is said where something cannot be read.
const DAMAGED: &str = "a part of this flow is damaged in the database and left out";

impl Entry<'_> {
    fn request(&mut self, body: Option<&StoredBody>) -> Result<Value, ExportError> {
        let flow = self.flow;
        let headers = self.headers(Side::Client)?;
        let query = flow.path.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded =
                |text| String::from_utf8_lossy(&langley_model::percent_decoded(text)).into_owned();
            json!({ "name": decoded(name), "value": decoded(value) })
        });
        let mut request = json!({
            "method": flow.method,
            "url": format!("{}://{}{}", flow.scheme, flow.authority(), flow.path),
            "httpVersion": version(flow.version_in),
            "cookies": [],
            "headers": headers,
            "queryString": pairs.collect::<Vec<_>>(),
            "headersSize": -1,
            "bodySize": flow.request_bytes,
        });
        if let Some(body) = body {
            let mut data = json!({ "mimeType": body.media_type.as_deref().unwrap_or("") });
            // The format has a word for the encoding of an answer only.
            put_text(&mut data, body, "_encoding");
            request["postData"] = data;
        }
        if self.retired.request_body {
            request["comment"] = json!(RETIRED);
        }
        Ok(request)
    }

    fn response(&mut self, out: &mut dyn Write) -> Result<(), ExportError> {
        let (store, flow) = (self.store, self.flow);
        let headers = self.headers(Side::Upstream)?;
        let stated = |name: &str| {
            let header = headers.iter().find(|header| header["name"] == name);
            header.map_or(Value::String(String::new()), |header| header["value"].clone())
        };
        let (redirect, media_type) = (stated("location"), stated("content-type"));
        // A broken connection has no status; the format's readers know it as 0.
        write!(
            out,
            "{{\"status\":{},\"statusText\":\"\",\"httpVersion\":{},\"cookies\":[],\"headers\":{},\
             \"redirectURL\":{redirect},\"headersSize\":-1,\"bodySize\":{},\"content\":",
            flow.status.unwrap_or(0),
            Value::String(version(flow.version_out).to_owned()),
            Value::Array(headers),
            flow.response_bytes,
        )?;
        let has_events = !self.is_websocket && flow.event_count > 0;
        let is_retired = self.retired.response_body || (self.retired.events && !self.is_websocket);
        match self.wholeness.sound(store.body(flow.id, Side::Upstream))? {
            Some(body) => write!(out, "{}", content(&body))?,
            None if has_events && !is_retired => {
                write!(
                    out,
                    "{{\"size\":{},\"mimeType\":\"text/event-stream\",\"text\":\"",
                    flow.response_bytes
                )?;
                let damaged = self.each_event(|event| {
                    let data = String::from_utf8_lossy(&event.data);
                    let lines = data.replace('\n', "\ndata: ");
                    escaped(&format!("event: {}\ndata: {lines}\n\n", event.kind), out)
                })?;
                out.write_all(b"\",\"comment\":\"laid out anew from the stored events")?;
                if damaged > 0 {
                    write!(out, "; {damaged} more are damaged and left out")?;
                }
                if flow.dropped_events > 0 {
                    write!(out, "; {} more could not be kept", flow.dropped_events)?;
                }
                out.write_all(b"\"}")?;
            }
            None => {
                // Without text: an answer of no bytes is something else.
                let mut content = json!({ "size": flow.response_bytes, "mimeType": media_type });
                let message = match is_retired {
                    true => self.wholeness.sound(store.message(flow.id))?,
                    false => None,
                };
                if let Some(message) = message {
                    let message = wire::message::Message::from(message.into_inner());
                    content["text"] = json!(serde_json::to_string(&message)?);
                    content["comment"] = json!(MESSAGE);
                } else if is_retired {
                    content["comment"] = json!(RETIRED);
                }
                write!(out, "{content}")?;
            }
        }
        Ok(out.write_all(b"}")?)
    }

    /// What was sent and what came back, each with its time in seconds since 1970. Returns how many messages
    /// are damaged, and left out.
    fn messages(
        &mut self,
        sent: Option<&StoredBody>,
        out: &mut dyn Write,
    ) -> Result<u64, ExportError> {
        let flow = self.flow;
        out.write_all(b"\"_webSocketMessages\":[")?;
        let message = |kind: &str, offset_us: u64, data: &[u8]| {
            let time = Duration::from_micros(flow.started_at.0.unsigned_abs() + offset_us);
            let data = String::from_utf8_lossy(data);
            json!({ "type": kind, "time": time.as_secs_f64(), "opcode": 1, "data": data })
        };
        let mut first = true;
        if let Some(body) = sent {
            write!(out, "{}", message("send", 0, &body.bytes))?;
            first = false;
        }
        let damaged = self.each_event(|event| {
            let comma = if std::mem::replace(&mut first, false) { "" } else { "," };
            write!(out, "{comma}{}", message("receive", event.offset_us, &event.data))
        })?;
        out.write_all(b"],")?;
        Ok(damaged)
    }

    /// Returns how many events are damaged, and left out.
    fn each_event(
        &mut self,
        mut write: impl FnMut(&StoredEvent) -> io::Result<()>,
    ) -> Result<u64, ExportError> {
        let (mut after, mut damaged) = (None, 0);
        loop {
            let page = self.store.events(self.flow.id, after, EVENTS, None);
            let Some(page) = self.wholeness.sound(page)? else { return Ok(damaged) };
            damaged += page.damaged;
            page.items.iter().try_for_each(&mut write)?;
            after = page.next_after;
            if after.is_none() {
                return Ok(damaged);
            }
        }
    }

    fn headers(&mut self, side: Side) -> Result<Vec<Value>, StoreError> {
        let stored = self.wholeness.sound(self.store.headers(self.flow.id, side))?;
        let stored = stored.and_then(|stored| stored.into_inner().headers);
        let lines = stored.map(|block| wire::lines(&block)).unwrap_or_default();
        Ok(lines.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect())
    }
}

/// A body's text, or its bytes in base64, which `encoding` then says.
fn put_text(data: &mut Value, body: &StoredBody, encoding: &str) {
    match std::str::from_utf8(&body.bytes) {
        Ok(text) => data["text"] = json!(text),
        Err(_) => {
            data["text"] = json!(STANDARD.encode(&body.bytes));
            data[encoding] = json!("base64");
        }
    }
    if body.truncated {
        data["comment"] = json!(CUT);
    }
}

fn content(body: &StoredBody) -> Value {
    let mut content =
        json!({ "size": body.original_len, "mimeType": body.media_type.as_deref().unwrap_or("") });
    put_text(&mut content, body, "encoding");
    content
}

/// The inside of a JSON string.
fn escaped(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let quoted = serde_json::to_string(text)?;
    out.write_all(&quoted.as_bytes()[1..quoted.len() - 1])
}

const fn version(version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::Http2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}
