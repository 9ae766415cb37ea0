//! What `langley extract` prints on a terminal: a table for each mode, with a column for each field that says
//! something, long texts last.

use std::collections::BTreeSet;

use jiff::Timestamp;
use langley_engine::ExtractMode;
use langley_model::Micros;
use serde_json::{Map, Value};

use super::flows::local_time;
use crate::dollars::dollars;
use crate::table::Table;

/// Characters of a cell, and of one whose field is a long text.
const CELL: usize = 60;
const TEXT: usize = 300;

/// Characters of a session's id at least; as many more as tell those apart that are shown.
const ID: usize = 8;

/// Fields that no table shows: ids that lead nowhere here, and what is counted of lines.
const LEFT_OUT: [&str; 9] = [
    "message_id",
    "request_id",
    "call_id",
    "lines",
    "unreadable_lines",
    "mended_lines",
    "compactions",
    "branch",
    "ended",
];

/// Fields that are long texts, the one that matters most last.
const LONG: [&str; 17] = [
    "folder",
    "description",
    "models",
    "detail",
    "query",
    "url",
    "path",
    "input",
    "reason",
    "content",
    "summary",
    "message",
    "plan",
    "patch",
    "command",
    "value",
    "text",
];

/// Texts that stand behind all others.
const LAST: [&str; 3] = ["prompt", "first_prompt", "reason"];

/// The records of a mode.
#[derive(Debug)]
pub(super) struct OfMode {
    mode: ExtractMode,
    records: Vec<Map<String, Value>>,
}

/// Records, by their modes in the order in which these came.
#[derive(Debug, Default)]
pub(super) struct Records(Vec<OfMode>);

impl Records {
    /// Takes a record's line.
    pub(super) fn take(&mut self, mode: ExtractMode, line: &[u8]) {
        let Ok(record) = serde_json::from_slice(line) else { return };
        match self.0.iter_mut().find(|it| it.mode == mode) {
            Some(of_mode) => of_mode.records.push(record),
            None => self.0.push(OfMode { mode, records: vec![record] }),
        }
    }

    /// A table for each mode, in lines of `width` characters; of `most` records one says that there may be more.
    pub(super) fn tables(&self, width: usize, most: Option<usize>) -> String {
        if self.0.is_empty() {
            return "nothing of that is in the agents' files\n".to_owned();
        }
        let mut text = String::new();
        for of_mode in &self.0 {
            if self.0.len() > 1 {
                let gap = if text.is_empty() { "" } else { "\n" };
                text += &format!("{gap}{}: {}\n", of_mode.mode.name(), of_mode.mode.spec().about);
            }
            text += &of_mode.table(width);
            if most.is_some_and(|most| of_mode.records.len() >= most) {
                text += &format!(
                    "… the latest {} of a mode: -n N for others, --json for all\n",
                    of_mode.records.len()
                );
            }
        }
        text
    }
}

impl OfMode {
    fn table(&self, width: usize) -> String {
        let mut text = String::new();
        let is_there = |record: &&Map<String, Value>| record.get("available").is_none();
        let (told, absent): (Vec<_>, Vec<_>) = self.records.iter().partition(is_there);
        if !told.is_empty() {
            text += &rows(self.mode, &told).cut_at(width).to_string();
        }
        for record in absent {
            text += &format!("of {}: {}\n", word(record.get("agent")), word(record.get("reason")));
        }
        text
    }
}

fn rows(mode: ExtractMode, records: &[&Map<String, Value>]) -> Table {
    let says =
        |name: &str| records.iter().any(|record| record.get(name).is_some_and(|it| !it.is_null()));
    let agents: BTreeSet<_> = records.iter().map(|record| word(record.get("agent"))).collect();
    let ids: BTreeSet<String> =
        records.iter().map(|record| word(record.get("session_id"))).collect();
    let len = apart(&ids);
    let fields = fields(mode, says);
    let mut head = vec!["TIME".to_owned()];
    head.extend((agents.len() > 1).then(|| "AGENT".to_owned()));
    head.extend(says("session_id").then(|| "SESSION".to_owned()));
    head.extend(says("turn").then(|| "TURN".to_owned()));
    head.extend(fields.iter().map(|name| titled(name)));
    let mut table = Table::new(head.iter().map(String::as_str));
    for record in records {
        let mut cells = vec![time(record.get("ts"))];
        cells.extend((agents.len() > 1).then(|| word(record.get("agent"))));
        cells.extend(says("session_id").then(|| cut(&word(record.get("session_id")), len)));
        cells.extend(says("turn").then(|| word(record.get("turn"))));
        cells.extend(fields.iter().map(|name| cell(name, record.get(*name))));
        table.row(cells);
    }
    table
}

