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
/// What the whole store's cost by day may take.
const DAILY: f64 = 20.0;
/// What an opened flow may take.
const FLOW: f64 = 10.0;

/// Sessions that are starred, so that there are some.
const STARS: usize = 20;

/// Values that the store holds.
#[cfg_attr(test, derive(Default))]
pub(super) struct Known {
    flows: Vec<String>,
    times: Vec<String>,
    hosts: Vec<String>,
    models: Vec<String>,
    sessions: Vec<String>,
    tasks: Vec<String>,
    connections: Vec<String>,
    projects: Vec<String>,
    tools: Vec<String>,
    words: Vec<String>,
    /// Two words that stand side by side.
    pairs: Vec<String>,
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
            connections: Vec::new(),
            projects: Vec::new(),
            tools: Vec::new(),
            words: Vec::new(),
            pairs: Vec::new(),
            cursors: Vec::new(),
        };
        for days in 0..90 {
            let path = format!("/api/flows?limit=20&until={}h", days * 24 + random.of(0..24));
            let page: Value = json(door, &path).await?;
            known.cursors.extend(page["next_cursor"].as_str().map(str::to_owned));
            known.flows.extend(texts(&page["items"], "id"));
            known.times.extend(texts(&page["items"], "started_at"));
            known.tasks.extend(texts(&page["items"], "task_id"));
            known.connections.extend(texts(&page["items"], "connection_id"));
            known.projects.extend(texts(&page["items"], "project"));
            for flow in page["items"].as_array().into_iter().flatten() {
                let names = flow["tool_names"].as_array().into_iter().flatten();
                known.tools.extend(names.filter_map(Value::as_str).map(str::to_owned));
                let preview = flow["preview"].as_str().unwrap_or_default();
                let words = preview.split(|letter: char| !letter.is_ascii_alphanumeric());
                known.words.extend(words.filter(|word| word.len() > 3).map(str::to_owned));
                let mut parts = preview.split_whitespace();
                if let (Some(one), Some(next)) = (parts.next(), parts.next()) {
                    known.pairs.push(format!("\"{one} {next}\""));
                }
            }
        }
        for list in [&mut known.tasks, &mut known.projects, &mut known.tools] {
            list.sort();
            list.dedup();
        }
        for _ in 0..STARS {
            door.post(&format!("/api/sessions/{}/star", one(&known.sessions, random))).await?;
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
    question!("list, project", VIEW, |k, r| [format!(
        "/api/flows?project={}",
        one(&k.projects, r)
    )]),
    question!("list, tool", VIEW, |k, r| [format!("/api/flows?tool={}", one(&k.tools, r))]),
    question!("list, tool and host", VIEW, |k, r| [format!(
        "/api/flows?tool={}&host={}",
        one(&k.tools, r),
        one(&k.hosts, r)
    )]),
    question!("list, connection", VIEW, |k, r| [format!(
        "/api/flows?connection={}",
        one(&k.connections, r)
    )]),
    question!("list, starred", VIEW, |_k, _r| ["/api/flows?starred=true"]),
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
    question!("list, a phrase", VIEW, |k, r| [format!("/api/flows?q={}", one(&k.pairs, r))]),
    question!("list, a word of a session", VIEW, |k, r| [format!(
        "/api/flows?q={}&session={}",
        one(&k.words, r),
        one(&k.sessions, r)
    )]),
    question!("list, nothing found", VIEW, |_k, _r| ["/api/flows?q=qqzzqq"]),
    question!("count", VIEW, |_k, _r| ["/api/flows/count"]),
    question!("count, host", VIEW, |k, r| [format!("/api/flows/count?host={}", one(&k.hosts, r))]),
    question!("count, tool", VIEW, |k, r| [format!("/api/flows/count?tool={}", one(&k.tools, r))]),
    question!("count, project", VIEW, |k, r| [format!(
        "/api/flows/count?project={}",
        one(&k.projects, r)
    )]),
    question!("count, since", VIEW, |k, r| [format!(
        "/api/flows/count?since={}",
        one(&k.times, r)
    )]),
    question!("count, a word", VIEW, |k, r| [format!("/api/flows/count?q={}", one(&k.words, r))]),
    question!("count, session", VIEW, |k, r| [format!(
        "/api/flows/count?session={}",
        one(&k.sessions, r)
    )]),
    question!("count, status", VIEW, |_k, _r| ["/api/flows/count?status=529"]),
    question!("count, connection", VIEW, |k, r| [format!(
        "/api/flows/count?connection={}",
        one(&k.connections, r)
    )]),
    question!("count, starred", VIEW, |_k, _r| ["/api/flows/count?starred=true"]),
    question!("export, session", VIEW, |k, r| [format!(
        "/api/flows/export?format=csv&session={}",
        one(&k.sessions, r)
    )]),
    question!("facets", VIEW, |_k, _r| ["/api/facets"]),
    question!("facets, a word", VIEW, |k, r| [format!("/api/facets?q={}", one(&k.words, r))]),
    question!("facets, nothing found", VIEW, |_k, _r| ["/api/facets?q=qqzzqq"]),
    question!("sessions", VIEW, |_k, _r| ["/api/sessions"]),
    question!("sessions, project", VIEW, |k, r| [format!(
        "/api/sessions?project={}",
        one(&k.projects, r)
    )]),
    question!("sessions, since", VIEW, |k, r| [format!(
        "/api/sessions?since={}",
        one(&k.times, r)
    )]),
    question!("session", VIEW, |k, r| [format!("/api/sessions/{}", one(&k.sessions, r))]),
    question!("ledger", VIEW, |k, r| [format!("/api/sessions/{}/ledger", one(&k.sessions, r))]),
    question!("conversations", VIEW, |_k, _r| ["/api/conversations"]),
    question!("tools", VIEW, |_k, _r| ["/api/tools"]),
    question!("tools, since and until", VIEW, |k, r| [format!(
        "/api/tools?since={}&until={}",
        one(&k.times, r),
        one(&k.times, r)
    )]),
    question!("tools, session", VIEW, |k, r| [format!(
        "/api/tools?session={}",
        one(&k.sessions, r)
    )]),
    question!("tool's calls", VIEW, |k, r| [format!(
        "/api/tools/{}/invocations",
        one(&k.tools, r)
    )]),
    question!("tool's calls, session", VIEW, |k, r| [format!(
        "/api/tools/{}/invocations?session={}",
        one(&k.tools, r),
        one(&k.sessions, r)
    )]),
    question!("usage", VIEW, |_k, _r| ["/api/usage"]),
    question!("usage, by day and model", VIEW, |_k, _r| [
        "/api/usage?group_by=day,model&tz=-03:30"
    ]),
    question!("usage, by hour", VIEW, |_k, _r| ["/api/usage?group_by=hour&since=7d"]),
    question!("usage, a host since", VIEW, |k, r| [format!(
        "/api/usage?group_by=agent&host={}&since={}",
        one(&k.hosts, r),
        one(&k.times, r)
    )]),
    question!("cost, by day", DAILY, |_k, _r| ["/api/analytics/cost?group_by=day"]),
    question!("cost, by model", VIEW, |_k, _r| ["/api/analytics/cost?group_by=model,provider"]),
    question!("cost, by class", VIEW, |_k, _r| ["/api/analytics/cost?group_by=class"]),
    question!("cost, by session", VIEW, |_k, _r| [
        "/api/analytics/cost?group_by=session&limit=100"
    ]),
    question!("cost, by task", VIEW, |_k, _r| ["/api/analytics/cost?group_by=task&limit=100"]),
    question!("cost, by subagent", VIEW, |_k, _r| [
        "/api/analytics/cost?group_by=subagent&limit=100"
    ]),
    question!("cost, by tool", VIEW, |_k, _r| ["/api/analytics/cost?group_by=tool"]),
    question!("cost, by tool and day", VIEW, |_k, _r| [
        "/api/analytics/cost?group_by=tool,day&limit=100"
    ]),
    question!("cost, tools of a session", VIEW, |k, r| [format!(
        "/api/analytics/cost?group_by=tool&session={}",
        one(&k.sessions, r)
    )]),
    question!("cost, days of a project", VIEW, |k, r| [format!(
        "/api/analytics/cost?group_by=day&project={}",
        one(&k.projects, r)
    )]),
    question!("cost, by project", VIEW, |_k, _r| ["/api/analytics/cost?group_by=project"]),
    question!("cost, by project and day", VIEW, |_k, _r| [
        "/api/analytics/cost?group_by=project,day&limit=100"
    ]),
    question!("cost, commits", VIEW, |_k, _r| ["/api/analytics/commits?since=7d"]),
    question!("cost, blocks", VIEW, |_k, _r| ["/api/analytics/blocks?since=30d"]),
    question!("cost, reprices", VIEW, |_k, _r| ["/api/cost/reprices"]),
    question!("budgets", VIEW, |_k, _r| ["/api/budgets"]),
    question!("latency", VIEW, |_k, _r| ["/api/analytics/latency?group_by=model"]),
    question!("latency, by hour", VIEW, |_k, _r| ["/api/analytics/latency?group_by=hour&since=7d"]),
    question!("limits", VIEW, |_k, _r| ["/api/analytics/limits"]),
    question!("tokens, by day", VIEW, |_k, _r| ["/api/analytics/tokens?group_by=day"]),
    question!("cache", VIEW, |_k, _r| ["/api/analytics/cache?group_by=day"]),
    question!("context", VIEW, |k, r| [format!("/api/analytics/context?flow={}", k.flow(r))]),
    question!("efficiency", VIEW, |k, r| [format!(
        "/api/analytics/efficiency?session={}",
        one(&k.sessions, r)
    )]),
    question!("turns", VIEW, |k, r| [format!(
        "/api/analytics/turns?session={}",
        one(&k.sessions, r)
    )]),
    question!("efficiency, by model", VIEW, |_k, _r| ["/api/analytics/efficiency?group_by=model"]),
    question!("turns, by model", VIEW, |_k, _r| ["/api/analytics/turns?group_by=model"]),
    question!("findings", VIEW, |_k, _r| ["/api/findings"]),
    question!("timeline", VIEW, |k, r| [format!(
        "/api/sessions/{}/timeline?limit=500",
        one(&k.sessions, r)
    )]),
    question!("tasks", VIEW, |_k, _r| ["/api/tasks?limit=100"]),
    question!("task", VIEW, |k, r| [format!("/api/tasks/{}", one(&k.tasks, r))]),
    question!("search", VIEW, |k, r| [format!("/api/search?q={}", one(&k.words, r))]),
    question!("search, two words", VIEW, |k, r| [format!(
        "/api/search?q={}+{}",
        one(&k.words, r),
        one(&k.words, r)
    )]),
    question!("search, a phrase", VIEW, |k, r| [format!("/api/search?q={}", one(&k.pairs, r))]),
    question!("search, a beginning", VIEW, |k, r| [format!("/api/search?q={}*", one(&k.words, r))]),
    question!("search, a place", VIEW, |k, r| [format!(
        "/api/search?place=answer&q={}",
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
    question!("health", VIEW, |_k, _r| ["/api/health"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Doors that say nothing of the store, and those of one thing, by its key, of which it may have none.
    const ASIDE: [&str; 6] = [
        "/api/conversations/{id}",
        "/api/findings/{id}",
        "/api/openapi.json",
        "/api/tool-invocations/{id}",
        "/auth",
        "/ws",
    ];

    #[test]
    fn every_door_that_reads_the_store_is_asked() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/openapi.json");
        let document = std::fs::read_to_string(path).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        let (known, mut random) = (Known::default(), Random::new(1));
        let asked: Vec<String> = DOORS
            .iter()
            .flat_map(|question| (question.paths)(&known, &mut random))
            .map(|path| path.split('?').next().unwrap_or_default().to_owned())
            .collect();
        let is_asked = |door: &str| {
            let parts: Vec<&str> = door.split('/').collect();
            asked.iter().any(|path| {
                let path: Vec<&str> = path.split('/').collect();
                let alike = |(part, said): (&&str, &&str)| part.starts_with('{') || part == said;
                path.len() == parts.len() && parts.iter().zip(&path).all(alike)
            })
        };
        let doors = document["paths"].as_object().unwrap();
        let read = doors.iter().filter(|(_, verbs)| verbs.get("get").is_some());
        let unasked: Vec<&String> = read
            .map(|(door, _)| door)
            .filter(|door| !ASIDE.contains(&door.as_str()) && !is_asked(door))
            .collect();
        assert!(unasked.is_empty(), "{unasked:?}");
    }
}
