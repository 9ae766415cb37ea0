//! A request as a provider's cache reads it: its parts in a model's order, without the marks that say what
//! is to be cached, so that two requests can be compared that mean the same.
//!
//! [`crate::diff`] compares what was sent, byte for byte; this compares what is cached. Agents move
//! `cache_control` to the end of the conversation with every turn, and write a text as a list of one text
//! where they mark it.

use std::collections::HashMap;
use std::fmt;

use langley_model::PieceKind;
use langley_protocol::piece::{Seam, pieces};
use serde_json::Value;

/// Members of a request, beside its parts, that are part of what Anthropic's cache compares:
/// "Prompt caching", *What invalidates the cache*.
const PARAMETERS: [&str; 4] = ["tool_choice", "thinking", "reasoning", "output_config"];

/// The block of the system prompt in which Claude Code tells of itself, new in every request; Anthropic does
/// not count it.
const BILLING: &str = "x-anthropic-billing-header:";

/// A request, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    parts: Vec<Part>,
    /// Parameters, as they are compared.
    parameters: Vec<(&'static str, String)>,
}

/// A part as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    spot: Spot,
    text: String,
}

/// Where in a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spot {
    /// A tool, by its name.
    Tool(String),
    /// A block of the system prompt, counted from 0.
    System(usize),
    /// An entry of the conversation, counted from 0.
    Turn(usize),
    /// A parameter, by its name.
    Parameter(String),
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(name) => write!(f, "tool {name}"),
            Self::System(place) => write!(f, "system[{place}]"),
            Self::Turn(place) => write!(f, "messages[{place}]"),
            Self::Parameter(name) => write!(f, "parameter {name}"),
        }
    }
}

/// What became of the first part that is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is new.
    Added,
    /// It is not there any more.
    Removed,
    /// It says something else.
    Edited,
    /// It stands elsewhere.
    Moved,
}

impl Change {
    /// The word in sentences and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Edited => "changed",
            Self::Moved => "moved",
        }
    }
}

/// Where a request is no longer what the earlier one was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// The first part that is not the same.
    pub spot: Spot,
    /// What became of it.
    pub change: Change,
}

impl Prompt {
    /// Takes a body apart; none when it has no parts.
    #[must_use]
    pub fn read(seams: &[Seam], body: &[u8]) -> Option<Self> {
        let found = pieces(seams, body)?;
        let mut grouped: [Vec<Part>; 3] = Default::default();
        for piece in found {
            let text = std::str::from_utf8(body.get(piece.range)?).ok()?;
            let (group, part) = part(piece.kind, text);
            if !part.text.is_empty() {
                grouped[group].push(part);
            }
        }
        for (place, part) in grouped[1].iter_mut().enumerate() {
            part.spot = Spot::System(place);
        }
        for (place, part) in grouped[2].iter_mut().enumerate() {
            part.spot = Spot::Turn(place);
        }
        let parts = grouped.into_iter().flatten().collect();
        Some(Self { parts, parameters: parameters(body) })
    }

    /// Whether this goes on from `before`, or from something before it: whether they share an entry of the
    /// conversation at the same place. A conversation that was compacted does not, nor does another
    /// subagent's, or a side question.
    #[must_use]
    pub fn goes_on_from(&self, before: &Self) -> bool {
        self.turns().zip(before.turns()).any(|(ours, theirs)| ours.text == theirs.text)
    }

    /// The first place where this is not what `before` was; none when `before` is the beginning of this.
    #[must_use]
    pub fn diverged(&self, before: &Self) -> Option<Diverged> {
        let mut ours = self.parts.iter();
        for theirs in &before.parts {
            match ours.next() {
                Some(part) if part.text == theirs.text && same_group(&part.spot, &theirs.spot) => {}
                part => return Some(self.change(before, theirs, part)),
            }
        }
        // Tools and system prompt stand before the conversation: more of them would have shown above, but
        // where there was no conversation.
        let changed =
            self.parameters.iter().find(|parameter| !before.parameters.contains(parameter));
        let gone = || {
            let ours = |name| self.parameters.iter().any(|(named, _)| *named == name);
            before.parameters.iter().find(|(name, _)| !ours(*name))
        };
        changed.or_else(gone).map(|(name, _)| {
            let spot = Spot::Parameter((*name).to_owned());
            Diverged { spot, change: Change::Edited }
        })
    }

