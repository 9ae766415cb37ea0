//! Searching: what is found, what is not any more, and what the index costs.

use langley_model::{Flow, FlowId, Passage, Place, Redacted, SearchText};
use langley_store::{FlowFilter, SearchQuery, StoreError};

use crate::given::{Fixture, ended, flow, message, of, redactor, session};

fn text(flow: FlowId, place: Place, text: &str) -> Redacted<SearchText> {
    let passages = vec![Passage { place, text: text.to_owned() }];
    redactor().seal(SearchText { flow, whole: false, passages })
}

fn found(fixture: &Fixture, query: &str, place: Option<Place>) -> Vec<FlowId> {
    let query = SearchQuery::parse(query).unwrap();
    let page = fixture.store.search(&query, place, &FlowFilter::default(), None, 10).unwrap();
    page.items.iter().map(|hit| hit.flow.id).collect()
}

/// Ended flows, indexed with these texts.
fn given(texts: &[(Place, &str)]) -> (Fixture, Vec<Flow>) {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (1..=texts.len() as i64).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    let texts = flows.iter().zip(texts).map(|(flow, (place, said))| text(flow.id, *place, said));
    fixture.store.index(texts.collect()).unwrap();
    (fixture, flows)
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
    fixture.store.index(texts.collect()).unwrap();
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
    assert_eq!(fixture.store.unindexed(10).unwrap(), [(second.id, false), (alone.id, false)]);
    first.outcome = Some(langley_model::Outcome::Completed);
    fixture.write(vec![of(&first)]);
    assert_eq!(fixture.store.unindexed(1).unwrap(), [(first.id, true)]);
    let texts = [&first, &second, &alone].map(|flow| text(flow.id, Place::Prompt, "word"));
    fixture.store.index(texts.to_vec()).unwrap();
    assert_eq!(fixture.store.count_unindexed().unwrap(), 0);
    // An answer that comes late is indexed in place of what was known before.
    fixture.write(vec![message(alone.id)]);
    assert_eq!(fixture.store.unindexed(10).unwrap(), [(alone.id, false)]);
    fixture.store.index(vec![text(alone.id, Place::Answer, "other")]).unwrap();
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
    assert_eq!(count("SELECT count(*) FROM search WHERE search MATCH 'away OR here'"), 1);
    // A flow that is gone before it is indexed leaves nothing.
    fixture.store.index(vec![text(flows[1].id, Place::Prompt, "go away")]).unwrap();
    assert_eq!(count("SELECT count(*) FROM search_flows"), 1);
}

/// Source code is what agents talk about, and it compresses into an index worse than prose does.
#[test]
fn the_index_takes_at_most_half_the_room_of_the_text() {
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
    let flows: Vec<Flow> = (1..=parts.len() as i64).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    for (flows, parts) in flows.chunks(8).zip(parts.chunks(8)) {
        let texts = flows.iter().zip(parts).map(|(f, part)| text(f.id, Place::ToolResult, part));
        fixture.store.index(texts.collect()).unwrap();
    }
    let raw: usize = parts.iter().map(String::len).sum();
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let sql = "SELECT (SELECT sum(length(block)) FROM search_data)
        + (SELECT sum(length(sz)) + 4 * count(*) FROM search_docsize)
        + (SELECT sum(length(term)) + 8 * count(*) FROM search_idx)";
    let index: i64 = conn.query_row(sql, (), |row| row.get(0)).unwrap();
    let percent = index as usize * 100 / raw;
    println!("index {index} B for {raw} B of text: {percent} %");
    assert!((1..=50).contains(&percent), "{percent} %");
}
