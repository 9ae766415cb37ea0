//! Searching: what is found, what is not any more, and what the index costs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use langley_model::{Flow, FlowId, Passage, Place, Redacted, Revision, SearchText};
use langley_store::{FlowFilter, IndexEntry, IndexState, SearchQuery, Store, StoreError, Texts};

use crate::given::{Fixture, ended, flow, message, of, redactor, session};
use crate::opening::{SCHEMA_14, SCHEMA_15, without_estimates};

pub(crate) fn text(flow: FlowId, place: Place, text: &str) -> Redacted<SearchText> {
    let passages = vec![Passage::new(place, text.to_owned())];
    redactor().seal(SearchText { flow, whole: false, passages })
}

/// Gives texts back as they were handed to the index.
struct Given;

static GIVEN: LazyLock<Mutex<HashMap<FlowId, Redacted<SearchText>>>> =
    LazyLock::new(Mutex::default);

impl Texts for Given {
    fn text(&self, _: &Store, flow: FlowId, _: bool) -> Result<Redacted<SearchText>, StoreError> {
        let given = GIVEN.lock().unwrap().get(&flow).cloned();
        given.ok_or(StoreError::Decode { what: "text" })
    }
}

/// Indexes texts of flows as they are.
pub(crate) fn index(fixture: &Fixture, texts: impl IntoIterator<Item = Redacted<SearchText>>) {
    fixture.store.read_texts_with(Arc::new(Given));
    let entry = |text: Redacted<SearchText>| {
        GIVEN.lock().unwrap().insert(text.flow, text.clone());
        let flow = fixture.store.flow(text.flow).unwrap();
        IndexEntry { revision: flow.map_or(Revision(0), |flow| flow.revision()), text }
    };
    fixture.store.index(texts.into_iter().map(entry).collect()).unwrap();
}

/// What waits for the index, newest first.
pub(crate) fn waiting(fixture: &Fixture, limit: usize) -> Vec<(FlowId, bool)> {
    let waiting = fixture.store.unindexed(limit).unwrap();
    waiting.iter().map(|next| (next.flow, next.whole)).collect()
}

pub(crate) fn found(fixture: &Fixture, query: &str, place: Option<Place>) -> Vec<FlowId> {
    let query = SearchQuery::parse(query).unwrap();
    let page = fixture.store.search(&query, place, &FlowFilter::default(), None, 200).unwrap();
    page.items.iter().map(|hit| hit.flow.id).collect()
}

/// Ended flows, indexed with these texts.
pub(crate) fn given(texts: &[(Place, &str)]) -> (Fixture, Vec<Flow>) {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (1..=texts.len() as i64).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    let texts = flows.iter().zip(texts).map(|(flow, (place, said))| text(flow.id, *place, said));
    index(&fixture, texts);
    (fixture, flows)
}

#[test]
fn whoever_looks_through_all_texts_is_shown_each_word_of_the_index_once() {
    let said = |at: i64| format!("everywhere alike word{at}");
    let texts: Vec<String> = (0..450).map(said).collect();
    let texts: Vec<_> = texts.iter().map(|text| (Place::Prompt, text.as_str())).collect();
    let (fixture, _) = given(&texts);
    let mut seen: HashMap<String, u32> = HashMap::new();
    let see = |spot: &langley_store::Spot<'_>, text: &[u8]| {
        if spot.table == "search_words" {
            *seen.entry(String::from_utf8_lossy(text).into_owned()).or_default() += 1;
        }
    };
    fixture.store.texts(see).unwrap();
    let times = |word: &str| seen.iter().filter(|(text, _)| text.contains(word)).count();
    assert_eq!((times("everywhere"), times("alike"), times("word")), (1, 1, 450));
    assert!(seen.values().all(|times| *times == 1));
}

#[test]
fn words_of_removed_flows_do_not_stay_in_the_index() {
    // One of so many that the index would not put itself in order for it.
    let mut texts = vec![(Place::Prompt, "remains"); 100];
    texts.push((Place::Prompt, "vanishing"));
    let (fixture, flows) = given(&texts);
    let until = FlowFilter { since: Some(flows[100].started_at), ..FlowFilter::default() };
    assert_eq!(fixture.store.delete_flows(&until).unwrap(), 1);
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let has = |word: &str| {
        let sql = "SELECT 1 FROM search_data WHERE instr(block, CAST(?1 AS BLOB)) > 0";
        conn.prepare(sql).unwrap().exists([word]).unwrap()
    };
    assert_eq!((has("remains"), has("vanishing")), (true, false));
}

