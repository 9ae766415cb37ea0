//! A page of a conversation's lines, each with its branch and its lane.

use std::collections::{HashMap, HashSet};

use langley_model::{LineRole, MicroUsd, Micros};
use langley_store::{Conversation, KeptLine, Store, StoreError, ThreadLine};

use super::tree::{Branch, branches};

/// Lines of a conversation that are put in order; of a longer one, the first.
const LINES_MAX: usize = 200_000;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadQuery {
    /// Lines of this branch alone.
    pub branch: Option<u32>,
    /// Lines of this lane alone.
    pub lane: Option<u32>,
    /// Also what the agent noted for itself.
    pub with_notes: bool,
    /// The whole lines, not their beginnings alone.
    pub with_content: bool,
    /// Behind this line: its time and number.
    pub after: Option<(i64, i64)>,
    /// At most so many lines.
    pub limit: usize,
}

/// Who speaks: the session's own agent, or one of its subagents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Its number; 0 is the session's own.
    pub number: u32,
    /// The subagent; none for the session's own, and for one that has no id.
    pub agent_id: Option<String>,
    /// When its first line was written.
    pub first_at: Micros,
    /// When its newest line was written.
    pub last_at: Micros,
    /// Lines.
    pub lines: u64,
    /// Responses of a provider.
    pub responses: u64,
    /// What those cost whose price is known; none where there are none.
    pub cost: Option<MicroUsd>,
}

/// A line with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLine {
    /// The line.
    pub line: KeptLine,
    /// The number of its branch.
    pub branch: u32,
    /// The number of its lane.
    pub lane: u32,
}

/// A page of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationThread {
    /// The conversation.
    pub conversation: Conversation,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// Its branches.
    pub branches: Vec<Branch>,
    /// Lines, in the order of time.
    pub lines: Vec<ShownLine>,
    /// Time and number of the last line, where there are more.
    pub next: Option<(i64, i64)>,
    /// Whether all lines were put in order.
    pub is_whole: bool,
}

/// A page of the conversation of a session; none where no transcript tells of it.
///
/// # Errors
/// A failure of the file.
pub fn conversation_thread(
    store: &Store,
    session: &str,
    query: &ThreadQuery,
) -> Result<Option<ConversationThread>, StoreError> {
    let Some(conversation) = store.conversation(session)? else { return Ok(None) };
    let lines = store.thread(conversation.number, LINES_MAX)?;
    let is_whole = lines.len() < LINES_MAX;
    let lines = newest_of_each(lines);
    let (of, branches) = branches(&lines);
    let (whose, mut lanes) = lanes(&lines);
    for response in store.told_responses(session, LINES_MAX)? {
        let told = response.told;
        // What a subagent without an id used cannot be told from what the session's own did.
        let lane = lanes.iter_mut().find(|lane| lane.agent_id == told.agent_id);
        if let Some(lane) = lane {
            lane.responses += 1;
            if let Some(MicroUsd(cost)) = told.cost {
                lane.cost = Some(MicroUsd(lane.cost.unwrap_or_default().0.saturating_add(cost)));
            }
        }
    }
    let is_wanted = |at: &usize| {
        let line = &lines[*at];
        query.branch.is_none_or(|branch| of[*at] == branch)
            && query.lane.is_none_or(|lane| whose[*at] == lane)
            && (query.with_notes || line.role != LineRole::Note)
            && query.after.is_none_or(|after| (line.at.0, line.id) > after)
    };
    let mut wanted: Vec<usize> = (0..lines.len()).filter(is_wanted).take(query.limit + 1).collect();
    let is_more = wanted.len() > query.limit;
    wanted.truncate(query.limit);
    let next = wanted.last().filter(|_| is_more).map(|at| (lines[*at].at.0, lines[*at].id));
    let ids: Vec<i64> = wanted.iter().map(|at| lines[*at].id).collect();
    let places: HashMap<i64, usize> = ids.iter().copied().zip(wanted).collect();
    let shown = store.kept_lines(&ids, query.with_content)?.into_iter().filter_map(|line| {
        let at = *places.get(&line.id)?;
        Some(ShownLine { line, branch: of[at], lane: whose[at] })
    });
    let lines = shown.collect();
    Ok(Some(ConversationThread { conversation, lanes, branches, lines, next, is_whole }))
}

