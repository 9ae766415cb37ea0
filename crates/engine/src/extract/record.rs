//! A record: a line of JSON, its members in the order in which they are put.

use jiff::Timestamp;
use langley_model::Micros;

use super::mode::ExtractMode;

/// The version of the records' form.
const VERSION: u64 = 1;

/// Of whom a record is, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Whose {
    pub(super) agent: &'static str,
    pub(super) session: Option<String>,
    pub(super) agent_id: Option<String>,
    /// What the person asked so far in this file, counted.
    pub(super) turn: Option<u64>,
    pub(super) at: Option<Micros>,
}

/// Where a record's line stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    /// From one on.
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// A record that is being written.
#[derive(Debug)]
pub(super) struct Record(String);

impl Record {
    /// Begins one with what every record has.
    pub(super) fn new(mode: ExtractMode, whose: &Whose, source: Option<Source<'_>>) -> Self {
        let mut record = Self(String::with_capacity(256));
        record.text("mode", Some(mode.name()));
        record.number("v", Some(VERSION));
        record.text("agent", Some(whose.agent));
        record.text("session_id", whose.session.as_deref());
        if let Some(agent_id) = &whose.agent_id {
            record.text("agent_id", Some(agent_id));
        }
        record.number("turn", whose.turn);
        record.time("ts", whose.at);
        match source {
            Some(Source { path, line, offset }) => {
                let mut at = Self(String::new());
                at.text("path", Some(path));
                at.number("line", Some(line));
                at.number("offset", Some(offset));
                record.json("src", Some(&at.close()));
            }
            None => record.json("src", None),
        }
        record
    }

    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// JSON as it stands.
    pub(super) fn json(&mut self, name: &str, json: Option<&str>) {
        self.name(name);
        self.0.push_str(json.unwrap_or("null"));
    }

    pub(super) fn text(&mut self, name: &str, text: Option<&str>) {
        let json = text.map(|text| serde_json::Value::from(text).to_string());
        self.json(name, json.as_deref());
    }

    pub(super) fn texts(&mut self, name: &str, texts: &[String]) {
        self.json(name, Some(&serde_json::Value::from(texts.to_vec()).to_string()));
    }

    pub(super) fn number(&mut self, name: &str, number: Option<u64>) {
        self.json(name, number.map(|number| number.to_string()).as_deref());
    }

    pub(super) fn signed(&mut self, name: &str, number: Option<i64>) {
        self.json(name, number.map(|number| number.to_string()).as_deref());
    }

    pub(super) fn flag(&mut self, name: &str, flag: Option<bool>) {
        self.json(name, flag.map(|flag| if flag { "true" } else { "false" }));
    }

    /// RFC 3339.
    pub(super) fn time(&mut self, name: &str, at: Option<Micros>) {
        let at = at.and_then(|Micros(at)| Timestamp::from_microsecond(at).ok());
        self.text(name, at.map(|at| at.to_string()).as_deref());
    }

    /// The record's JSON.
    pub(super) fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