#[test]
fn words_phrases_beginnings_and_places_find_the_newest_first() {
    let (fixture, flows) = given(&[
        (Place::Prompt, "please fix the Parser, quickly"),
        (Place::Answer, "the quick parser is fixed"),
        (Place::ToolResult, "src/parser.rs: fn fix_the_lexer()"),
    ]);
    let ids: Vec<_> = flows.iter().map(|flow| flow.id).collect();
    assert_eq!(found(&fixture, "parser", None), [ids[2], ids[1], ids[0]]);
    assert_eq!(found(&fixture, "PARSER the", None), [ids[2], ids[1], ids[0]]);
    assert_eq!(found(&fixture, "\"fix the\"", None), [ids[2], ids[0]]);
    assert_eq!(found(&fixture, "fix_the_lexer", None), [ids[2]]);
    assert_eq!(found(&fixture, "quick", None), [ids[1]]);
    assert_eq!(found(&fixture, "quick*", None), [ids[1], ids[0]]);
    assert_eq!(found(&fixture, "parser", Some(Place::Prompt)), [ids[0]]);
    assert_eq!(found(&fixture, "compiler", None), []);
}

#[test]
fn a_word_is_found_in_the_places_where_it_stands_and_in_no_other() {
    let texts: Vec<_> = Place::ALL.iter().map(|place| (*place, "the parser waits")).collect();
    let (fixture, mut flows) = given(&texts);
    // This one says it in its own row alone.
    let mut stating = ended(100);
    stating.error_message = Some(String::from("no parser"));
    fixture.write(vec![of(&stating)]);
    index(&fixture, [text(stating.id, Place::Prompt, "something else")]);
    for query in ["parser", "PAR*", "waits par*"] {
        for (place, flow) in Place::ALL.into_iter().zip(&flows) {
            assert_eq!(found(&fixture, query, Some(place)), [flow.id], "{query} in {place:?}");
        }
        let said: Vec<_> = flows.iter().rev().map(|flow| flow.id).collect();
        assert_eq!(found(&fixture, query, None), said, "{query}");
    }
    let listed = |q: &str| {
        let filter = FlowFilter { q: Some(q.into()), ..FlowFilter::default() };
        let page = fixture.store.flows(&filter, None, 100).unwrap();
        page.items.iter().map(|flow| flow.id).collect::<Vec<_>>()
    };
    flows.push(stating);
    let all: Vec<_> = flows.iter().rev().map(|flow| flow.id).collect();
    assert_eq!(listed("parser"), all);
    assert_eq!(listed("pars*"), all);
    // Words of a row and of a text are found together, and marks are no words.
    assert_eq!(listed("parser something"), [all[0]]);
    assert_eq!(listed("#parser"), all);
}

#[test]
fn a_beginning_finds_the_same_flows_whether_it_stands_for_few_words_or_for_many() {
    let texts: Vec<String> =
        (0..150).map(|n| format!("alpha{} beta{n}", "x".repeat(n % 5))).collect();
    let texts: Vec<_> = texts.iter().map(|said| (Place::Answer, said.as_str())).collect();
    let (fixture, flows) = given(&texts);
    let newest: Vec<_> = flows.iter().rev().map(|flow| flow.id).collect();
    // `alp*` is five words, `bet*` is 150, and `beta1*` is 61 of them.
    assert_eq!(found(&fixture, "alp*", None), newest);
    assert_eq!(found(&fixture, "bet*", None), newest);
    assert_eq!(found(&fixture, "alp* bet*", Some(Place::Answer)), newest);
    assert_eq!(found(&fixture, "beta1*", None).len(), 61);
    assert_eq!(found(&fixture, "bet*", Some(Place::Prompt)), []);
}

