//! A page of a conversation's lines, each with its branch and its lane.

use langley_model::{MicroUsd, Micros};
use langley_store::{Conversation, KeptLine, Store, StoreError};

use super::named;
use super::shape::{Placed, Shape, ThreadShapes};
use super::tree::Branch;

/// Lines that are read at once beyond those that were put in order.
const STRETCH: usize = 1_000;

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
    /// The newest line first.
    pub newest_first: bool,
    /// Behind this line in the order that is asked for: its time and number.
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
    /// Which kind of subagent, as its agent calls it; none until [`ConversationThread::read_notes`].
    pub agent_type: Option<String>,
    /// What it was begun for, in a few words; none until then.
    pub description: Option<String>,
    /// How its first line begins: what it was asked.
    pub prompt: Option<String>,
    /// The file of that line.
    pub begun_in: Option<String>,
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
    /// The number of its branch; none of a line beyond those that were put in order.
    pub branch: Option<u32>,
    /// The number of its lane; none where it is not known.
    pub lane: Option<u32>,
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
    /// Lines, in the order that was asked for.
    pub lines: Vec<ShownLine>,
    /// Time and number of the last line, where there are more.
    pub next: Option<(i64, i64)>,
    /// Whether all lines were put in order.
    pub is_whole: bool,
}

/// A page of the conversation of a session; none where no transcript tells of it. Where what the lines say is asked for
/// and is more than a page has room for, it ends before `limit`.
///
/// # Errors
/// A failure of the file.
pub fn conversation_thread(
    store: &Store,
    shapes: &ThreadShapes,
    session: &str,
    query: &ThreadQuery,
) -> Result<Option<ConversationThread>, StoreError> {
    let Some(conversation) = store.conversation(session)? else { return Ok(None) };
    let shape = shapes.of(store, &conversation)?;
    // One more than asked for tells whether there are more.
    let enough = query.limit + 1;
    let mut wanted = Vec::new();
    if query.newest_first {
        if !shape.is_whole {
            beyond_newest(store, &conversation, &shape, query, enough, &mut wanted)?;
        }
        let rest = enough - wanted.len();
        wanted.extend(shape.before(query.after, |it| query.wants(it), rest));
    } else {
        wanted.extend(shape.after(query.after, |it| query.wants(it), enough));
        if !shape.is_whole {
            beyond(store, &conversation, &shape, query, enough, &mut wanted)?;
        }
    }
    let mut is_more = wanted.len() > query.limit;
    wanted.truncate(query.limit);
    let ids: Vec<i64> = wanted.iter().map(|placed| placed.id).collect();
    let kept = store.kept_lines(&ids, query.with_content)?;
    is_more |= kept.looked_up < wanted.len();
    wanted.truncate(kept.looked_up);
    let next = wanted.last().filter(|_| is_more).map(Placed::key);
    let mut places = wanted.iter();
    let shown = kept.lines.into_iter().filter_map(|line| {
        let placed = places.find(|placed| placed.id == line.id)?;
        Some(ShownLine { line, branch: placed.branch, lane: placed.lane })
    });
    let (lines, is_whole) = (shown.collect(), shape.is_whole);
    let (mut lanes, branches) = (shape.lanes(store)?, shape.branches.clone());
    named::name(store, &shape, &mut lanes)?;
    Ok(Some(ConversationThread { conversation, lanes, branches, lines, next, is_whole }))
}

/// Lines beyond those that were put in order, as they are stored.
fn beyond(
    store: &Store,
    conversation: &Conversation,
    shape: &Shape,
    query: &ThreadQuery,
    enough: usize,
    wanted: &mut Vec<Placed>,
) -> Result<(), StoreError> {
    let mut after = query.after.max(shape.last()).unwrap_or((i64::MIN, i64::MIN));
    while wanted.len() < enough {
        let lines = store.thread_after(conversation.number, after, STRETCH)?;
        let is_last = lines.len() < STRETCH;
        for line in lines {
            let placed = shape.beyond(&line);
            after = placed.key();
            if query.wants(&placed) {
                wanted.push(placed);
            }
        }
        if is_last {
            break;
        }
    }
    wanted.truncate(enough);
    Ok(())
}

/// The same, the newest of them first.
fn beyond_newest(
    store: &Store,
    conversation: &Conversation,
    shape: &Shape,
    query: &ThreadQuery,
    enough: usize,
    wanted: &mut Vec<Placed>,
) -> Result<(), StoreError> {
    let mut before = query.after.unwrap_or((i64::MAX, i64::MAX));
    while wanted.len() < enough && shape.last().is_none_or(|last| last < before) {
        let lines = store.thread_before(conversation.number, before, STRETCH)?;
        let is_last = lines.len() < STRETCH;
        for line in lines {
            let placed = shape.beyond(&line);
            before = placed.key();
            if shape.last().is_some_and(|last| before <= last) {
                break;
            }
            if query.wants(&placed) {
                wanted.push(placed);
            }
        }
        if is_last {
            break;
        }
    }
    wanted.truncate(enough);
    Ok(())
}

