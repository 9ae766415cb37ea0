//! The configuration file: YAML read with line numbers, so that a mistake can be pointed at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;

use super::key;
use super::layers::{Layers, Origin};
use super::problem::Problem;

/// The file's name, in the home as in the XDG folder.
pub(crate) const FILE_NAME: &str = "langley.config.yaml";

/// Lays every value of `text` (the content of the file at `path`) over `layers`.
pub(crate) fn lay(layers: &mut Layers, path: &Path, text: &str) {
    let origin = |line| Origin::File { path: path.to_owned(), line };
    if text.trim().is_empty() {
        return;
    }
    let node = match serde_saphyr::from_str::<Spanned<Node>>(text) {
        Ok(node) => node,
        Err(error) => match with_repeated_keys(&error, text) {
            Some(node) => node,
            None => {
                let line = error.location().map_or(0, |location| location.line());
                layers.problem(Problem::source(origin(line), unreadable(&error)));
                return;
            }
        },
    };
    match node.value {
        Node::Map(entries) => walk(layers, &origin, path, "", entries),
        Node::Value(Value::Null) => {}
        Node::Value(_) => layers.problem(Problem::source(
            origin(node.referenced.line()),
            "the file must be a mapping of keys to values",
        )),
    }
}

/// The same text with each key as often as it stands there, where that is all that is wrong: the parser
/// names the second place only, [`walk`] both.
fn with_repeated_keys(error: &serde_saphyr::Error, text: &str) -> Option<Spanned<Node>> {
    if !matches!(error.without_snippet(), serde_saphyr::Error::DuplicateMappingKey { .. }) {
        return None;
    }
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins };
    let node: Spanned<Node> = serde_saphyr::from_str_with_options(text, options).ok()?;
    node.value.repeats_a_key().then_some(node)
}

/// What the parser says, in one line.
fn unreadable(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::DuplicateMappingKey { key, .. } = error.without_snippet() {
        let key = key.as_deref().unwrap_or("?");
        return format!("the key `{key}` stands here for the second time; keep one of the two");
    }
    let sentence = error.without_snippet().to_string();
    format!("not valid YAML: {}", sentence.lines().next().unwrap_or_default())
}

fn walk(
    layers: &mut Layers,
    origin: &dyn Fn(u64) -> Origin,
    file: &Path,
    above: &str,
    entries: Vec<(Spanned<String>, Node)>,
) {
    let mut lines = BTreeMap::new();
    for (name, node) in entries {
        let line = name.referenced.line();
        let path = if above.is_empty() { name.value } else { format!("{above}.{}", name.value) };
        if let Some(first) = lines.get(&path) {
            let sentence = format!("it stands in line {first} already; keep one of the two");
            layers.problem(Problem::value(origin(line), &path, sentence));
            continue;
        }
        lines.insert(path.clone(), line);
        match node {
            Node::Value(Value::Null) if key::find(&path).is_some() || key::is_section(&path) => {}
            Node::Value(value) if key::is_section(&path) => layers.problem(Problem::value(
                origin(line),
                &path,
                format!("`{value}` stands where a section of keys belongs"),
            )),
            Node::Value(value) => {
                let value = beside_the_file(&path, value, file);
                layers.set(&path, &value, origin(line));
            }
            Node::Map(below) if key::is_section(&path) => walk(layers, origin, file, &path, below),
            Node::Map(_) if key::find(&path).is_some() => {
                layers.set(&path, &Value::Object(serde_json::Map::new()), origin(line));
            }
            Node::Map(_) => layers.problem(Problem::unknown(origin(line), &path)),
        }
    }
}

/// A relative path in a file means: beside that file.
fn beside_the_file(path: &str, value: Value, file: &Path) -> Value {
    use super::kind::Kind;
    let is_path = key::find(path)
        .is_some_and(|key| matches!(key.kind, Kind::File | Kind::Folder | Kind::Folders));
    match (value, file.parent()) {
        (Value::String(text), Some(folder)) if is_path && !text.trim().is_empty() => {
            let joined: PathBuf = folder.join(text.trim());
            Value::String(joined.to_str().map_or(text, str::to_owned))
        }
        (Value::Array(items), Some(_)) if is_path => {
            let items = items.into_iter().map(|item| beside_the_file(path, item, file));
            Value::Array(items.collect())
        }
        (value, _) => value,
    }
}

/// A YAML node: sections keep the lines of their keys, leaves are plain values.
enum Node {
    Map(Vec<(Spanned<String>, Node)>),
    Value(Value),
}