#[test]
fn pages_follow_one_another_and_filters_narrow_them() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (1..=5)
        .map(|at| {
            let mut flow = ended(at);
            flow.session = session(if at % 2 == 0 { "even" } else { "odd" });
            flow
        })
        .collect();
    fixture.write(flows.iter().map(of).collect());
    let texts = flows.iter().map(|flow| text(flow.id, Place::Prompt, "needle"));
    index(&fixture, texts);
    let query = SearchQuery::parse("needle").unwrap();
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let filter = FlowFilter { session: Some("odd".into()), ..FlowFilter::default() };
        let page = fixture.store.search(&query, None, &filter, cursor.as_deref(), 2).unwrap();
        seen.extend(page.items.iter().map(|hit| hit.flow.started_at.0));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 3, 1]);
    let wrong = fixture.store.search(&query, None, &FlowFilter::default(), Some("x"), 2);
    assert!(matches!(wrong, Err(StoreError::Cursor)));
}

#[test]
fn a_listing_is_narrowed_by_what_was_said_as_well_as_by_facts() {
    let (fixture, flows) = given(&[(Place::Prompt, "an aardvark"), (Place::Answer, "a zebra")]);
    let listed = |q: &str| {
        let filter = FlowFilter { q: Some(q.into()), ..FlowFilter::default() };
        let page = fixture.store.flows(&filter, None, 10).unwrap();
        assert_eq!(fixture.store.count_flows(&filter).unwrap(), page.items.len() as u64);
        page.items.iter().map(|flow| flow.id).collect::<Vec<_>>()
    };
    assert_eq!(listed("Aardvark"), [flows[0].id]);
    assert_eq!(listed("api.exam"), [flows[1].id, flows[0].id]);
    assert_eq!(listed("\"an aardvark\""), [flows[0].id]);
    assert_eq!(listed("\"aardvark an\""), []);
    assert_eq!(listed("(\"'"), []);
}

#[test]
fn flows_wait_for_the_index_from_their_end_until_they_are_in_it() {
    let fixture = Fixture::new();
    let mut first = flow(1);
    first.session = session("s");
    let mut second = ended(2);
    second.session = session("s");
    let alone = ended(3);
    fixture.write(vec![of(&first), of(&second), of(&alone)]);
    // The first is open; the second has an earlier one; the third has no session.
    assert_eq!(waiting(&fixture, 10), [(alone.id, false), (second.id, false)]);
    first.outcome = Some(langley_model::Outcome::Completed);
    fixture.write(vec![of(&first)]);
    assert_eq!(waiting(&fixture, 10)[2], (first.id, true));
    let texts = [&first, &second, &alone].map(|flow| text(flow.id, Place::Prompt, "word"));
    index(&fixture, texts);
    assert_eq!(fixture.store.index_state().unwrap().waiting, 0);
    // An answer that comes late is indexed in place of what was known before.
    fixture.write(vec![message(alone.id)]);
    assert_eq!(waiting(&fixture, 10), [(alone.id, false)]);
    index(&fixture, [text(alone.id, Place::Answer, "other")]);
    assert_eq!(found(&fixture, "other", None), [alone.id]);
    assert_eq!(found(&fixture, "word", None), [second.id, first.id]);
}

#[test]
fn a_deleted_flow_is_not_found_any_more() {
    let (fixture, flows) = given(&[(Place::Prompt, "stay here"), (Place::Prompt, "go away here")]);
    let filter = FlowFilter { q: Some("away".into()), ..FlowFilter::default() };
    assert_eq!(fixture.store.delete_flows(&filter).unwrap(), 1);
    assert_eq!(found(&fixture, "here", None), [flows[0].id]);
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let count = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM search_flows"), 1);
    let either = r##"SELECT count(*) FROM search WHERE search MATCH '"$away" OR "$here"'"##;
    assert_eq!(count(either), 1);
    // A flow that is gone before it is indexed leaves nothing.
    index(&fixture, [text(flows[1].id, Place::Prompt, "go away")]);
    assert_eq!(count("SELECT count(*) FROM search_flows"), 1);
}