impl ThreadQuery {
    fn wants(&self, placed: &Placed) -> bool {
        self.branch.is_none_or(|branch| placed.branch == Some(branch))
            && self.lane.is_none_or(|lane| placed.lane == Some(lane))
            && (self.with_notes || !placed.is_note)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use langley_model::{Rates, Redactor, RedactorOptions};
    use langley_store::{RepriceQuery, StoreOptions};
    use tempfile::TempDir;

    use super::*;
    use crate::import::Importer;
    use crate::inference_key::InferenceKey;
    use crate::price::{PriceBook, PriceOverride, reprice};
    use crate::transcripts::user_roots;

    /// A conversation of so many lines, of which each fifth is a note and those of one second come in threes.
    fn told(lines: usize) -> (TempDir, Store) {
        let line = |at: usize| {
            let kind = if at % 5 == 4 { "system" } else { "user" };
            let before = at.checked_sub(1).map_or("null".to_owned(), |it| format!("\"u{it}\""));
            format!(
                r#"{{"type":"{kind}","uuid":"u{at}","parentUuid":{before},"sessionId":"S","timestamp":"2025-08-01T00:{:02}:{:02}Z","message":{{"role":"user","content":"ask {at}"}}}}"#,
                at / 180,
                at / 3 % 60
            ) + "\n"
        };
        imported(&(0..lines).map(line).collect::<String>(), PriceBook::vendored())
    }

    /// What a file of these lines tells.
    fn imported(lines: &str, book: Arc<PriceBook>) -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("S.jsonl"), lines).unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        let mut importer =
            Importer::new(store.clone(), redactor, InferenceKey::default(), book).unwrap();
        importer.look(&user_roots(vec![files]), false, Micros::now()).unwrap();
        while importer.step().unwrap() {}
        (folder, store)
    }

    /// All pages of at most seven lines.
    fn pages(store: &Store, shapes: &ThreadShapes, query: &ThreadQuery) -> Vec<ShownLine> {
        let mut query = ThreadQuery { limit: 7, ..query.clone() };
        let mut shown = Vec::new();
        loop {
            let page = conversation_thread(store, shapes, "S", &query).unwrap().unwrap();
            assert!(page.lines.len() == 7 || page.next.is_none());
            shown.extend(page.lines);
            query.after = page.next;
            if query.after.is_none() {
                return shown;
            }
        }
    }

    #[test]
    fn pages_have_each_line_once_also_those_beyond_what_is_put_in_order() {
        let (_folder, store) = told(70);
        let all = ThreadQuery { with_notes: true, ..ThreadQuery::default() };
        let texts = |shown: &[ShownLine]| -> Vec<String> {
            shown.iter().filter_map(|it| it.line.facts.uuid.clone()).collect()
        };
        let expected: Vec<String> = (0..70).map(|at| format!("u{at}")).collect();
        for most in [1_000, 71, 70, 30, 1] {
            let shapes = ThreadShapes::of_at_most(most);
            let shown = pages(&store, &shapes, &all);
            assert_eq!(texts(&shown), expected, "{most}");
            let placed = shown.iter().filter(|it| it.branch.is_some()).count();
            assert_eq!(placed, most.min(70));
            assert!(shown.iter().all(|it| it.lane == Some(0)), "whose it is, it says itself");
            let said = pages(&store, &shapes, &ThreadQuery::default());
            assert_eq!(said.len(), 56, "without the notes");
            for query in [all.clone(), ThreadQuery::default()] {
                let mut forward = pages(&store, &shapes, &query);
                let backward = pages(&store, &shapes, &ThreadQuery { newest_first: true, ..query });
                forward.reverse();
                assert_eq!(backward, forward, "{most}");
            }
        }
    }

    #[test]
    fn a_shape_is_remembered_until_the_conversation_is_another() {
        let (folder, store) = told(20);
        let shapes = ThreadShapes::default();
        let of = || shapes.of(&store, &store.conversation("S").unwrap().unwrap()).unwrap();
        let first = of();
        assert!(Arc::ptr_eq(&first, &of()));
        let path = folder.path().join("files/S.jsonl");
        let more = fs::read_to_string(&path).unwrap().replace("ask 3", "ask three");
        fs::write(&path, more).unwrap();
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        let mut importer =
            Importer::new(store.clone(), redactor, InferenceKey::default(), PriceBook::vendored())
                .unwrap();
        importer.look(&user_roots(vec![path]), false, Micros::now()).unwrap();
        while importer.step().unwrap() {}
        assert!(!Arc::ptr_eq(&first, &of()));
    }

    #[test]
    fn lanes_tell_what_they_cost_since_they_were_priced_anew() {
        let line = |agent: &str, model: &str| {
            format!(
                r#"{{"type":"assistant","uuid":"{model}","sessionId":"S",{agent}"timestamp":"2025-08-01T00:00:00Z","requestId":"{model}","message":{{"id":"{model}","model":"{model}","content":[],"usage":{{"input_tokens":0,"output_tokens":1000000}}}}}}"#
            ) + "\n"
        };
        let lines = line("", "one") + &line(r#""isSidechain":true,"agentId":"x","#, "two");
        let book = |[one, two]: [&str; 2]| {
            let price = |model, output| {
                let rates = Rates::parse(&format!("1 - - - {output} - -")).unwrap();
                PriceOverride::new(model, None, None, rates).unwrap()
            };
            let own = vec![price("^one$", one), price("^two$", two)];
            Arc::new(PriceBook::vendored().with(own))
        };
        let (_folder, store) = imported(&lines, book(["2", "3"]));
        let shapes = ThreadShapes::default();
        let query = ThreadQuery { limit: 7, ..ThreadQuery::default() };
        let costs = || {
            let thread = conversation_thread(&store, &shapes, "S", &query).unwrap().unwrap();
            let lanes = thread.lanes.iter().map(|lane| (lane.responses, lane.cost));
            lanes.collect::<Vec<_>>()
        };
        let [two, three] = [2_000_000, 3_000_000].map(|cost| (1, Some(MicroUsd(cost))));
        assert_eq!(costs(), [two, three]);
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let all = redactor.seal(RepriceQuery::default());
        // All of it costs what it did.
        reprice(&store, &all, &book(["3", "2"]), false).unwrap();
        assert_eq!(costs(), [three, two]);
    }
}
