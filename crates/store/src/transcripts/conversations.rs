//! Conversations: listed, the one with the newest line first, each with what it comes to.

use langley_model::{MicroUsd, Micros};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::count;
use crate::cursor::{cursor as cursor_at, position};
use crate::error::StoreError;
use crate::filter::Condition;
use crate::query::page_limit;
use crate::store::Store;

/// A session as its agent's files tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its number.
    pub number: i64,
    /// The session.
    pub session: String,
    /// The agent.
    pub agent: String,
    /// The folder it began in.
    pub project: Option<String>,
    /// The branch of the repository there, as it was last.
    pub branch: Option<String>,
    /// The model of its newest answer.
    pub model: Option<String>,
    /// How the first prompt of a person begins.
    pub prompt: Option<String>,
    /// When its first line was written.
    pub first_at: Micros,
    /// When its newest line was written.
    pub last_at: Micros,
    /// Lines.
    pub records: u64,
    /// Prompts of a person.
    pub prompts: u64,
    /// Times it was compacted.
    pub compactions: u64,
    /// Responses of a provider.
    pub responses: u64,
    /// What those cost whose price is known; none where there are none.
    pub cost: Option<MicroUsd>,
    /// Responses whose cost is not known.
    pub unpriced: u64,
}

/// Which conversations; every member that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// Of this agent.
    pub agent: Option<String>,
    /// In this folder, or in one that is called so.
    pub project: Option<String>,
    /// A response of it is of this model.
    pub model: Option<String>,
    /// A part of its first prompt, in any case of ASCII letters.
    pub q: Option<String>,
    /// With a line at this time or later.
    pub since: Option<Micros>,
    /// Begun before this time.
    pub until: Option<Micros>,
}

/// Some conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationPage {
    /// The one with the newest line first.
    pub items: Vec<Conversation>,
    /// Continues after the last one; none at the end.
    pub next_cursor: Option<String>,
}

/// Costs are added up by `total`: `sum` fails where it overflows, and one line may tell of any number of tokens.
const COLUMNS: &str =
    "id, session, agent, project, branch, model, prompt, first_at, last_at, records, prompts,
    compactions,
    (SELECT count(*) FROM transcript_responses WHERE conversation = conversations.id),
    (SELECT CASE WHEN count(cost_micro_usd) > 0 THEN CAST(total(cost_micro_usd) AS INTEGER) END
     FROM transcript_responses WHERE conversation = conversations.id),
    (SELECT count(*) FROM transcript_responses
     WHERE conversation = conversations.id AND cost_micro_usd IS NULL)";

impl Store {
    /// Conversations that `filter` names, the one with the newest line first: at most `limit` (1 to 500), after
    /// `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn conversations(
        &self,
        filter: &ConversationFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError> {
        let (limit, asked) = page_limit(limit);
        let mut condition = filter.condition();
        if let Some([last_at, id]) = cursor.map(position).transpose()? {
            condition.and("(last_at, id) < (?, ?)", [last_at.into(), id.into()]);
        }
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT {COLUMNS} FROM conversations{} ORDER BY last_at DESC, id DESC LIMIT {asked}",
                condition.sql()
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(&condition.parameters), read)?;
            let mut items = rows.collect::<Result<Vec<_>, _>>()?;
            let is_more = items.len() > limit;
            items.truncate(limit);
            let next_cursor = items.last().filter(|_| is_more);
            let next_cursor = next_cursor.map(|it| cursor_at([it.last_at.0, it.number]));
            Ok(ConversationPage { items, next_cursor })
        })
    }

    /// The conversation of a session; none where no transcript tells of it. Where several agents have a session of
    /// that id, that with the newest line.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn conversation(&self, session: &str) -> Result<Option<Conversation>, StoreError> {
        self.readers().read(|conn| Ok(of_session(conn, session)?))
    }

    /// Sessions of conversations whose ids begin so, and those of flows where `has_passed` asks for them, in the order of
    /// the ids; at most `limit`.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn sessions_that_begin(
        &self,
        beginning: &str,
        has_passed: bool,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.readers().read(|conn| {
            let mut found = conn.prepare_cached(
                "SELECT session FROM conversations WHERE substr(session, 1, length(?1)) = ?1
                 UNION SELECT session_id FROM sessions
                 WHERE ?2 AND substr(session_id, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ?3",
            )?;
            let rows = found.query_map((beginning, has_passed, limit), |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn of_session(conn: &Connection, session: &str) -> rusqlite::Result<Option<Conversation>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversations WHERE session = ?1 ORDER BY last_at DESC LIMIT 1"
    );
    conn.prepare_cached(&sql)?.query_row([session], read).optional()
}

impl ConversationFilter {
    fn condition(&self) -> Condition {
        let mut it = Condition::default();
        let mut equals = |sql: &str, value: &Option<String>| {
            if let Some(value) = value {
                it.and(sql, [value.clone().into()]);
            }
        };
        equals("agent = ?", &self.agent);
        equals(
            "EXISTS (SELECT 1 FROM transcript_responses
                 WHERE conversation = conversations.id AND transcript_responses.model = ?)",
            &self.model,
        );
        equals("instr(lower(prompt), lower(?)) > 0", &self.q);
        if let Some(project) = &self.project {
            let called = format!("/{project}");
            it.and(
                "(project = ? OR substr(project, -length(?)) = ?)",
                [project.clone().into(), called.clone().into(), called.into()],
            );
        }
        if let Some(since) = self.since {
            it.and("last_at >= ?", [since.0.into()]);
        }
        if let Some(until) = self.until {
            it.and("first_at < ?", [until.0.into()]);
        }
        it
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation {
        number: row.get(0)?,
        session: row.get(1)?,
        agent: row.get(2)?,
        project: row.get(3)?,
        branch: row.get(4)?,
        model: row.get(5)?,
        prompt: row.get(6)?,
        first_at: Micros(row.get(7)?),
        last_at: Micros(row.get(8)?),
        records: count(row, 9)?,
        prompts: count(row, 10)?,
        compactions: count(row, 11)?,
        responses: count(row, 12)?,
        cost: row.get::<_, Option<i64>>(13)?.map(MicroUsd),
        unpriced: count(row, 14)?,
    })
}