    fn change(&self, before: &Self, theirs: &Part, ours: Option<&Part>) -> Diverged {
        let is_in = |prompt: &Self, part: &Part| match &part.spot {
            Spot::Tool(_) => prompt.parts.iter().any(|other| other.spot == part.spot),
            _ => prompt
                .parts
                .iter()
                .any(|other| other.text == part.text && same_group(&other.spot, &part.spot)),
        };
        let Some(ours) = ours else {
            return Diverged { spot: theirs.spot.clone(), change: Change::Removed };
        };
        let is_same_tool = matches!(&ours.spot, Spot::Tool(_)) && ours.spot == theirs.spot;
        let (spot, change) = if is_same_tool {
            (&ours.spot, Change::Edited)
        } else {
            match (is_in(before, ours), is_in(self, theirs)) {
                (false, true) => (&ours.spot, Change::Added),
                (true, false) => (&theirs.spot, Change::Removed),
                (true, true) => (&ours.spot, Change::Moved),
                (false, false) if same_group(&ours.spot, &theirs.spot) => {
                    (&ours.spot, Change::Edited)
                }
                // The last tool went, or the first came, where the next group begins.
                (false, false) => (&theirs.spot, Change::Removed),
            }
        };
        Diverged { spot: spot.clone(), change }
    }

    /// How many of a thousand bytes of this `before` had as well.
    #[must_use]
    pub fn known_permille(&self, before: &Self) -> u64 {
        let mut theirs: HashMap<&str, usize> = HashMap::new();
        for part in &before.parts {
            *theirs.entry(&part.text).or_default() += 1;
        }
        let (mut all, mut known) = (0_u64, 0_u64);
        for part in &self.parts {
            let bytes = part.text.len() as u64;
            all += bytes;
            if let Some(left) = theirs.get_mut(part.text.as_str()).filter(|left| **left > 0) {
                *left -= 1;
                known += bytes;
            }
        }
        (known * 1_000).checked_div(all).unwrap_or_default()
    }

    /// The tools' names with the length of their definitions.
    pub fn tools(&self) -> impl Iterator<Item = (&str, u64)> {
        self.parts.iter().filter_map(|part| match &part.spot {
            Spot::Tool(name) => Some((name.as_str(), part.text.len() as u64)),
            _ => None,
        })
    }

    /// Length of all parts.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.text.len() as u64).sum()
    }

    /// Entries of the conversation.
    #[must_use]
    pub fn turn_count(&self) -> usize {
        self.turns().count()
    }

    fn turns(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| matches!(part.spot, Spot::Turn(_)))
    }
}

const fn same_group(one: &Spot, other: &Spot) -> bool {
    matches!(
        (one, other),
        (Spot::Tool(_), Spot::Tool(_))
            | (Spot::System(_), Spot::System(_))
            | (Spot::Turn(_), Spot::Turn(_))
            | (Spot::Parameter(_), Spot::Parameter(_))
    )
}

/// A piece as it is compared, and among which it is read. Its place is counted afterwards.
fn part(kind: PieceKind, text: &str) -> (usize, Part) {
    match kind {
        PieceKind::Tools => {
            let name = serde_json::from_str::<Value>(text).ok().and_then(|tool| tool_name(&tool));
            let spot = Spot::Tool(name.unwrap_or_default());
            (0, Part { spot, text: unmarked(text, false) })
        }
        PieceKind::System => {
            let text = if text.contains(BILLING) { String::new() } else { unmarked(text, true) };
            (1, Part { spot: Spot::System(0), text })
        }
        _ => (2, Part { spot: Spot::Turn(0), text: unmarked(text, true) }),
    }
}

