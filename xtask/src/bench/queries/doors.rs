//! The doors that are asked, and what is known of the store to ask them with.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Door;
use crate::seed::Random;

/// A question to a door, or to several that a view asks together.
pub(super) struct Question {
    pub(super) name: &'static str,
    pub(super) goal_ms: f64,
    pub(super) paths: fn(&Known, &mut Random) -> Vec<String>,
}

/// What a view may take.
const VIEW: f64 = 50.0;
/// What an opened flow may take.
const FLOW: f64 = 10.0;

/// Values that the store holds.
pub(super) struct Known {
    flows: Vec<String>,
    times: Vec<String>,
    hosts: Vec<String>,
    models: Vec<String>,
    sessions: Vec<String>,
    tasks: Vec<String>,
    tools: Vec<String>,
    words: Vec<String>,
    cursors: Vec<String>,
}

impl Known {
    /// Looks around in the store, from its newest flow to its oldest.
    pub(super) async fn gather(door: &mut Door, random: &mut Random) -> Result<Self> {
        let facets: Value = json(door, "/api/facets").await?;
        let values = |key: &str| texts(&facets[key], "value");
        let mut known = Self {
            flows: Vec::new(),
            times: Vec::new(),
            hosts: values("hosts"),
            models: values("models"),
            sessions: values("sessions"),
            tasks: Vec::new(),
            tools: Vec::new(),
            words: Vec::new(),
            cursors: Vec::new(),
        };
        for days in 0..90 {
            let path = format!("/api/flows?limit=20&until={}h", days * 24 + random.of(0..24));
            let page: Value = json(door, &path).await?;
            known.cursors.extend(page["next_cursor"].as_str().map(str::to_owned));
            known.flows.extend(texts(&page["items"], "id"));
            known.times.extend(texts(&page["items"], "started_at"));
            known.tasks.extend(texts(&page["items"], "task_id"));
            for flow in page["items"].as_array().into_iter().flatten() {
                let names = flow["tool_names"].as_array().into_iter().flatten();
                known.tools.extend(names.filter_map(Value::as_str).map(str::to_owned));
                let preview = flow["preview"].as_str().unwrap_or_default();
                let words = preview.split(|letter: char| !letter.is_ascii_alphanumeric());
                known.words.extend(words.filter(|word| word.len() > 3).map(str::to_owned));
            }
        }
        for list in [&mut known.tasks, &mut known.tools] {
            list.sort();
            list.dedup();
        }
        Ok(known)
    }

    fn flow(&self, random: &mut Random) -> String {
        one(&self.flows, random)
    }
}

async fn json(door: &mut Door, path: &str) -> Result<Value> {
    serde_json::from_slice(&door.get(path).await?).with_context(|| format!("{path}: no JSON"))
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item[key].as_str()).map(str::to_owned).collect()
}

fn one(all: &[String], random: &mut Random) -> String {
    random.one(all).map_or_else(|| String::from("none"), |text| encoded(text))
}

/// For a query string: what is not plain is written in hexadecimal (RFC 3986 §2.1).
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

macro_rules! question {
    ($name:literal, $goal:expr, |$known:ident, $random:ident| $paths:expr) => {
        Question {
            name: $name,
            goal_ms: $goal,
            paths: |$known, $random| $paths.map(String::from).to_vec(),
        }
    };
}