#[test]
fn an_index_of_an_earlier_form_is_built_anew_in_the_background() {
    let (fixture, flows) = given(&[(Place::Prompt, "one word"), (Place::Answer, "other word")]);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let older = format!("{}{SCHEMA_15}{SCHEMA_14}", without_estimates());
    rusqlite::Connection::open(&path).unwrap().execute_batch(&older).unwrap();
    let fixture = fixture.after_close();
    assert_eq!(found(&fixture, "word", None), []);
    assert_eq!(fixture.store.index_state().unwrap().waiting, 2);
    while fixture.store.note_backlog().unwrap() {}
    assert_eq!(waiting(&fixture, 10).len(), 2);
    index(
        &fixture,
        [
            text(flows[1].id, Place::Answer, "other word"),
            text(flows[0].id, Place::Prompt, "one word"),
        ],
    );
    assert_eq!(waiting(&fixture, 10), []);
    assert_eq!(found(&fixture, "word", None), [flows[1].id, flows[0].id]);
    assert_eq!(found(&fixture, "word", Some(Place::Prompt)), [flows[0].id]);
}

/// Source code is what agents talk about, and it compresses into an index worse than prose does.
#[test]
fn the_index_takes_less_than_a_third_of_the_room_of_the_text() {
    let mut sources = Vec::new();
    for folder in ["src", "src/writer", "src/query", "src/codec", "src/search", "tests/it"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            sources.extend(std::fs::read_to_string(entry.path()));
        }
    }
    let parts: Vec<String> = sources
        .iter()
        .flat_map(|source| source.as_bytes().chunks(3000))
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let fixture = Fixture::new();
    // A flow every few seconds: rows are numbered by time.
    let flows: Vec<Flow> = (1..=parts.len() as i64).map(|n| ended(n * 7_654_321)).collect();
    fixture.write(flows.iter().map(of).collect());
    for (flows, parts) in flows.chunks(8).zip(parts.chunks(8)) {
        let texts = flows.iter().zip(parts).map(|(f, part)| text(f.id, Place::ToolResult, part));
        index(&fixture, texts);
    }
    let raw: usize = parts.iter().map(String::len).sum();
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let sql = "SELECT (SELECT sum(length(block)) FROM search_data)
        + (SELECT sum(length(sz)) + 4 * count(*) FROM search_docsize)
        + (SELECT sum(length(term)) + 8 * count(*) FROM search_idx)";
    let index: i64 = conn.query_row(sql, (), |row| row.get(0)).unwrap();
    let percent = index as usize * 100 / raw;
    println!("index {index} B for {raw} B of text: {percent} %");
    assert!((1..=30).contains(&percent), "{percent} %");
}

#[test]
fn a_flow_that_changed_while_its_text_was_read_goes_on_waiting() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.write(vec![of(&flow)]);
    let read = fixture.store.unindexed(1).unwrap()[0].revision;
    fixture.write(vec![message(flow.id)]);
    let text = text(flow.id, Place::Prompt, "early");
    fixture.store.index(vec![IndexEntry { revision: read, text: text.clone() }]).unwrap();
    assert_eq!(found(&fixture, "early", None), [flow.id]);
    assert_eq!(waiting(&fixture, 10), [(flow.id, false)]);
    index(&fixture, [text]);
    assert_eq!(waiting(&fixture, 10), []);
}

#[test]
fn no_phrase_reaches_from_one_text_into_the_next() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.write(vec![of(&flow)]);
    let passage = |text: &str| Passage::new(Place::Prompt, text.to_owned());
    let passages = vec![passage("one two"), passage("three \u{a7} four")];
    index(&fixture, [redactor().seal(SearchText { flow: flow.id, whole: false, passages })]);
    for (query, is_found) in [
        ("two three", true),
        ("\"one two\"", true),
        ("\"two three\"", false),
        ("\"three four\"", true),
    ] {
        assert_eq!(found(&fixture, query, None).len(), usize::from(is_found), "{query}");
    }
    assert!(matches!(SearchQuery::parse("\u{a7}"), Err(StoreError::Query { .. })));
}

#[test]
fn results_come_in_the_order_of_flows_whenever_they_were_indexed() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (1..=3).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    for which in [2, 0, 1] {
        index(&fixture, [text(flows[which].id, Place::Prompt, "word")]);
    }
    let ids: Vec<_> = flows.iter().rev().map(|flow| flow.id).collect();
    assert_eq!(found(&fixture, "word", None), ids);
}

