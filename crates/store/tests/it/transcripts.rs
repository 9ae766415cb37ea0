//! What agents wrote of their sessions: how long it is kept, and what is left of what is removed.

use langley_model::{LineFacts, LineRole, Micros, Redacted, TranscriptLine};
use langley_store::{ConversationFilter, Retention, TranscriptBatch, TranscriptPlace};

use crate::given::{Fixture, leaf, redactor, spoil};

const DAY: i64 = 86_400_000_000;
const NOW: Micros = Micros(100 * DAY);

/// Lines of a session, one a day from `first` on.
fn batch(session: &str, first: i64, count: i64) -> Redacted<TranscriptBatch> {
    batch_of(None, session, first, count)
}

/// The same, of a transcript that is known.
fn batch_of(
    transcript: Option<i64>,
    session: &str,
    first: i64,
    count: i64,
) -> Redacted<TranscriptBatch> {
    let redactor = redactor();
    let lines = (0..count).map(|number| {
        let content = redactor.body(format!("{session} {number}").into_bytes());
        TranscriptLine {
            number: number.cast_unsigned() + 1,
            len: content.as_bytes().len() as u64,
            digest: number.cast_unsigned(),
            facts: LineFacts {
                role: LineRole::Prompt,
                session: Some(session.to_owned()),
                at: Some(Micros((first + number) * DAY)),
                ..LineFacts::default()
            },
            content,
            ..TranscriptLine::default()
        }
    });
    let mut path_key = [0; 16];
    path_key[..session.len()].copy_from_slice(session.as_bytes());
    let place = TranscriptPlace {
        agent: String::from("codex"),
        path: format!("/{session}"),
        path_key,
        offset: 1,
        ..TranscriptPlace::default()
    };
    let lines = lines.collect();
    let batch = TranscriptBatch { transcript, place, lines, ..TranscriptBatch::default() };
    redactor.seal(batch)
}

fn sessions(fixture: &Fixture) -> Vec<String> {
    let page = fixture.store.conversations(&ConversationFilter::default(), None, 500).unwrap();
    page.items.into_iter().map(|it| it.session).collect()
}

#[test]
fn conversations_are_kept_for_ever_unless_somebody_says_for_how_long() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let old = store.import(batch("old", 1, 500), NOW).unwrap().transcript;
    store.import(batch("grown", 1, 90), NOW).unwrap();
    store.import(batch("new", 95, 3), NOW).unwrap();
    store.maintain(&Retention::default(), NOW).unwrap();
    assert_eq!(store.transcript_totals().unwrap().records, 593);
    // The newest line counts: day 500, 90 and 97.
    let keep = Retention { transcripts_days: 30, ..Retention::default() };
    store.maintain(&keep, Micros(540 * DAY)).unwrap();
    assert_eq!(sessions(&fixture), Vec::<String>::new());
    let totals = store.transcript_totals().unwrap();
    assert_eq!((totals.files, totals.records, totals.bytes), (3, 0, 0), "the files are known");
    // Nothing of them is left anywhere.
    store.texts(|spot, _| assert_ne!(spot.table, "transcript_blocks")).unwrap();
    store.miss_transcripts(vec![old], NOW).unwrap();
    store.maintain(&keep, Micros(540 * DAY)).unwrap();
    assert_eq!(store.transcripts().unwrap().len(), 2, "one that is gone as well is forgotten");
    // Whoever remembers it brings it again.
    let again = store.import(batch_of(Some(old), "old", 1, 2), NOW).unwrap();
    assert_eq!(store.transcript_digests(again.transcript).unwrap().len(), 2);
}

#[test]
fn a_number_that_was_given_is_never_given_again() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let number = |session| store.conversation(session).unwrap().unwrap().number;
    store.import(batch("first", 1, 2), NOW).unwrap();
    let old = store.import(batch("old", 1, 2), NOW).unwrap().transcript;
    let conversation = number("old");
    let keep = Retention { transcripts_days: 30, ..Retention::default() };
    store.miss_transcripts(vec![old], NOW).unwrap();
    store.maintain(&keep, NOW).unwrap();
    assert!(store.transcripts().unwrap().iter().all(|known| known.id != old), "it is forgotten");
    let new = store.import(batch("new", 95, 2), NOW).unwrap().transcript;
    assert!(new > old && number("new") > conversation);
    // Whoever still has the number brings a transcript of its own, and nothing into another one.
    let again = store.import(batch_of(Some(old), "old", 1, 1), NOW).unwrap().transcript;
    assert!(again > new);
    assert_eq!(store.transcript_digests(new).unwrap().len(), 2);
}

#[test]
fn totals_are_told_of_all_files_whose_rows_can_be_read() {
    let fixture = Fixture::new();
    for number in 0..300 {
        fixture.store.import(batch(&format!("s-{number}"), 1, 1), NOW).unwrap();
    }
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    spoil(&path, leaf(&path, "transcripts", 2));
    let fixture = fixture.after_close();
    let totals = fixture.store.transcript_totals().unwrap();
    assert!((10..200).contains(&totals.damaged), "{totals:?}");
    assert_eq!((totals.files + totals.damaged, totals.records), (300, totals.files));
}

#[test]
fn of_several_conversations_those_go_that_are_too_old() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for (session, first) in [("a", 10), ("b", 80), ("c", 20)] {
        store.import(batch(session, first, 5), NOW).unwrap();
    }
    store.maintain(&Retention { transcripts_days: 30, ..Retention::default() }, NOW).unwrap();
    assert_eq!(sessions(&fixture), ["b"]);
    let number = store.conversation("b").unwrap().unwrap().number;
    let ids: Vec<i64> = store.thread(number, 10).unwrap().iter().map(|line| line.id).collect();
    let lines = store.kept_lines(&ids, true).unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.content.clone().unwrap()).collect();
    assert_eq!(texts, (0..5).map(|it| format!("b {it}").into_bytes()).collect::<Vec<_>>());
}

#[test]
fn conversations_are_listed_in_pages_by_their_newest_line_and_by_what_they_are() {
    let fixture = Fixture::new();
    for (session, first) in [("a", 10), ("b", 30), ("c", 20)] {
        fixture.store.import(batch(session, first, 2), NOW).unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let all = ConversationFilter::default();
        let page = fixture.store.conversations(&all, cursor.as_deref(), 1).unwrap();
        seen.extend(page.items.into_iter().map(|it| it.session));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["b", "c", "a"]);
    let since =
        ConversationFilter { since: Some(Micros(21 * DAY)), ..ConversationFilter::default() };
    assert_eq!(fixture.store.conversations(&since, None, 9).unwrap().items.len(), 2);
    let until =
        ConversationFilter { until: Some(Micros(11 * DAY)), ..ConversationFilter::default() };
    assert_eq!(fixture.store.conversations(&until, None, 9).unwrap().items[0].session, "a");
    assert!(fixture.store.conversations(&until, Some("x"), 9).is_err());
}