/// The doors that read flows and what they carry.
pub(super) const DOORS: &[Question] = &[
    question!("list", VIEW, |_k, _r| ["/api/flows?limit=100"]),
    question!("list, page", VIEW, |k, r| [format!("/api/flows?cursor={}", one(&k.cursors, r))]),
    question!("list, host", VIEW, |k, r| [format!("/api/flows?host={}", one(&k.hosts, r))]),
    question!("list, host and before", VIEW, |k, r| [format!(
        "/api/flows?host={}&until={}",
        one(&k.hosts, r),
        one(&k.times, r)
    )]),
    question!("list, model", VIEW, |k, r| [format!("/api/flows?model={}", one(&k.models, r))]),
    question!("list, provider", VIEW, |_k, _r| ["/api/flows?provider=gemini"]),
    question!("list, session", VIEW, |k, r| [format!(
        "/api/flows?session={}",
        one(&k.sessions, r)
    )]),
    question!("list, task", VIEW, |k, r| [format!("/api/flows?task={}", one(&k.tasks, r))]),
    question!("list, tool", VIEW, |k, r| [format!("/api/flows?tool={}", one(&k.tools, r))]),
    question!("list, tool and host", VIEW, |k, r| [format!(
        "/api/flows?tool={}&host={}",
        one(&k.tools, r),
        one(&k.hosts, r)
    )]),
    question!("list, status class", VIEW, |_k, _r| ["/api/flows?status=5xx"]),
    question!("list, status", VIEW, |_k, _r| ["/api/flows?status=529"]),
    question!("list, outcome", VIEW, |_k, _r| ["/api/flows?outcome=timed_out"]),
    question!("list, open", VIEW, |_k, _r| ["/api/flows?outcome=open"]),
    question!("list, since and until", VIEW, |k, r| [format!(
        "/api/flows?since={}&until={}",
        one(&k.times, r),
        one(&k.times, r)
    )]),
    question!("list, dear", VIEW, |_k, r| [format!("/api/flows?min_cost=0.0{}", r.of(10..90))]),
    question!("list, a word", VIEW, |k, r| [format!("/api/flows?q={}", one(&k.words, r))]),
    question!("list, nothing found", VIEW, |_k, _r| ["/api/flows?q=qqzzqq"]),
    question!("count", VIEW, |_k, _r| ["/api/flows/count"]),
    question!("count, host", VIEW, |k, r| [format!("/api/flows/count?host={}", one(&k.hosts, r))]),
    question!("count, tool", VIEW, |k, r| [format!("/api/flows/count?tool={}", one(&k.tools, r))]),
    question!("count, since", VIEW, |k, r| [format!(
        "/api/flows/count?since={}",
        one(&k.times, r)
    )]),
    question!("count, a word", VIEW, |k, r| [format!("/api/flows/count?q={}", one(&k.words, r))]),
    question!("facets", VIEW, |_k, _r| ["/api/facets"]),
    question!("search", VIEW, |k, r| [format!("/api/search?q={}", one(&k.words, r))]),
    question!("search, two words", VIEW, |k, r| [format!(
        "/api/search?q={}+{}",
        one(&k.words, r),
        one(&k.words, r)
    )]),
    question!("search, host", VIEW, |k, r| [format!(
        "/api/search?q={}&host={}",
        one(&k.words, r),
        one(&k.hosts, r)
    )]),
    question!("search, session", VIEW, |k, r| [format!(
        "/api/search?q={}&session={}",
        one(&k.words, r),
        one(&k.sessions, r)
    )]),
    question!("search, nothing found", VIEW, |_k, _r| ["/api/search?q=qqzzqq"]),
    question!("flow", FLOW, |k, r| [format!("/api/flows/{}", k.flow(r))]),
    question!("flow with its events", FLOW, |k, r| {
        let id = k.flow(r);
        [format!("/api/flows/{id}"), format!("/api/flows/{id}/events?limit=500")]
    }),
    question!("flow, request", VIEW, |k, r| [format!("/api/flows/{}/request", k.flow(r))]),
    question!("flow, response", VIEW, |k, r| [format!("/api/flows/{}/response", k.flow(r))]),
    question!("flow, diff", VIEW, |k, r| [format!("/api/flows/{}/diff", k.flow(r))]),
    question!("stats", VIEW, |_k, _r| ["/api/stats"]),
    question!("metrics", VIEW, |_k, _r| ["/metrics"]),
    question!("tunnels", VIEW, |_k, _r| ["/api/tunnels"]),
    question!("drops", VIEW, |_k, _r| ["/api/drops"]),
    question!("stars", VIEW, |_k, _r| ["/api/stars"]),
    question!("settings", VIEW, |_k, _r| ["/api/settings"]),
    question!("setup", VIEW, |_k, _r| ["/api/setup"]),
];
