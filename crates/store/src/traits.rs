//! What many flows have alike: who asked, by what protocols, how it was attributed and how it stopped. Each
//! such list of words stands once in a table of its own, and a flow's row has its number in their place.
//!
//! A row whose list has no number has the words themselves, as rows of an earlier version do.

use std::borrow::Cow;
use std::sync::Arc;

use langley_model::{Flow, HttpVersion, Mode, Rates, Terms};
use rusqlite::Connection;

use crate::names::Names;

/// The columns, in the order of the list. A later version may append to it.
pub(crate) const COLUMNS: [&str; 15] = [
    "mode",
    "scheme",
    "version_in",
    "version_out",
    "client_process",
    "user_agent",
    "agent",
    "agent_version",
    "session_source",
    "task_source",
    "cost_source",
    "stop_reason",
    "ja4_in",
    "ja4_out",
    "project_source",
];

/// The first so many are never null; where they have a number they are empty.
const NEVER_NULL: usize = 4;

/// The name of a row's list, in a query for flows.
pub(crate) const NAME: &str = "(SELECT name FROM traits WHERE id = flows.traits)";

/// Lists that are given numbers, enough for years of agents that get a new version each day; and bytes of the
/// longest.
const MOST: usize = 32_768;
const LONGEST: usize = 640;

/// The lists that have numbers.
pub(crate) fn names() -> Names {
    Names::of("traits", MOST, LONGEST)
}

/// The words of a flow, one for each column.
pub(crate) type Words<'a> = [Option<Cow<'a, str>>; COLUMNS.len()];

/// The words of `flow`.
pub(crate) fn words(flow: &Flow) -> Words<'_> {
    [
        Some(flow.mode.as_str().into()),
        Some(flow.scheme.as_str().into()),
        Some(flow.version_in.as_str().into()),
        Some(flow.version_out.as_str().into()),
        said(&flow.client_process),
        said(&flow.user_agent),
        said(&flow.agent),
        said(&flow.agent_version),
        flow.session.as_ref().map(|session| session.source.into()),
        flow.task.as_ref().map(|task| task.source.into()),
        priced(flow),
        said(&flow.stop_reason),
        said(&flow.ja4_in),
        said(&flow.ja4_out),
        flow.project.as_ref().map(|project| project.source.into()),
    ]
}

fn said(word: &Option<String>) -> Option<Cow<'_, str>> {
    word.as_deref().map(Cow::Borrowed)
}

/// How a flow came by its cost, in the place of its source: the source, how it was served, the version of the
/// price book and the prices, with a blank between and `-` for none; the source alone where there is no more.
fn priced(flow: &Flow) -> Option<Cow<'_, str>> {
    let Flow { cost_source, service_tier, terms, .. } = flow;
    if service_tier.is_none() && terms.is_none() {
        return cost_source.as_deref().map(Cow::Borrowed);
    }
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let mut text = format!("{} {}", word(cost_source), word(service_tier));
    if let Some(terms) = terms {
        text.push_str(&format!(" {} {}", terms.book, terms.rates.text()));
    }
    Some(Cow::Owned(text))
}

/// Gives a flow what [`priced`] says. Of what cannot be read the source is kept.
fn give_priced(text: Option<&str>, flow: &mut Flow) {
    let word = |word: Option<&str>| word.filter(|word| *word != "-").map(str::to_owned);
    let mut words = text.unwrap_or_default().splitn(4, ' ').filter(|word| !word.is_empty());
    flow.cost_source = word(words.next());
    flow.service_tier = word(words.next());
    flow.terms = match (words.next(), words.next().and_then(Rates::parse)) {
        (Some(book), Some(rates)) => Some(Arc::new(Terms { book: book.to_owned(), rates })),
        _ => None,
    };
}

/// What stands in the columns of a row whose words have a number.
pub(crate) fn blanks() -> Words<'static> {
    std::array::from_fn(|position| (position < NEVER_NULL).then_some(Cow::Borrowed("")))
}

/// The number of the words of `flow`, if they have one or can be given one.
pub(crate) fn number(
    names: &mut Names,
    conn: &Connection,
    flow: &Flow,
) -> rusqlite::Result<Option<i64>> {
    let name = serde_json::to_string(&words(flow)).unwrap_or_default();
    if name.is_empty() { Ok(None) } else { names.number(conn, &name) }
}