impl Node {
    /// The value, of a section without the lines of its keys.
    fn value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Map(entries) => {
                let members = entries.into_iter();
                Value::Object(members.map(|(name, node)| (name.value, node.value())).collect())
            }
        }
    }

    /// Whether a key stands twice in a section that is walked through.
    fn repeats_a_key(&self) -> bool {
        let Self::Map(entries) = self else { return false };
        let mut names = BTreeSet::new();
        entries.iter().any(|(name, below)| !names.insert(&name.value) || below.repeats_a_key())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Value(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Value(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Node>()? {
            items.push(item.value());
        }
        Ok(Node::Value(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<Spanned<String>>()? {
            entries.push((name, map.next_value::<Node>()?));
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Layers {
        let mut layers = Layers::defaults();
        lay(&mut layers, Path::new("/etc/langley.config.yaml"), text);
        layers
    }

    fn said(text: &str) -> String {
        let said: Vec<String> = read(text).problems().iter().map(ToString::to_string).collect();
        said.join("\n")
    }

    #[test]
    fn values_are_read_with_the_line_of_their_key() {
        let layers = read("# mine\nproxy:\n  port: 8080\n  upstream_ca: ca.pem\napi.port: 1\n");
        let entry = layers.entry("proxy.port").unwrap();
        assert_eq!(
            (entry.value.clone(), entry.origin.to_string()),
            (json!(8080), "/etc/langley.config.yaml:3".into())
        );
        assert_eq!(layers.value("proxy.upstream_ca"), Some(&json!("/etc/ca.pem")));
        assert_eq!(layers.value("api.port"), Some(&json!(1)));
    }

    #[test]
    fn every_mistake_is_named_with_file_line_key_and_accepted_values() {
        insta::assert_snapshot!(said(
            "proxy:\n  prot: 1\n  port: 99999\n  intercept: yes\napi:\n  host: []\nteapot: 1\nredaction:\n  bodies:\n    redact_api_keys: perhaps\n  store_raw: maybe\nproxy.tls.provider: boring\n"
        ), @r"
        /etc/langley.config.yaml:2: `proxy.prot`: unknown key; did you mean `proxy.port`?
        /etc/langley.config.yaml:3: `proxy.port`: `99999` is not a port from 0 to 65535
        /etc/langley.config.yaml:4: `proxy.intercept`: `true` stands where a section of keys belongs
        /etc/langley.config.yaml:6: `api.host`: a list is not an IP address or host name
        /etc/langley.config.yaml:7: `teapot`: unknown key; the top level takes analytics, api, budgets, home, maintenance, memory, persistence, pricing, proxy, redaction, retention, tasks, transcripts
        /etc/langley.config.yaml:10: `redaction.bodies.redact_api_keys`: `perhaps` is not true or false
        /etc/langley.config.yaml:11: `redaction.store_raw`: `maybe` is not true or false
        /etc/langley.config.yaml:12: `proxy.tls.provider`: `boring` is not native, mirror or mirror-strict
        ");
    }

    #[test]
    fn broken_yaml_is_named_by_its_line() {
        insta::assert_snapshot!(said("proxy:\n  port: [1\napi: 2\n"), @"/etc/langley.config.yaml:3: not valid YAML: illegal placement of ':' indicator at line 3, column 4");
        insta::assert_snapshot!(said("just words\n"), @"/etc/langley.config.yaml:1: the file must be a mapping of keys to values");
    }

    #[test]
    fn a_key_that_stands_twice_is_named_with_both_lines() {
        insta::assert_snapshot!(said(
            "proxy:\n  port: 1\n  port: 2\napi:\n  port: 3\nproxy:\n  host: localhost\n"
        ), @r"
        /etc/langley.config.yaml:3: `proxy.port`: it stands in line 2 already; keep one of the two
        /etc/langley.config.yaml:6: `proxy`: it stands in line 1 already; keep one of the two
        ");
        insta::assert_snapshot!(said("proxy:\n  no_proxy: [{a: 1, a: 2}]\n"), @"/etc/langley.config.yaml:2: the key `a` stands here for the second time; keep one of the two");
    }

    #[test]
    fn an_empty_section_and_an_empty_file_change_nothing() {
        assert_eq!(said("proxy:\napi:\n  port:\n"), "");
        assert_eq!(said(""), "");
        assert_eq!(said("# only a comment\n"), "");
    }
}