/// A tool's name, in whatever dialect.
fn tool_name(tool: &Value) -> Option<String> {
    let names = ["/name", "/function/name", "/toolSpec/name", "/type"];
    names.into_iter().find_map(|path| tool.pointer(path)?.as_str()).map(str::to_owned).or_else(
        || {
            // Gemini's tools are lists of functions.
            let functions =
                tool.get("functionDeclarations").or_else(|| tool.get("function_declarations"))?;
            let names: Vec<&str> =
                functions.as_array()?.iter().filter_map(|one| one.get("name")?.as_str()).collect();
            Some(names.join(", "))
        },
    )
}

/// A piece without marks; with `plainly` also a list of one text as that text. The order of members stays: a
/// cache compares texts.
fn unmarked(text: &str, plainly: bool) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            unmark(&mut value, plainly, true);
            value.to_string()
        }
        Err(_) => text.to_owned(),
    }
}

fn unmark(value: &mut Value, plainly: bool, is_marked_here: bool) {
    match value {
        // What a tool is called with is not looked into: it may hold such members of its own.
        Value::Object(members) if is_marked_here => {
            members.shift_remove("cache_control");
            for (name, value) in members.iter_mut() {
                let is_content = matches!(name.as_str(), "content" | "parts");
                unmark(value, plainly, is_content);
                if plainly && is_content {
                    flatten(value);
                }
            }
        }
        Value::Array(values) if is_marked_here => {
            values.retain(|value| !is_cache_point(value));
            values.iter_mut().for_each(|value| unmark(value, plainly, true));
        }
        _ => {}
    }
}

/// Bedrock marks by a block of its own.
fn is_cache_point(value: &Value) -> bool {
    value.as_object().is_some_and(|block| block.len() == 1 && block.contains_key("cachePoint"))
}

/// `[{"type":"text","text":"hi"}]` and `"hi"` are the same to a model.
fn flatten(value: &mut Value) {
    let Value::Array(blocks) = &*value else { return };
    let [Value::Object(block)] = blocks.as_slice() else { return };
    let is_text = block.get("type").and_then(Value::as_str) == Some("text") && block.len() == 2;
    if let Some(Value::String(text)) = block.get("text").filter(|_| is_text) {
        *value = Value::String(text.clone());
    }
}

