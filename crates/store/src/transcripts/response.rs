//! Responses that transcripts tell of: each once, however many lines and files have it.

use std::collections::HashMap;

use langley_model::{MicroUsd, Micros, Provider, Tokens, ToldResponse, Usage};
use rusqlite::{Connection, OptionalExtension, Row};

use super::count;
use crate::error::StoreError;
use crate::flow_row::signed;
use crate::store::Store;

/// A response as transcripts tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptResponse {
    /// Its number.
    pub id: i64,
    /// What they tell.
    pub told: ToldResponse,
    /// Whether it passed, and its flow was removed since.
    pub is_flow_removed: bool,
}

/// What the responses of an agent come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldByAgent {
    /// The subagent; none for the session's own, and for one that has no id.
    pub agent_id: Option<String>,
    /// Responses.
    pub responses: u64,
    /// What those cost whose price is known; none where there are none.
    pub cost: Option<MicroUsd>,
}

pub(super) const COLUMNS: &str =
    "transcript_responses.id, message_id, request_id, session, agent_id, at,
    transcript_responses.model, input_tokens, cache_read_tokens, cache_write_5m_tokens,
    cache_write_1h_tokens, output_tokens, reasoning_tokens, web_search_requests, cost_micro_usd,
    provider, tier, flow_removed";

/// Keeps what a line tells of a response; whether no line has told of it before. Of lines that tell of the same one,
/// that with the greatest output counts, and of equal ones the first that came.
pub(super) fn keep(
    change: &Connection,
    conversation: i64,
    told: &ToldResponse,
    at: i64,
) -> rusqlite::Result<bool> {
    let Usage {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        web_search_requests,
    } = told.usage;
    let tokens = |tokens: Option<Tokens>| tokens.map(|tokens| signed(tokens.0));
    if told.message_id.is_none() || told.request_id.is_none() {
        // It comes again when its file is read anew; nothing but what it says tells it from others then.
        let is_same = change
            .prepare_cached(
                "SELECT 1 FROM transcript_responses WHERE conversation = ?1 AND at = ?2
                     AND agent_id IS ?3 AND message_id IS ?4 AND request_id IS ?5 AND model IS ?6
                     AND input_tokens IS ?7 AND cache_read_tokens IS ?8 AND output_tokens IS ?9",
            )?
            .exists(rusqlite::params![
                conversation,
                told.at.map_or(at, |at| at.0),
                told.agent_id,
                told.message_id,
                told.request_id,
                told.model,
                tokens(input),
                tokens(cache_read),
                tokens(output),
            ])?;
        if is_same {
            return Ok(false);
        }
    }
    let is_known = change
        .prepare_cached(
            "SELECT 1 FROM transcript_responses WHERE message_id = ?1 AND request_id = ?2",
        )?
        .exists((&told.message_id, &told.request_id))?;
    change
        .prepare_cached(
            "INSERT INTO transcript_responses (conversation, agent_id, message_id, request_id, at, model,
                 input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
                 output_tokens, reasoning_tokens, web_search_requests, cost_micro_usd, provider, tier)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             ON CONFLICT (message_id, request_id) DO UPDATE SET
                 at = ?5, model = ?6, input_tokens = ?7, cache_read_tokens = ?8,
                 cache_write_5m_tokens = ?9, cache_write_1h_tokens = ?10, output_tokens = ?11,
                 reasoning_tokens = ?12, web_search_requests = ?13, cost_micro_usd = ?14,
                 provider = ?15, tier = ?16
             WHERE ifnull(?11, -1) > ifnull(output_tokens, -1)",
        )?
        .execute(rusqlite::params![
            conversation,
            told.agent_id,
            told.message_id,
            told.request_id,
            told.at.map_or(at, |at| at.0),
            told.model,
            tokens(input),
            tokens(cache_read),
            tokens(cache_write_5m),
            tokens(cache_write_1h),
            tokens(output),
            tokens(reasoning),
            web_search_requests.map(signed),
            told.cost.map(|cost| cost.0),
            // Prices are those of a day: one without a time is never priced.
            told.at.and(told.provider).map(Provider::as_str),
            told.tier,
        ])?;
    Ok(!is_known)
}

impl Store {
    /// Responses that the transcripts of a session tell of, in the order of time; at most `limit`.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_responses(
        &self,
        session: &str,
        limit: usize,
    ) -> Result<Vec<KeptResponse>, StoreError> {
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT {COLUMNS} FROM transcript_responses JOIN conversations ON conversations.id = conversation
                 WHERE session = ?1 ORDER BY at, transcript_responses.id LIMIT ?2"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map((session, limit), read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What the responses of a conversation come to, by who asked.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_by_agents(&self, conversation: i64) -> Result<Vec<ToldByAgent>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                // `sum` would fail where it overflows.
                "SELECT agent_id, count(*),
                     CASE WHEN count(cost_micro_usd) > 0 THEN CAST(total(cost_micro_usd) AS INTEGER) END
                 FROM transcript_responses WHERE conversation = ?1 GROUP BY agent_id",
            )?;
            let rows = statement.query_map([conversation], |row| {
                let cost = row.get::<_, Option<i64>>(2)?.map(MicroUsd);
                Ok(ToldByAgent { agent_id: row.get(0)?, responses: count(row, 1)?, cost })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Of the responses with these ids, those that another session's transcript tells of, and which session's.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_elsewhere(
        &self,
        session: &str,
        message_ids: &[&str],
    ) -> Result<HashMap<String, String>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT session FROM transcript_responses JOIN conversations ON conversations.id = conversation
                 WHERE message_id = ?1 AND session <> ?2 LIMIT 1",
            )?;
            let mut elsewhere = HashMap::new();
            for id in message_ids {
                let found = statement.query_row((id, session), |row| row.get(0)).optional()?;
                elsewhere.extend(found.map(|session| ((*id).to_owned(), session)));
            }
            Ok(elsewhere)
        })
    }
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<KeptResponse> {
    let count = |column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
    };
    let tokens = |column| Ok::<_, rusqlite::Error>(count(column)?.map(Tokens));
    Ok(KeptResponse {
        id: row.get(0)?,
        told: ToldResponse {
            message_id: row.get(1)?,
            request_id: row.get(2)?,
            session: row.get(3)?,
            agent_id: row.get(4)?,
            at: Some(Micros(row.get(5)?)),
            model: row.get(6)?,
            usage: Usage {
                input: tokens(7)?,
                cache_read: tokens(8)?,
                cache_write_5m: tokens(9)?,
                cache_write_1h: tokens(10)?,
                output: tokens(11)?,
                reasoning: tokens(12)?,
                web_search_requests: count(13)?,
            },
            cost: row.get::<_, Option<i64>>(14)?.map(MicroUsd),
            provider: row.get::<_, Option<String>>(15)?.as_deref().and_then(Provider::parse),
            tier: row.get(16)?,
        },
        is_flow_removed: row.get(17)?,
    })
}
