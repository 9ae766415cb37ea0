//! A record: a line of JSON, its members in the order in which they are put.

use std::fmt::Display;
use std::io::Write as _;

use jiff::Timestamp;
use langley_model::Micros;
use langley_protocol::transcript::Words;
use serde::Serialize;

use super::mode::ExtractMode;

/// The version of the records' form.
const VERSION: u64 = 1;

/// Of whom a record is, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Whose<'a> {
    pub(super) agent: &'static str,
    pub(super) session: Option<&'a str>,
    pub(super) agent_id: Option<&'a str>,
    /// What the person asked so far in this file, counted.
    pub(super) turn: Option<u64>,
    pub(super) at: Option<Micros>,
}

/// Where a record's line stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// As JSON.
    pub(super) path: &'a str,
    /// From one on.
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// What every record of a line begins with, after its mode.
#[derive(Debug, Default)]
pub(super) struct Head(Record);

impl Head {
    pub(super) fn of(whose: Whose<'_>, source: Option<Source<'_>>) -> Self {
        let mut head = Self::default();
        head.write(whose, source);
        head
    }

    /// Writes that of another line.
    pub(super) fn write(&mut self, whose: Whose<'_>, source: Option<Source<'_>>) {
        let record = &mut self.0;
        record.0.clear();
        // What stands before it.
        record.0.push(b'{');
        record.number("v", Some(VERSION));
        record.text("agent", Some(whose.agent));
        record.text("session_id", whose.session);
        if let Some(agent_id) = whose.agent_id {
            record.text("agent_id", Some(agent_id));
        }
        record.number("turn", whose.turn);
        record.time("ts", whose.at);
        match source {
            Some(Source { path, line, offset }) => {
                // Writing to a list does not fail.
                let _ =
                    write!(record.0, r#","src":{{"path":{path},"line":{line},"offset":{offset}}}"#);
            }
            None => record.json("src", None),
        }
    }
}

/// A record that is being written.
#[derive(Debug, Default)]
pub(super) struct Record(Vec<u8>);

impl Record {
    /// Begins one with what every record has.
    pub(super) fn new(mode: ExtractMode, Head(Self(head)): &Head) -> Self {
        let mut record = Self(Vec::with_capacity(head.len() + 256));
        record.text("mode", Some(mode.name()));
        record.0.extend_from_slice(head.get(1..).unwrap_or_default());
        record
    }

    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// What shows as JSON.
    fn shown(&mut self, name: &str, value: Option<impl Display>) {
        self.name(name);
        // Writing to a list does not fail.
        let _ = match value {
            Some(value) => write!(self.0, "{value}"),
            None => write!(self.0, "null"),
        };
    }

    /// JSON as it stands.
    pub(super) fn json(&mut self, name: &str, json: Option<&str>) {
        let json = json.unwrap_or("null");
        self.0.reserve(json.len() + name.len() + 32);
        self.name(name);
        self.0.extend_from_slice(json.as_bytes());
    }

    pub(super) fn text(&mut self, name: &str, text: Option<&str>) {
        // With room for some escapes: of a long text, what grows by doubling takes twice as much.
        self.0.reserve(text.map_or(0, |text| text.len() + text.len() / 16) + name.len() + 32);
        self.serialized(name, &text);
    }

    pub(super) fn words(&mut self, name: &str, words: Option<&Words<'_>>) {
        match words {
            Some(Words::Escaped(text)) => {
                self.0.reserve(text.len() + name.len() + 32);
                self.name(name);
                self.0.push(b'"');
                self.0.extend_from_slice(text.as_bytes());
                self.0.push(b'"');
            }
            Some(Words::Plain(text)) => self.text(name, Some(text)),
            None => self.json(name, None),
        }
    }

    pub(super) fn texts(&mut self, name: &str, texts: &[String]) {
        self.serialized(name, texts);
    }

    fn serialized(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        // Texts become JSON, and a list takes them.
        let _ = serde_json::to_writer(&mut self.0, value);
    }

    pub(super) fn number(&mut self, name: &str, number: Option<u64>) {
        self.shown(name, number);
    }

    pub(super) fn signed(&mut self, name: &str, number: Option<i64>) {
        self.shown(name, number);
    }

    pub(super) fn flag(&mut self, name: &str, flag: Option<bool>) {
        self.shown(name, flag);
    }

    /// RFC 3339.
    pub(super) fn time(&mut self, name: &str, at: Option<Micros>) {
        let Some(at) = at.and_then(|Micros(at)| Timestamp::from_microsecond(at).ok()) else {
            return self.json(name, None);
        };
        self.name(name);
        // Writing to a list does not fail.
        let _ = write!(self.0, "\"{at}\"");
    }

    /// The record's JSON.
    pub(super) fn close(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}