/// The fields of a mode that say something, in their order, long texts behind the others.
fn fields(mode: ExtractMode, says: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let names = mode.spec().fields.iter().map(|(name, _)| *name);
    let mut fields: Vec<_> = names.filter(|name| says(name) && !LEFT_OUT.contains(name)).collect();
    let place = |name: &str| {
        let last = LAST.iter().position(|it| *it == name).map(|at| LONG.len() + at);
        last.or_else(|| LONG.iter().position(|it| *it == name)).map_or(0, |at| at + 1)
    };
    // What a mode counts as input is a number, and arguments are a text.
    let is_number =
        |name: &str| name == "input" && mode.spec().fields.iter().any(|it| it.0 == "output");
    fields.sort_by_key(|name| if is_number(name) { 0 } else { place(name) });
    fields
}

/// How many characters tell ids apart.
fn apart(ids: &BTreeSet<String>) -> usize {
    let alike = |one: &String, other: &String| {
        one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
    };
    // In their order those that begin alike stand side by side.
    let most = ids.iter().zip(ids.iter().skip(1)).map(|(one, other)| alike(one, other) + 1);
    most.max().unwrap_or_default().max(ID)
}

fn titled(name: &str) -> String {
    match name {
        "cost_micro_usd" => "COST".to_owned(),
        "cache_write_5m" => "WRITTEN 5M".to_owned(),
        "cache_write_1h" => "WRITTEN 1H".to_owned(),
        "is_interrupted" => "STOPPED".to_owned(),
        "has_failed" => "FAILED".to_owned(),
        _ => name.replace('_', " ").to_uppercase(),
    }
}

fn cell(name: &str, value: Option<&Value>) -> String {
    match (name, value) {
        (_, Some(Value::Number(number))) if name == "cost_micro_usd" => {
            number.as_i64().map_or_else(|| number.to_string(), dollars)
        }
        (_, Some(Value::Bool(is))) => if *is { "yes" } else { "no" }.to_owned(),
        ("started", _) => time(value),
        (name, _) if name.ends_with("_at") => time(value),
        ("models", Some(Value::Array(names))) => {
            cut(&names.iter().map(|name| word(Some(name))).collect::<Vec<_>>().join(", "), CELL)
        }
        (name, _) => {
            let most = if LONG.contains(&name) || LAST.contains(&name) { TEXT } else { CELL };
            let line: Vec<_> = word(value).split_whitespace().map(str::to_owned).collect();
            cut_text(&line.join(" "), most)
        }
    }
}

fn word(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A time as clocks here show it; one that cannot be read as it stands.
fn time(value: Option<&Value>) -> String {
    let text = word(value);
    text.parse::<Timestamp>().map_or(text, |at| local_time(Micros(at.as_microsecond())))
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn cut_text(text: &str, most: usize) -> String {
    let kept = cut(text, most);
    if kept.len() < text.len() { kept + "…" } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(lines: &[(ExtractMode, Value)], width: usize, most: Option<usize>) -> String {
        let mut records = Records::default();
        for (mode, line) in lines {
            records.take(*mode, line.to_string().as_bytes());
        }
        records.tables(width, most)
    }

    fn record(session: &str, fields: Value) -> Value {
        let mut record = serde_json::json!({
            "agent": "codex", "session_id": session, "turn": 1, "ts": null, "src": null,
        });
        let Value::Object(fields) = fields else { panic!("no object") };
        record.as_object_mut().unwrap().extend(fields);
        record
    }

    #[test]
    fn a_mode_has_a_column_for_each_field_that_says_something_with_texts_last() {
        let used = |session, output: u64| {
            let used = serde_json::json!({ "message_id": "m", "model": "gpt-6", "input": 5, "output": output, "tier": null });
            (ExtractMode::Usage, record(session, used))
        };
        let told = tables(&[used("019a0000-7000-1", 7), used("019a0000-7000-2", 8)], 200, None);
        insta::assert_snapshot!(told, @r"
        TIME  SESSION          TURN  MODEL  INPUT  OUTPUT
        -     019a0000-7000-1  1     gpt-6  5      7
        -     019a0000-7000-2  1     gpt-6  5      8
        ");
        let call =
            serde_json::json!({ "tool": "exec", "input": { "cmd": "ls" }, "is_hosted": false });
        let told = tables(&[(ExtractMode::ToolCalls, record("s", call))], 40, Some(1));
        insta::assert_snapshot!(told, @r#"
        TIME  SESSION  TURN  TOOL  IS HOSTED  I…
        -     s        1     exec  no         {…
        … the latest 1 of a mode: -n N for others, --json for all
        "#);
    }

    #[test]
    fn what_an_agents_files_cannot_tell_is_said_below_what_others_tell() {
        let absent = serde_json::json!({
            "agent": "codex", "session_id": null, "available": false, "reason": "none are written",
        });
        let asked = record("s", serde_json::json!({ "text": "fix\nit", "images": 0 }));
        let told =
            tables(&[(ExtractMode::Requests, absent), (ExtractMode::UserPrompts, asked)], 99, None);
        insta::assert_snapshot!(told, @r"
        requests: Requests to providers
        of codex: none are written

        user-prompts: What a person asked
        TIME  SESSION  TURN  IMAGES  TEXT
        -     s        1     0       fix it
        ");
        assert_eq!(tables(&[], 99, None), "nothing of that is in the agents' files\n");
    }
}