/// Of lines with the same id, the one that came last: an agent writes a line again when there is more to say.
fn newest_of_each(mut lines: Vec<ThreadLine>) -> Vec<ThreadLine> {
    let mut newest: HashMap<String, i64> = HashMap::new();
    for line in &lines {
        if let Some(uuid) = &line.uuid {
            let known = newest.entry(uuid.clone()).or_insert(line.id);
            *known = (*known).max(line.id);
        }
    }
    lines.retain(|line| line.uuid.as_ref().is_none_or(|uuid| newest.get(uuid) == Some(&line.id)));
    lines
}

/// The lane of each line, and all lanes.
fn lanes(lines: &[ThreadLine]) -> (Vec<u32>, Vec<Lane>) {
    let mut lanes = vec![Lane::default()];
    let mut numbers: HashMap<Option<&str>, u32> = HashMap::new();
    // Of subagents without an id, the lane of each line by the line's id.
    let mut nameless: HashMap<&str, u32> = HashMap::new();
    let ids: HashSet<&str> = lines.iter().filter_map(|line| line.uuid.as_deref()).collect();
    let mut of = Vec::with_capacity(lines.len());
    for line in lines {
        let mut begin = |agent_id: Option<String>| {
            let number = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
            lanes.push(Lane { number, agent_id, ..Lane::default() });
            number
        };
        let number = match (line.agent_id.as_deref(), line.is_sidechain) {
            (None, false) => 0,
            (Some(agent), _) => {
                *numbers.entry(Some(agent)).or_insert_with(|| begin(Some(agent.to_owned())))
            }
            (None, true) => {
                let parent = line.parent.as_deref().filter(|parent| ids.contains(parent));
                let known = parent.and_then(|parent| nameless.get(parent)).copied();
                let number = known.unwrap_or_else(|| begin(None));
                if let Some(uuid) = line.uuid.as_deref() {
                    nameless.insert(uuid, number);
                }
                number
            }
        };
        let lane = &mut lanes[number as usize];
        lane.first_at = if lane.lines == 0 { line.at } else { lane.first_at.min(line.at) };
        lane.last_at = lane.last_at.max(line.at);
        lane.lines += 1;
        of.push(number);
    }
    (of, lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(
        id: i64,
        uuid: &str,
        parent: &str,
        agent: Option<&str>,
        is_sidechain: bool,
    ) -> ThreadLine {
        ThreadLine {
            id,
            at: Micros(id),
            role: LineRole::Prompt,
            uuid: Some(uuid.to_owned()),
            parent: Some(parent.to_owned()),
            agent_id: agent.map(str::to_owned),
            is_sidechain,
            message_id: None,
        }
    }

    #[test]
    fn each_subagent_has_a_lane_also_one_without_an_id() {
        let lines = [
            line(1, "a", "", None, false),
            line(2, "b", "a", Some("x"), true),
            line(3, "c", "gone", None, true),
            line(4, "d", "c", None, true),
            line(5, "e", "gone", None, true),
            line(6, "f", "b", Some("x"), true),
            line(7, "g", "a", None, false),
        ];
        let (of, lanes) = lanes(&lines);
        assert_eq!(of, [0, 1, 2, 2, 3, 1, 0]);
        let told: Vec<_> = lanes.iter().map(|it| (it.agent_id.as_deref(), it.lines)).collect();
        assert_eq!(told, [(None, 2), (Some("x"), 2), (None, 2), (None, 1)]);
    }

    #[test]
    fn a_line_that_is_written_again_is_told_as_it_was_last() {
        let lines = vec![line(1, "a", "", None, false), line(2, "b", "", None, false)];
        let again = [lines.clone(), vec![line(3, "a", "", None, false)]].concat();
        let ids: Vec<i64> = newest_of_each(again).iter().map(|line| line.id).collect();
        assert_eq!(ids, [2, 3]);
    }
}
