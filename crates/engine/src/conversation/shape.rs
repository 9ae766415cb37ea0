//! The shape of a conversation: which branch and which lane each line is of. It takes all of the lines to tell, so what
//! was told of late is remembered for the next page.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use langley_model::LineRole;
use langley_store::{Conversation, Store, StoreError, ThreadLine};
use parking_lot::Mutex;

use super::named::Notes;
use super::page::Lane;
use super::tree::{Branch, branches};

/// Lines of a conversation that are put in order; of a longer one, the first.
const LINES_MAX: usize = 200_000;

/// Shapes that are remembered, and lines of all of them: some 16 MB.
const REMEMBERED: usize = 8;
const REMEMBERED_LINES: usize = 400_000;

/// A line's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    at: i64,
    pub(super) id: i64,
    pub(super) branch: Option<u32>,
    pub(super) lane: Option<u32>,
    pub(super) is_note: bool,
}

/// The lines of a conversation in the order of time, each with its place.
#[derive(Debug)]
pub(super) struct Shape {
    /// What is told of the conversation, and its first line: while these are the same, so is the shape.
    of: (Conversation, Option<i64>),
    lines: Vec<Placed>,
    /// Without what responses tell of them, which pricing anew changes.
    lanes: Vec<Lane>,
    pub(super) branches: Vec<Branch>,
    /// Time and number of the last line that was looked at.
    last: Option<(i64, i64)>,
    /// Whether all lines were put in order.
    pub(super) is_whole: bool,
}

/// The shapes that were told of late, and the notes that were read beside subagents' transcripts.
#[derive(Debug)]
pub struct ThreadShapes {
    /// Lines of a conversation that are put in order.
    most: usize,
    known: Mutex<VecDeque<Arc<Shape>>>,
    notes: Notes,
}

impl Default for ThreadShapes {
    fn default() -> Self {
        Self::of_at_most(LINES_MAX)
    }
}

impl ThreadShapes {
    pub(super) fn of_at_most(most: usize) -> Self {
        Self { most, known: Mutex::default(), notes: Notes::default() }
    }

    pub(super) const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The shape of a conversation as it is now.
    pub(super) fn of(
        &self,
        store: &Store,
        conversation: &Conversation,
    ) -> Result<Arc<Shape>, StoreError> {
        let first = store.thread(conversation.number, 1)?.first().map(|line| line.id);
        let of = (conversation.clone(), first);
        if let Some(known) = self.known.lock().iter().find(|shape| shape.of == of) {
            return Ok(Arc::clone(known));
        }
        let shape = Arc::new(Shape::read(store, of, self.most)?);
        let mut shapes = self.known.lock();
        shapes.retain(|known| known.of.0.number != conversation.number);
        shapes.push_front(Arc::clone(&shape));
        let mut lines = 0;
        let fitting = shapes.iter().take(REMEMBERED).take_while(|shape| {
            lines += shape.lines.len();
            lines <= REMEMBERED_LINES
        });
        let fitting = fitting.count();
        shapes.truncate(fitting);
        Ok(shape)
    }
}

impl Placed {
    /// By which lines are in order.
    pub(super) const fn key(&self) -> (i64, i64) {
        (self.at, self.id)
    }
}

impl Shape {
    fn read(
        store: &Store,
        of: (Conversation, Option<i64>),
        most: usize,
    ) -> Result<Self, StoreError> {
        let lines = store.thread(of.0.number, most)?;
        let is_whole = lines.len() < most;
        let last = lines.last().map(|line| (line.at.0, line.id));
        let lines = newest_of_each(lines);
        let (branch, branches) = branches(&lines);
        let (lane, lanes) = lanes(&lines);
        let places = lines.iter().zip(branch.into_iter().zip(lane));
        let lines = places.map(|(line, (branch, lane))| Placed {
            branch: Some(branch),
            lane: Some(lane),
            ..placed(line)
        });
        Ok(Self { of, lines: lines.collect(), lanes, branches, last, is_whole })
    }

    /// The lanes, each with what responses tell of it now.
    pub(super) fn lanes(&self, store: &Store) -> Result<Vec<Lane>, StoreError> {
        let mut lanes = self.lanes.clone();
        for told in store.told_by_agents(self.of.0.number)? {
            // What a subagent without an id used cannot be told from what the session's own did.
            if let Some(lane) = lanes.iter_mut().find(|lane| lane.agent_id == told.agent_id) {
                (lane.responses, lane.cost) = (told.responses, told.cost);
            }
        }
        Ok(lanes)
    }

    /// The first line of each of the first `most` lanes, by their numbers.
    pub(super) fn firsts(&self, most: usize) -> Vec<Option<i64>> {
        let mut firsts = vec![None; most.min(self.lanes.len())];
        for line in &self.lines {
            let lane = line.lane.and_then(|lane| usize::try_from(lane).ok());
            if let Some(first @ None) = lane.and_then(|lane| firsts.get_mut(lane)) {
                *first = Some(line.id);
            }
        }
        firsts
    }

    /// Lines behind `after` that are wanted, at most `limit`.
    pub(super) fn after(
        &self,
        after: Option<(i64, i64)>,
        is_wanted: impl Fn(&Placed) -> bool,
        limit: usize,
    ) -> Vec<Placed> {
        let from = self.lines.partition_point(|line| Some(line.key()) <= after);
        self.lines[from..].iter().filter(|line| is_wanted(line)).take(limit).copied().collect()
    }

    /// Lines before `before` that are wanted, the newest first, at most `limit`.
    pub(super) fn before(
        &self,
        before: Option<(i64, i64)>,
        is_wanted: impl Fn(&Placed) -> bool,
        limit: usize,
    ) -> Vec<Placed> {
        let end = before.map_or(self.lines.len(), |before| {
            self.lines.partition_point(|line| line.key() < before)
        });
        let lines = self.lines[..end].iter().rev();
        lines.filter(|line| is_wanted(line)).take(limit).copied().collect()
    }

    /// The place of a line beyond those that were put in order.
    pub(super) fn beyond(&self, line: &ThreadLine) -> Placed {
        let lane = match (&line.agent_id, line.is_sidechain) {
            (None, true) => None,
            (agent, _) => self.lanes.iter().find(|lane| lane.agent_id == *agent),
        };
        Placed { lane: lane.map(|lane| lane.number), ..placed(line) }
    }

    pub(super) const fn last(&self) -> Option<(i64, i64)> {
        self.last
    }
}

fn placed(line: &ThreadLine) -> Placed {
    let is_note = line.role == LineRole::Note;
    Placed { at: line.at.0, id: line.id, branch: None, lane: None, is_note }
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
    use langley_model::Micros;

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
