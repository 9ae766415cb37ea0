//! The index where a part of it cannot be read: told, and made anew.

use std::collections::BTreeSet;

use langley_model::{Place, Side};
use langley_store::{Damage, FlowFilter, SearchQuery, StoreError, Unseen};

use crate::given::{body, leaf, noise, spoil};
use crate::searching::{found, given, index, text, waiting};
use crate::spoiled::with_spoiled;

#[test]
fn whoever_looks_through_all_texts_is_told_that_the_index_cannot_be_read() {
    let said = |at: i64| (0..40).map(|word| format!("word{} ", at * 40 + word)).collect::<String>();
    let texts: Vec<String> = (0..450).map(said).collect();
    let texts: Vec<_> = texts.iter().map(|text| (Place::Prompt, text.as_str())).collect();
    let fixture = with_spoiled(given(&texts).0, "search_data", 2);
    let mut others = 0;
    let unseen = fixture.store.texts(|spot, _| others += u64::from(spot.table == "flows")).unwrap();
    let index = BTreeSet::from([String::from("search_words")]);
    assert_eq!(unseen, Unseen { tables: index, ..Unseen::default() });
    assert!(others >= 450, "{others}");
}

#[test]
fn an_index_that_cannot_be_read_is_made_anew_from_the_flows() {
    let said = |at: i64| (0..40).map(|word| format!("word{} ", at * 40 + word)).collect::<String>();
    let texts: Vec<String> = (0..450).map(said).collect();
    let texts: Vec<_> = texts.iter().map(|text| (Place::Prompt, text.as_str())).collect();
    let (fixture, flows) = given(&texts);
    let path = fixture.store.path().to_owned();
    // Every part of it, and what tells which row is whose: the index as it was is of no use.
    fixture.store.clone().close();
    for table in ["search_data", "search_idx", "search_docsize", "search_flows"] {
        spoil(&path, leaf(&path, table, 0));
    }
    let fixture = fixture.after_close();
    let word = SearchQuery::parse("word7").unwrap();
    let all = FlowFilter::default();
    assert!(fixture.store.search(&word, None, &all, None, 10).is_err());
    assert!(fixture.store.damage().unwrap().iter().all(Damage::is_of_index));

    fixture.store.empty_index().unwrap();
    fixture.store.rebuild().unwrap();
    let fixture = fixture.after_close();
    assert_eq!(fixture.store.damage().unwrap(), []);
    assert_eq!(found(&fixture, "word7", None), []);
    assert_eq!(fixture.store.index_state().unwrap().waiting, 450);
    while fixture.store.note_backlog().unwrap() {}
    assert_eq!(waiting(&fixture, 1_000).len(), 450);
    index(
        &fixture,
        flows.iter().zip(&texts).map(|(flow, (place, said))| text(flow.id, *place, said)),
    );
    assert_eq!(found(&fixture, "word7", None), [flows[0].id]);
    assert_eq!(fixture.store.delete_flows(&all).unwrap(), 450);
    assert_eq!(found(&fixture, "word7", None), []);
}

#[test]
fn an_index_is_not_emptied_where_the_file_could_not_be_written_anew() {
    let (fixture, flows) = given(&[(Place::Prompt, "here"); 40]);
    let bodies = flows
        .iter()
        .map(|flow| body(flow.id, Side::Client, noise(flow.started_at.0.cast_unsigned())));
    fixture.write(bodies.collect());
    let fixture = with_spoiled(fixture, "blobs", 1);
    assert!(matches!(fixture.store.empty_index(), Err(StoreError::Corrupt { .. })));
    assert_eq!(found(&fixture, "here", None).len(), 40);
}