#[test]
fn of_a_text_that_is_too_long_its_end_is_indexed_and_a_flow_that_is_given_up_is_counted() {
    let fixture = Fixture::new();
    let (long, damaged) = (ended(1), ended(2));
    fixture.write(vec![of(&long), of(&damaged)]);
    let mut passages = vec![Passage::new(Place::Prompt, "beginning".into())];
    let filler = Passage::new(Place::ToolResult, "filler ".repeat(40_000));
    passages.extend(std::iter::repeat_n(filler, 4));
    passages.push(Passage::new(Place::Answer, "ending".into()));
    index(&fixture, [redactor().seal(SearchText { flow: long.id, whole: false, passages })]);
    assert_eq!(found(&fixture, "filler ending", None), [long.id]);
    assert_eq!(found(&fixture, "beginning", None), []);
    fixture.store.leave_unindexed(damaged.id).unwrap();
    assert_eq!(fixture.store.index_state().unwrap(), IndexState { waiting: 0, given_up: 1 });
}

/// Gives texts back, and does something before each.
struct Watched<F>(F);

impl<F: Fn(&Store) + Send + Sync> Texts for Watched<F> {
    fn text(
        &self,
        store: &Store,
        flow: FlowId,
        whole: bool,
    ) -> Result<Redacted<SearchText>, StoreError> {
        self.0(store);
        Given.text(store, flow, whole)
    }
}

/// A page as places in time, and its cursor.
type Places = (Vec<i64>, Option<String>);

/// All pages of a search and those of the list by the same words, as places in time; each page with
/// whether more was to come.
fn pages(fixture: &Fixture, words: &str, limit: usize) -> [Vec<(Vec<i64>, bool)>; 2] {
    let query = SearchQuery::parse(words).unwrap();
    let filter = FlowFilter { q: Some(words.into()), ..FlowFilter::default() };
    let at = |flow: &Flow| flow.started_at.0;
    let searched = |cursor: Option<&str>| {
        let all = FlowFilter::default();
        let page = fixture.store.search(&query, None, &all, cursor, limit).unwrap();
        (page.items.iter().map(|hit| at(&hit.flow)).collect::<Vec<_>>(), page.next_cursor)
    };
    let listed = |cursor: Option<&str>| {
        let page = fixture.store.flows(&filter, cursor, limit).unwrap();
        (page.items.iter().map(|flow| at(flow)).collect::<Vec<_>>(), page.next_cursor)
    };
    let all = |page: &dyn Fn(Option<&str>) -> Places| {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let (items, next) = page(cursor.as_deref());
            pages.push((items, next.is_some()));
            cursor = next;
            if cursor.is_none() {
                return pages;
            }
        }
    };
    [all(&searched), all(&listed)]
}

fn in_a_row(pages: &[(Vec<i64>, bool)]) -> Vec<i64> {
    pages.iter().flat_map(|(items, _)| items.clone()).collect()
}

#[test]
fn a_page_of_words_side_by_side_ends_after_thirty_two_texts_and_goes_on_behind_them() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (1..=400).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    fixture.store.read_texts_with(Arc::new(Watched(move |_: &Store| {
        counted.fetch_add(1, Ordering::Relaxed);
    })));
    // One of a hundred says it; all have the words.
    let said = |flow: &Flow| if flow.started_at.0 % 100 == 1 { "two words" } else { "words, two" };
    index(&fixture, flows.iter().map(|flow| text(flow.id, Place::Prompt, said(flow))));
    let query = SearchQuery::parse("\"two words\"").unwrap();
    let all = FlowFilter::default();
    let page = fixture.store.search(&query, None, &all, None, 3).unwrap();
    assert!(page.items.is_empty() && page.next_cursor.is_some());
    assert_eq!(read.load(Ordering::Relaxed), 32);
    for pages in pages(&fixture, "\"two words\"", 3) {
        assert_eq!(in_a_row(&pages), [301, 201, 101, 1]);
        assert_eq!(pages.len(), 13);
    }
    // A count stops reading, and says that there may be more.
    let filter = FlowFilter { q: Some(String::from("\"two words\"")), ..all.clone() };
    let count = fixture.store.count_some(&filter).unwrap();
    assert!(count.more && count.flows < 4, "{count:?}");
    assert_eq!(fixture.store.count_flows(&filter).unwrap(), 4);
    // Not even by a deletion is anything taken that does not say it.
    assert_eq!(fixture.store.delete_flows(&filter).unwrap(), 4);
    assert_eq!(fixture.store.count_flows(&all).unwrap(), 396);
    let nobody = Store::open_read_only(fixture.store.path()).unwrap();
    let refused = nobody.search(&query, None, &all, None, 3);
    assert!(matches!(refused, Err(StoreError::Query { .. })));
}

