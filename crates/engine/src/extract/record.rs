//! A record: a line of JSON, its members in the order in which they are put.

use itoa::{Buffer, Integer};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use langley_model::Micros;
use langley_protocol::transcript::Words;
use serde::Serialize;

use super::awaited::PLACE;
use super::mode::ExtractMode;

/// The version of the records' form.
const VERSION: u64 = 1;

/// Writes times as RFC 3339.
const TIMES: DateTimePrinter = DateTimePrinter::new();

/// Bytes of a text that is looked through for escapes before it is written: most ids and names have none.
const PLAIN_MAX: usize = 512;

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
pub(super) struct Head {
    json: Vec<u8>,
    /// Whose the last one was, and behind which byte that is said: most lines are of the same.
    of: (&'static str, Option<String>, Option<String>),
    told: usize,
}

impl Head {
    pub(super) fn of(whose: Whose<'_>, source: Option<Source<'_>>) -> Self {
        let mut head = Self::default();
        head.write(whose, source);
        head
    }

    /// Writes that of another line.
    pub(super) fn write(&mut self, whose: Whose<'_>, source: Option<Source<'_>>) {
        let (agent, session, agent_id) = &self.of;
        let is_same = *agent == whose.agent
            && session.as_deref() == whose.session
            && agent_id.as_deref() == whose.agent_id;
        let owned = |id: Option<&str>| id.map(str::to_owned);
        self.json.truncate(if is_same { self.told } else { 0 });
        if self.json.is_empty() {
            let mut record = Record(&mut self.json);
            record.number("v", Some(VERSION));
            record.text("agent", Some(whose.agent));
            record.text("session_id", whose.session);
            if let Some(agent_id) = whose.agent_id {
                record.text("agent_id", Some(agent_id));
            }
            self.of = (whose.agent, owned(whose.session), owned(whose.agent_id));
            self.told = self.json.len();
        }
        let mut record = Record(&mut self.json);
        record.number("turn", whose.turn);
        record.time("ts", whose.at);
        let Some(Source { path, line, offset }) = source else { return record.json("src", None) };
        record.json("src", Some(r#"{"path":"#));
        record.0.extend_from_slice(path.as_bytes());
        record.number("line", Some(line));
        record.number("offset", Some(offset));
        record.0.push(b'}');
    }

    /// Writes what all records of the line say first.
    pub(super) fn also(&mut self, fields: impl FnOnce(&mut Record<'_>)) {
        fields(&mut Record(&mut self.json));
    }
}

/// A record that is being written, behind whatever is in the list.
#[derive(Debug)]
pub(super) struct Record<'l>(&'l mut Vec<u8>);

impl<'l> Record<'l> {
    /// Begins one with what every record has.
    pub(super) fn new(mode: ExtractMode, head: &Head, list: &'l mut Vec<u8>) -> Self {
        list.reserve(head.json.len() + 256);
        list.extend_from_slice(br#"{"mode":""#);
        list.extend_from_slice(mode.name().as_bytes());
        list.push(b'"');
        list.extend_from_slice(&head.json);
        Self(list)
    }

    #[inline]
    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    #[inline]
    fn integer(&mut self, name: &str, number: Option<impl Integer>) {
        let mut room = Buffer::new();
        self.json(name, number.map(|number| room.format(number)));
    }

    /// JSON as it stands.
    #[inline]
    pub(super) fn json(&mut self, name: &str, json: Option<&str>) {
        let json = json.unwrap_or("null");
        self.0.reserve(json.len() + name.len() + 32);
        self.name(name);
        self.0.extend_from_slice(json.as_bytes());
    }

    #[inline]
    pub(super) fn text(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text else { return self.json(name, None) };
        // With room for some escapes: of a long text, what grows by doubling takes twice as much.
        self.0.reserve(text.len() + text.len() / 16 + name.len() + 32);
        self.name(name);
        if text.len() > PLAIN_MAX || !is_plain(text) {
            return self.value(text);
        }
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
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
        self.name(name);
        self.value(texts);
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        // Texts become JSON, and a list takes them.
        let _ = serde_json::to_writer(&mut *self.0, value);
    }

    pub(super) fn number(&mut self, name: &str, number: Option<u64>) {
        self.integer(name, number);
    }

    pub(super) fn signed(&mut self, name: &str, number: Option<i64>) {
        self.integer(name, number);
    }

    pub(super) fn flag(&mut self, name: &str, flag: Option<bool>) {
        self.json(name, flag.map(|flag| if flag { "true" } else { "false" }));
    }

    /// Keeps a place for an outcome that is not told yet; where it begins.
    pub(super) fn awaited(&mut self, name: &str) -> usize {
        self.name(name);
        let at = self.0.len();
        self.0.extend_from_slice(&[b' '; PLACE]);
        at
    }

    /// RFC 3339.
    pub(super) fn time(&mut self, name: &str, at: Option<Micros>) {
        let Some(at) = at.and_then(|Micros(at)| Timestamp::from_microsecond(at).ok()) else {
            return self.json(name, None);
        };
        self.0.reserve(name.len() + 40);
        self.name(name);
        self.0.push(b'"');
        // Writing to a list does not fail.
        let _ = TIMES.print_timestamp(&at, &mut *self.0);
        self.0.push(b'"');
    }

    /// Ends it, and its line.
    pub(super) fn close(self) {
        self.0.extend_from_slice(b"}\n");
    }
}

/// Whether a text is its own JSON but for the quotes.
fn is_plain(text: &str) -> bool {
    // Without a branch many bytes are looked at at once.
    !text.bytes().fold(false, |met, byte| met | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}