fn parameters(body: &[u8]) -> Vec<(&'static str, String)> {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let named = |name: &'static str| Some((name, members.get(name)?.to_string()));
    PARAMETERS.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use langley_protocol::dialect::dialect_for;
    use serde_json::json;

    fn prompt(body: &Value) -> Prompt {
        let (_, dialect) = dialect_for("POST", "any.example", "/v1/messages").unwrap();
        Prompt::read(dialect.seams(), body.to_string().as_bytes()).unwrap()
    }

    fn body() -> Value {
        json!({
            "tools": [{"name": "Read", "input_schema": {}}, {"name": "Bash", "input_schema": {}}],
            "system": [{"type": "text", "text": "be good"}, {"type": "text", "text": "be brief"}],
            "messages": [
                {"role": "user", "content": "first"},
                {"role": "assistant", "content": [{"type": "text", "text": "answer"}]},
                {"role": "user", "content": "second"},
            ],
        })
    }

    fn diverged(before: &Value, now: &Value) -> Option<(String, Change)> {
        let diverged = prompt(now).diverged(&prompt(before))?;
        Some((diverged.spot.to_string(), diverged.change))
    }

    #[test]
    fn marks_that_move_on_and_a_text_that_becomes_a_list_change_nothing() {
        let mark = json!({"type": "ephemeral", "ttl": "1h"});
        let mut before = body();
        before["messages"][2]["content"] =
            json!([{"type": "text", "text": "second", "cache_control": mark}]);
        before["system"][1]["cache_control"] = mark.clone();
        before["tools"][1]["cache_control"] = mark.clone();
        let mut now = body();
        let entries = now["messages"].as_array_mut().unwrap();
        entries.push(json!({"role": "assistant", "content": "well"}));
        entries.push(json!({"role": "user", "content": [
            {"type": "text", "text": "third", "cache_control": mark}]}));
        assert_eq!(diverged(&before, &now), None);
        assert!(prompt(&now).goes_on_from(&prompt(&before)));
        assert!(prompt(&now).known_permille(&prompt(&before)) > 700);
    }

    #[test]
    fn what_an_agent_says_of_itself_for_the_bill_is_no_part_of_the_prompt() {
        let told = |version: &str| {
            let mut body = body();
            let text = format!("x-anthropic-billing-header: cc_version={version};");
            let blocks = body["system"].as_array_mut().unwrap();
            blocks.insert(0, json!({"type": "text", "text": text}));
            body
        };
        assert_eq!(diverged(&told("1"), &told("2")), None);
        assert_eq!(prompt(&told("1")), prompt(&body()));
    }

    #[test]
    fn the_first_part_that_is_not_the_same_is_named() {
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut now = body();
            change(&mut now);
            diverged(&body(), &now).unwrap()
        };
        let tools = |now: &mut Value| now["tools"].as_array_mut().unwrap().clone();
        let named = |spot: &str, change| (spot.to_owned(), change);
        assert_eq!(
            changed(&|now| {
                let mut all = tools(now);
                all.insert(1, json!({"name": "mcp__x__y"}));
                now["tools"] = Value::Array(all);
            }),
            named("tool mcp__x__y", Change::Added)
        );
        assert_eq!(
            changed(&|now| now["tools"].as_array_mut().unwrap().push(json!({"name": "Late"}))),
            named("tool Late", Change::Added)
        );
        assert_eq!(
            changed(&|now| drop(now["tools"].as_array_mut().unwrap().remove(0))),
            named("tool Read", Change::Removed)
        );
        assert_eq!(
            changed(&|now| now["tools"].as_array_mut().unwrap().reverse()),
            named("tool Bash", Change::Moved)
        );
        assert_eq!(
            changed(&|now| now["tools"][1]["input_schema"] = json!({"type": "object"})),
            named("tool Bash", Change::Edited)
        );
        assert_eq!(
            changed(&|now| now["system"][1]["text"] = json!("It is 12:01.")),
            named("system[1]", Change::Edited)
        );
        assert_eq!(
            changed(&|now| now["messages"][1]["content"] = json!("other")),
            named("messages[1]", Change::Edited)
        );
        assert_eq!(
            changed(&|now| drop(now["messages"].as_array_mut().unwrap().pop())),
            named("messages[2]", Change::Removed)
        );
        assert_eq!(
            changed(&|now| now["thinking"] = json!({"type": "enabled", "budget_tokens": 1})),
            named("parameter thinking", Change::Edited)
        );
    }

    #[test]
    fn another_conversation_goes_on_from_nothing() {
        let mut compacted = body();
        compacted["messages"] =
            json!([{"role": "user", "content": "This session is being continued…"}]);
        assert!(!prompt(&compacted).goes_on_from(&prompt(&body())));
        let mut edited = body();
        edited["tools"] = json!([]);
        edited["messages"][0]["content"] = json!("reminded");
        assert!(prompt(&edited).goes_on_from(&prompt(&body())));
    }

    #[test]
    fn tools_are_named_in_every_dialect() {
        for (tool, name) in [
            (json!({"name": "a"}), "a"),
            (json!({"type": "function", "function": {"name": "b"}}), "b"),
            (json!({"toolSpec": {"name": "c"}}), "c"),
            (json!({"functionDeclarations": [{"name": "d"}, {"name": "e"}]}), "d, e"),
            (json!({"type": "web_search"}), "web_search"),
        ] {
            assert_eq!(tool_name(&tool).as_deref(), Some(name), "{tool}");
        }
    }
}