#[test]
fn what_facts_give_is_shown_no_further_than_texts_were_looked_into() {
    let fixture = Fixture::new();
    let named = |at: i64| {
        let mut flow = ended(at);
        flow.host = String::from(if at % 70 == 1 { "some.word_pair.test" } else { "host.test" });
        flow
    };
    let flows: Vec<Flow> = (1..=100).map(named).collect();
    fixture.write(flows.iter().map(of).collect());
    let said = |flow: &Flow| if flow.started_at.0 == 20 { "a word_pair" } else { "pair, word" };
    index(&fixture, flows.iter().map(|flow| text(flow.id, Place::Prompt, said(flow))));
    let [_, listed] = pages(&fixture, "word_pair", 10);
    let told = [(vec![71], true), (vec![], true), (vec![20], true), (vec![1], false)];
    assert_eq!(listed, told);
}

#[test]
fn a_flow_that_goes_while_a_page_is_read_ends_no_listing() {
    for which in [0, 1] {
        let fixture = Fixture::new();
        let flows: Vec<Flow> = (1..=6)
            .map(|at| {
                let mut flow = ended(at);
                flow.session = session(&at.to_string());
                flow
            })
            .collect();
        fixture.write(flows.iter().map(of).collect());
        let read = AtomicUsize::new(0);
        fixture.store.read_texts_with(Arc::new(Watched(move |store: &Store| {
            // The newest is found already.
            if read.fetch_add(1, Ordering::Relaxed) % 6 == 1 {
                let newest = FlowFilter { session: Some("6".into()), ..FlowFilter::default() };
                store.delete_flows(&newest).unwrap();
            }
        })));
        index(&fixture, flows.iter().map(|flow| text(flow.id, Place::Prompt, "two words")));
        if which == 1 {
            let filter = FlowFilter { q: Some("\"two words\"".into()), ..FlowFilter::default() };
            let page = fixture.store.flows(&filter, None, 2).unwrap();
            assert!(page.items.len() == 1 && page.next_cursor.is_some());
            let rest = fixture.store.flows(&filter, page.next_cursor.as_deref(), 9).unwrap();
            assert_eq!(rest.items.len(), 4);
            continue;
        }
        let [searched, _] = pages(&fixture, "\"two words\"", 2);
        assert_eq!(in_a_row(&searched), [5, 4, 3, 2, 1]);
    }
}

#[test]
fn damaged_flows_that_have_the_words_of_a_phrase_are_counted_once_however_the_pages_fall() {
    let mut texts = [(Place::Answer, "alpha beta"); 9];
    // A list finds these two by their paths, and they stand between the others.
    (texts[3].1, texts[6].1) = ("another", "another");
    let (fixture, _) = given(&texts);
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    conn.execute("UPDATE flows SET path = '/\"alpha beta\"' WHERE started_at IN (4, 7)", ())
        .unwrap();
    conn.execute("UPDATE flows SET port = 'x' WHERE started_at % 3 = 0", ()).unwrap();
    let (store, phrase) = (&fixture.store, "\"alpha beta\"");
    let query = SearchQuery::parse(phrase).unwrap();
    let all = FlowFilter::default();
    let by_words = FlowFilter { q: Some(phrase.to_owned()), ..all.clone() };
    for limit in [1, 2, 4, 50] {
        let (mut hits, mut listed) = ((0, 0), (0, 0));
        let (mut from, mut cursor) = (None, None);
        loop {
            let page = store.search(&query, None, &all, from.as_deref(), limit).unwrap();
            hits = (hits.0 + page.items.len(), hits.1 + page.damaged);
            from = page.next_cursor;
            if from.is_none() {
                break;
            }
        }
        loop {
            let page = store.flows(&by_words, cursor.as_deref(), limit).unwrap();
            listed = (listed.0 + page.items.len(), listed.1 + page.damaged);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((hits, listed), ((4, 3), (6, 3)), "pages of {limit}");
    }
    assert_eq!(store.counters().damaged_flows, 3);
}
