//! `langley db info`: what the database holds, and what takes the room.

use std::path::Path;

use langley_store::{FlowFilter, Store, StoreError};
use serde_json::{Value, json};

use super::db::{bytes, time};
use crate::home::Home;
use crate::missing;
use crate::reading;

/// What takes room, and by which beginnings of names its tables and indexes are known.
const PARTS: [(&str, &[&str]); 5] = [
    ("contents", &["blobs"]),
    ("events", &["event_"]),
    ("search", &["search"]),
    ("flows", &["flows", "flow_", "traits"]),
    ("transcripts", &["transcript", "conversations"]),
];

/// What is told of the database of `home`.
///
/// # Errors
/// No database yet, or it cannot be read.
pub(super) fn info(home: &Home) -> crate::error::Result<Value> {
    let raw = size(&home.raw_bodies());
    let ask = |store: &Store| -> Result<Value, StoreError> {
        let (all, counters, pages) = (FlowFilter::default(), store.counters(), store.pages()?);
        let oldest = store.flows_oldest_first(&all, None, 1)?.items;
        let newest = store.flows(&all, None, 1)?.items;
        let began = |flow: Option<&langley_model::Stored<langley_model::Flow>>| {
            flow.map(|flow| time(flow.started_at))
        };
        let mut parts = [0; PARTS.len() + 1];
        for (name, bytes) in store.sizes()? {
            parts[part(&name)] += bytes;
        }
        let names = PARTS.iter().map(|(name, _)| *name).chain(["other"]);
        let parts: serde_json::Map<String, Value> =
            names.zip(parts).map(|(name, bytes)| (name.to_owned(), bytes.into())).collect();
        let lost = store.unrecorded().ok();
        Ok(json!({
            "path": home.database(),
            "db_bytes": counters.db_bytes,
            "wal_bytes": counters.wal_bytes,
            "free_bytes": pages.free * pages.bytes,
            "raw_bytes": raw,
            "has_raw_bodies": home.holds_raw_bodies(),
            "parts": parts,
            "flows": store.count_flows(&all)?,
            "flows_total": counters.flows_total,
            "events_total": counters.events_total,
            "flows_unrecorded": lost.map(|lost| lost.flows),
            "flows_unrecorded_more": lost.is_some_and(|lost| lost.more),
            "oldest_at": began(oldest.first()),
            "newest_at": began(newest.first()),
        }))
    };
    reading::read(home, "database", ask)
}

/// The place of the part among [`PARTS`] to which a table or an index belongs; behind them that of the others.
fn part(name: &str) -> usize {
    let name = name.strip_prefix("sqlite_autoindex_").unwrap_or(name);
    let is_of = |names: &[&str]| names.iter().any(|beginning| name.starts_with(beginning));
    PARTS.iter().position(|(_, names)| is_of(names)).unwrap_or(PARTS.len())
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// The same in words.
pub(super) fn told(info: &Value) -> String {
    let count = |name: &str| info[name].as_u64().unwrap_or(0);
    let room = |name: &str| bytes(count(name));
    let part = |name: &str| bytes(info["parts"][name].as_u64().unwrap_or(0));
    let path = info["path"].as_str().unwrap_or_default();
    // Pages that lie in the log only are no part of the file yet.
    let parts = info["parts"].as_object().into_iter().flatten();
    let held: u64 =
        parts.filter_map(|(_, bytes)| bytes.as_u64()).sum::<u64>() + count("free_bytes");
    let in_log = held.saturating_sub(count("db_bytes"));
    let of_log =
        if in_log > 0 { format!(", {} of it in the log", bytes(in_log)) } else { String::new() };
    let mut lines = vec![
        format!("database   {} ({path}){of_log}", bytes(held.max(count("db_bytes")))),
        format!("  bodies, headers and messages  {}", part("contents")),
        format!("  stream events                 {}", part("events")),
        format!("  index of the search           {}", part("search")),
        format!("  flows                         {}", part("flows")),
        format!("  transcripts                   {}", part("transcripts")),
        format!("  sums, findings and the rest   {}", part("other")),
        format!("  free                          {}", room("free_bytes")),
        format!("log        {} (`langley db checkpoint` folds it back)", room("wal_bytes")),
    ];
    if info["has_raw_bodies"] == true {
        lines.push(format!("unredacted {} (`langley db raw --remove-all`)", room("raw_bytes")));
    }
    lines.push(format!(
        "flows      {} ({} ever stored, with {} stream events)",
        count("flows"),
        count("flows_total"),
        count("events_total"),
    ));
    if let (Some(oldest), Some(newest)) = (info["oldest_at"].as_str(), info["newest_at"].as_str()) {
        lines.push(format!("from       {oldest}\nto         {newest}"));
    }
    lines.extend(missing::line(info));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_indexes_belong_to_what_takes_the_room() {
        for (name, place) in [
            ("blobs", 0),
            ("sqlite_autoindex_blobs_1", 0),
            ("event_blocks", 1),
            ("event_blocks_by_flow", 1),
            ("search_data", 2),
            ("flows_by_id", 3),
            ("flow_kinds", 3),
            ("transcript_records_by_block", 4),
            ("conversations", 4),
            ("rollups_hourly", 5),
            ("sqlite_schema", 5),
        ] {
            assert_eq!(part(name), place, "{name}");
        }
    }
}
