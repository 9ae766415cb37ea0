//! Layers laid over each other: a later one wins, and each value keeps its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use super::key::{self, ALIASES, KEYS, Key};
use super::kind::Base;
use super::problem::Problem;

/// Where a value came from, weakest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The system's own proxy variables.
    System(String),
    /// Changed in the dashboard.
    Settings,
    /// A configuration file.
    File {
        /// Which.
        path: PathBuf,
        /// Line, from 1; 0 when it is not known.
        line: u64,
    },
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag(&'static str),
}

impl Origin {
    /// The layer, in one word.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Settings => "settings",
            Self::File { .. } => "file",
            Self::System(_) | Self::Env(_) => "environment",
            Self::Flag(_) => "flag",
        }
    }
}

impl Origin {
    /// Where `key` is to be changed: the variable or flag itself, else the key and where it stands.
    pub(crate) fn place_of(&self, key: &str) -> String {
        match self {
            Self::System(name) | Self::Env(name) => name.clone(),
            Self::Flag(name) => (*name).to_owned(),
            Self::Default => key.to_owned(),
            Self::Settings | Self::File { .. } => format!("{key} ({self})"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Settings => f.write_str("dashboard settings"),
            Self::System(name) | Self::Env(name) => write!(f, "environment {name}"),
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The accepted value.
    pub(crate) value: Value,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Where the list came from that it was added to.
    pub(crate) added_to: Option<Origin>,
}

/// Every set key, by its full path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    entries: BTreeMap<String, Entry>,
    problems: Vec<Problem>,
}

impl Layers {
    /// The defaults alone.
    pub(crate) fn defaults() -> Self {
        let entries = KEYS.iter().filter_map(|key| {
            let value = key.default.value()?;
            let entry = Entry { value, origin: Origin::Default, added_to: None };
            Some((key.path.to_owned(), entry))
        });
        Self { entries: entries.collect(), problems: Vec::new() }
    }

    /// Lays one value over what is there; a bad one is kept as a problem.
    pub(crate) fn set(&mut self, path: &str, value: &Value, origin: Origin) {
        let path =
            ALIASES.iter().find(|(alias, _)| *alias == path).map_or(path, |(_, meant)| meant);
        let Some(key) = key::find(path) else {
            self.problems.push(Problem::unknown(origin, path));
            return;
        };
        let before = self.entries.get(path);
        let base = before.map(|entry| Base { value: &entry.value });
        match key.kind.accept(value, base) {
            Ok(accepted) => {
                let added_to = key
                    .kind
                    .adds(value)
                    .then(|| before.map_or(Origin::Default, |entry| entry.origin.clone()));
                self.entries.insert(path.to_owned(), Entry { value: accepted, origin, added_to });
            }
            Err(sentence) => self.problems.push(Problem::value(origin, path, sentence)),
        }
    }

    /// Whether the dashboard's settings win at `path`.
    pub(crate) fn is_weak(&self, path: &str) -> bool {
        let weak = |origin: &Origin| {
            matches!(origin, Origin::Default | Origin::System(_) | Origin::Settings)
        };
        self.entry(path).is_none_or(|entry| weak(&entry.origin))
    }

    /// Takes the values of one origin out; defaults come back.
    pub(crate) fn forget(&mut self, origin: &Origin) {
        self.entries.retain(|_, entry| entry.origin != *origin);
        for (path, entry) in Self::defaults().entries {
            self.entries.entry(path).or_insert(entry);
        }
    }

    /// Lays the entries of `other` at `paths` over what is there.
    pub(crate) fn take_over(&mut self, other: &Self, paths: &[&str]) {
        for path in paths {
            if let Some(entry) = other.entries.get(*path) {
                self.entries.insert((*path).to_owned(), entry.clone());
            }
        }
    }

    /// Lays everything of `other` over what is there, its problems included.
    pub(crate) fn lay(&mut self, other: &Self) {
        self.entries.extend(other.entries.clone());
        self.problems.extend(other.problems.iter().cloned());
    }

    /// Notes a problem that is not a value's.
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Everything wrong so far.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The value at `path`.
    pub(crate) fn value(&self, path: &str) -> Option<&Value> {
        self.entries.get(path).map(|entry| &entry.value)
    }

    /// The entry at `path`.
    pub(crate) fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Every key of the table in its order, names filled in where entries exist.
    pub(crate) fn rows(&self) -> Vec<(String, &'static Key, Option<&Entry>)> {
        let mut rows = Vec::new();
        for key in KEYS {
            if key.path.contains("<name>") {
                let named = self.entries.iter().filter(|(path, _)| key.matches(path));
                rows.extend(named.map(|(path, entry)| (path.clone(), key, Some(entry))));
            } else {
                rows.push((key.path.to_owned(), key, self.entries.get(key.path)));
            }
        }
        rows
    }

    /// Every set value below `<prefix>.<name>.<leaf>`, by name.
    pub(crate) fn named(&self, prefix: &str, leaf: &str) -> Vec<(String, &Value)> {
        self.entries
            .iter()
            .filter_map(|(path, entry)| {
                let name = path.strip_prefix(prefix)?.strip_prefix('.')?.strip_suffix(leaf)?;
                Some((name.strip_suffix('.')?.to_owned(), &entry.value))
            })
            .collect()
    }
}

/// `value` as it may be shown: the password in a URL is left out.
pub(crate) fn public(value: &Value) -> Value {
    let hidden = |text: &str| {
        let (scheme, rest) = text.split_once("://").map_or(("", text), |(s, r)| (s, r));
        let (credentials, host) = rest.rsplit_once('@')?;
        let user = credentials.split_once(':').map_or("…", |(user, _)| user);
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
        Some(format!("{scheme}{user}:…@{host}"))
    };
    match value {
        Value::String(text) => hidden(text).map_or_else(|| value.clone(), Value::String),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_later_layer_wins_and_says_so() {
        let mut layers = Layers::defaults();
        layers.set("proxy.port", &json!(1), Origin::Env("A".into()));
        layers.set("proxy.port", &json!("2"), Origin::Env("LANGLEY_PROXY__PORT".into()));
        let entry = layers.entry("proxy.port").unwrap();
        assert_eq!(entry.value, json!(2));
        assert_eq!(entry.origin.to_string(), "environment LANGLEY_PROXY__PORT");
    }

    #[test]
    fn a_plus_adds_to_the_list_below_and_a_plain_value_replaces_it() {
        let mut layers = Layers::defaults();
        layers.set("proxy.intercept.hosts", &json!(["a.example"]), Origin::Env("A".into()));
        layers.set("proxy.intercept.hosts", &json!("+b.example, c.example"), Origin::Flag("--x"));
        let entry = layers.entry("proxy.intercept.hosts").unwrap();
        assert_eq!(entry.value, json!(["a.example", "b.example", "c.example"]));
        assert_eq!(entry.added_to, Some(Origin::Env("A".into())));
    }

    #[test]
    fn an_older_spelling_sets_the_key_it_meant() {
        let mut layers = Layers::defaults();
        layers.set("persistence.queue_max_size", &json!(500), Origin::Env("A".into()));
        assert_eq!(layers.value("persistence.queue_max_items"), Some(&json!(500)));
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        let shown = |text: &str| public(&json!(text));
        assert_eq!(shown("http://me:secret@corp:3128"), json!("http://me:…@corp:3128"));
        assert_eq!(shown("me:secret@corp:3128"), json!("me:…@corp:3128"));
        assert_eq!(shown("http://corp:3128"), json!("http://corp:3128"));
    }

    #[test]
    fn an_unknown_key_is_a_problem_with_a_suggestion() {
        let mut layers = Layers::defaults();
        layers.set("proxy.prot", &json!(1), Origin::Env("X".into()));
        layers.set("proxy.teapot.kind", &json!(1), Origin::Env("X".into()));
        let said: Vec<String> = layers.problems().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        environment X: `proxy.prot`: unknown key; did you mean `proxy.port`?
        environment X: `proxy.teapot.kind`: unknown key; `proxy` takes allow_remote, client_certificates, host, insecure_hosts, intercept, limits, max_connections, no_proxy, port, reverse, tls, upstream_ca, upstream_proxy
        ");
    }
}