/// What is said of a flow whose words have a number, where what that stands for cannot be read.
pub(crate) const LOST: &str = "What this flow has alike with others (mode, protocols, agent and the like) is damaged in the database.";

/// Words as they were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traits([Option<String>; COLUMNS.len()]);

impl Traits {
    /// What a name says.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let list: Vec<Option<String>> = serde_json::from_str(name).ok()?;
        let mut traits = Self::default();
        for (word, said) in traits.0.iter_mut().zip(list) {
            *word = said;
        }
        Some(traits)
    }

    /// What the columns of a row say.
    pub(crate) fn read(
        mut column: impl FnMut() -> rusqlite::Result<Option<String>>,
    ) -> rusqlite::Result<Self> {
        let mut traits = Self::default();
        for word in &mut traits.0 {
            *word = column()?;
        }
        Ok(traits)
    }

    /// Whether these are the blanks of a row whose words have a number: what that stands for was not read.
    pub(crate) fn are_lost(&self) -> bool {
        self.0[0].as_deref() == Some("")
    }

    /// The kind of agent.
    pub(crate) fn agent(&self) -> Option<&str> {
        let [_, _, _, _, _, _, agent, ..] = &self.0;
        agent.as_deref()
    }

    /// Gives them to `flow`; returns where its session, its task and its project were read.
    pub(crate) fn give(self, flow: &mut Flow) -> [Option<String>; 3] {
        let [
            mode,
            scheme,
            version_in,
            version_out,
            client_process,
            user_agent,
            agent,
            agent_version,
            session_source,
            task_source,
            cost_source,
            stop_reason,
            ja4_in,
            ja4_out,
            project_source,
        ] = self.0;
        let version = |word: Option<String>| {
            word.as_deref().and_then(HttpVersion::parse).unwrap_or(HttpVersion::Http11)
        };
        flow.mode = mode.as_deref().and_then(Mode::parse).unwrap_or(Mode::Forward);
        flow.client_process = client_process;
        flow.user_agent = user_agent;
        (flow.agent, flow.agent_version) = (agent, agent_version);
        flow.scheme = scheme.unwrap_or_default();
        (flow.version_in, flow.version_out) = (version(version_in), version(version_out));
        give_priced(cost_source.as_deref(), flow);
        flow.stop_reason = stop_reason;
        (flow.ja4_in, flow.ja4_out) = (ja4_in, ja4_out);
        [session_source, task_source, project_source]
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Micros};

    use super::*;

    #[test]
    fn a_list_that_a_later_version_made_longer_is_read_and_damage_is_none() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        let (mode, stopped) = (Mode::Reverse, Some(String::from("end \"turn\"")));
        (flow.mode, flow.stop_reason) = (mode, stopped);
        flow.cost_source = Some("estimated".to_owned());
        let name = serde_json::to_string(&words(&flow)).unwrap();
        let longer = format!("{},\"more\"]", name.strip_suffix(']').unwrap());
        for name in [name, longer] {
            let mut read = Flow::new(flow.id, flow.connection, Micros(1));
            Traits::parse(&name).unwrap().give(&mut read);
            assert_eq!(words(&read), words(&flow));
        }
        for (source, tier, terms) in [
            (None, None, None),
            (Some("reported"), None, None),
            (None, Some("flex"), None),
            (Some("priced"), None, Some("4 0.2 5 8 20 - 10000")),
            (Some("priced"), Some("standard+us"), Some("4 0.2 5 8 20 - -")),
        ] {
            let (source, tier) = (source.map(str::to_owned), tier.map(str::to_owned));
            (flow.cost_source, flow.service_tier) = (source, tier);
            flow.terms = terms.map(|rates| {
                let rates = Rates::parse(rates).unwrap();
                Arc::new(Terms { book: "2026-11-21+".to_owned(), rates })
            });
            let text = priced(&flow).map(Cow::into_owned);
            let mut read = Flow::new(flow.id, flow.connection, Micros(1));
            give_priced(text.as_deref(), &mut read);
            assert_eq!(
                (&read.cost_source, &read.service_tier, &read.terms),
                (&flow.cost_source, &flow.service_tier, &flow.terms)
            );
        }
        for damaged in ["", "[", "{}", "[1]"] {
            assert_eq!(Traits::parse(damaged), None, "{damaged}");
        }
    }
}
