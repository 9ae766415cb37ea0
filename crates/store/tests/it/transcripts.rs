//! What agents wrote of their sessions: how long it is kept, and what is left of what is removed.

use std::collections::HashSet;

use langley_model::{
    LineFacts, LineRole, MicroUsd, Micros, Redacted, Tokens, ToldResponse, TranscriptLine, Usage,
};
use langley_store::{
    ConversationFilter, ImportedBatch, Retention, Spot, Store, TranscriptBatch, TranscriptPlace,
    TranscriptWriter,
};

use crate::given::{Fixture, ended, leaf, of, options, redactor, session, spoil};

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

/// Brings batches in one transaction.
fn bring<const COUNT: usize>(
    store: &Store,
    batches: [Redacted<TranscriptBatch>; COUNT],
) -> [ImportedBatch; COUNT] {
    let mut writer = TranscriptWriter::new(store.clone());
    writer.bring(Vec::from(batches), NOW).unwrap();
    writer.kept().unwrap().try_into().unwrap()
}

/// Brings one batch.
fn import(store: &Store, batch: Redacted<TranscriptBatch>) -> ImportedBatch {
    let [kept] = bring(store, [batch]);
    kept
}

fn sessions(fixture: &Fixture) -> Vec<String> {
    let page = fixture.store.conversations(&ConversationFilter::default(), None, 500).unwrap();
    page.items.into_iter().map(|it| it.session).collect()
}

#[test]
fn conversations_are_kept_for_ever_unless_somebody_says_for_how_long() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let old = bring(store, [batch("old", 1, 500)])[0].transcript;
    bring(store, [batch("grown", 1, 90)]);
    bring(store, [batch("new", 95, 3)]);
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
    assert_eq!(
        store.transcripts().unwrap().files.len(),
        2,
        "one that is gone as well is forgotten"
    );
    // Whoever remembers it brings it again.
    let [again, more] =
        bring(store, [batch_of(Some(old), "old", 1, 2), batch_of(Some(old), "old", 3, 2)]);
    assert_eq!(again.transcript, more.transcript, "it is one again, however many batches come");
    assert_eq!(store.transcripts().unwrap().files.len(), 3);
}

#[test]
fn batches_of_a_new_file_that_come_together_are_one_transcript() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let [one, other, third] = bring(store, [batch("a", 1, 5), batch("b", 1, 5), batch("a", 6, 5)]);
    assert_eq!(one.transcript, third.transcript);
    assert_ne!(one.transcript, other.transcript);
    let records: Vec<_> = store.transcripts().unwrap().files.iter().map(|it| it.records).collect();
    assert_eq!(records, [10, 5]);
}

#[test]
fn a_number_that_was_given_is_never_given_again() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let number = |session| store.conversation(session).unwrap().unwrap().number;
    import(store, batch("first", 1, 2));
    let old = import(store, batch("old", 1, 2)).transcript;
    let conversation = number("old");
    let keep = Retention { transcripts_days: 30, ..Retention::default() };
    store.miss_transcripts(vec![old], NOW).unwrap();
    store.maintain(&keep, NOW).unwrap();
    assert!(
        store.transcripts().unwrap().files.iter().all(|known| known.id != old),
        "it is forgotten"
    );
    let new = import(store, batch("new", 95, 2)).transcript;
    assert!(new > old && number("new") > conversation);
    // Whoever still has the number brings a transcript of its own, and nothing into another one.
    let again = import(store, batch_of(Some(old), "old", 1, 1)).transcript;
    assert!(again > new);
    assert_eq!(store.transcript_digests(new).unwrap().len(), 2);
}

#[test]
fn files_whose_rows_can_be_read_are_known_and_summed_and_of_the_others_where_they_lay() {
    let fixture = Fixture::new();
    for number in 0..300 {
        import(&fixture.store, batch(&format!("s-{number}"), 1, 1));
    }
    let path = fixture.folder.path().join("langley.db");
    fixture.store.clone().close();
    spoil(&path, leaf(&path, "transcripts", 2));
    let fixture = fixture.after_close();
    let totals = fixture.store.transcript_totals().unwrap();
    assert!((10..200).contains(&totals.damaged), "{totals:?}");
    assert_eq!((totals.files + totals.damaged, totals.records), (300, totals.files));
    let known = fixture.store.transcripts().unwrap();
    let (files, damaged) = (known.files.len() as u64, known.damaged.len() as u64);
    assert_eq!((files, damaged), (totals.files, totals.damaged));
    let paths: HashSet<[u8; 16]> = known.files.iter().map(|it| it.place.path_key).collect();
    assert!(known.damaged.iter().all(|path| path.starts_with(b"s-") && !paths.contains(path)));
}

#[test]
fn of_several_conversations_those_go_that_are_too_old() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for (session, first) in [("a", 10), ("b", 80), ("c", 20)] {
        bring(store, [batch(session, first, 5)]);
    }
    store.maintain(&Retention { transcripts_days: 30, ..Retention::default() }, NOW).unwrap();
    assert_eq!(sessions(&fixture), ["b"]);
    let number = store.conversation("b").unwrap().unwrap().number;
    let ids: Vec<i64> = store.thread(number, 10).unwrap().iter().map(|line| line.id).collect();
    let lines = store.kept_lines(&ids, true).unwrap().lines;
    let texts: Vec<_> = lines.iter().map(|line| line.content.clone().unwrap()).collect();
    assert_eq!(texts, (0..5).map(|it| format!("b {it}").into_bytes()).collect::<Vec<_>>());
}

#[test]
fn conversations_are_listed_in_pages_by_their_newest_line_and_by_what_they_are() {
    let fixture = Fixture::new();
    for (session, first) in [("a", 10), ("b", 30), ("c", 20)] {
        bring(&fixture.store, [batch(session, first, 2)]);
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

/// All that is stored of lines, and in how many blocks.
fn blocks(fixture: &Fixture) -> Vec<String> {
    let mut blocks = Vec::new();
    fixture
        .store
        .texts(|spot, text| {
            if spot.table == "transcript_blocks" {
                blocks.push(String::from_utf8_lossy(text).into_owned());
            }
        })
        .unwrap();
    blocks
}

/// What is kept of a session, line by line.
fn said(fixture: &Fixture, session: &str) -> Vec<String> {
    let Some(found) = fixture.store.conversation(session).unwrap() else { return Vec::new() };
    let thread = fixture.store.thread(found.number, 10_000).unwrap();
    let ids: Vec<i64> = thread.iter().map(|line| line.id).collect();
    let lines = fixture.store.kept_lines(&ids, true).unwrap().lines.into_iter();
    lines.map(|line| String::from_utf8(line.content.unwrap()).unwrap()).collect()
}

/// Lines of several sessions in one file, and what they tell of one response each.
fn shared(sessions: &[&str], is_again: bool) -> TranscriptBatch {
    let redactor = redactor();
    let mut batch = TranscriptBatch { is_again, ..TranscriptBatch::default() };
    (batch.place.agent, batch.place.path) = (String::from("codex"), String::from("/shared"));
    for (at, session) in (0_i64..).zip(sessions) {
        let content = redactor.body(format!("{session} said {at}").into_bytes());
        let facts = LineFacts {
            role: LineRole::Answer,
            session: Some((*session).to_owned()),
            at: Some(Micros(at * DAY)),
            message_id: Some(format!("m{at}")),
            ..LineFacts::default()
        };
        let len = content.as_bytes().len() as u64;
        batch.lines.push(TranscriptLine {
            number: at.cast_unsigned() + 1,
            len,
            digest: at.cast_unsigned(),
            facts,
            content,
            ..TranscriptLine::default()
        });
        batch.responses.push(ToldResponse {
            message_id: Some(format!("m{at}")),
            request_id: Some(String::new()),
            session: Some((*session).to_owned()),
            at: Some(Micros(at * DAY)),
            agent_id: None,
            model: None,
            provider: None,
            tier: None,
            usage: Usage::default(),
            cost: None,
        });
    }
    batch
}

/// A line of a session, with its id and the line that it follows.
fn told(role: LineRole, digest: u64, at: i64, ids: (&str, Option<&str>)) -> TranscriptLine {
    TranscriptLine {
        number: digest,
        digest,
        facts: LineFacts {
            role,
            session: Some(String::from("s")),
            at: Some(Micros(at * DAY)),
            uuid: Some(ids.0.to_owned()),
            parent: ids.1.map(str::to_owned),
            ..LineFacts::default()
        },
        content: redactor().body(b"{}".to_vec()),
        ..TranscriptLine::default()
    }
}

#[test]
fn conversations_of_a_folder_are_found_by_its_path_and_by_its_name() {
    let fixture = Fixture::new();
    let mut batch = TranscriptBatch::default();
    batch.lines.push(told(LineRole::Prompt, 1, 1, ("u1", None)));
    batch.lines[0].facts.folder = Some(String::from("/home/dev/shop"));
    import(&fixture.store, redactor().seal(batch));
    for (project, found) in
        [("/home/dev/shop", 1), ("shop", 1), ("op", 0), ("dev", 0), ("/shop", 0), ("SHOP", 0)]
    {
        let project = Some(project.to_owned());
        let filter = ConversationFilter { project: project.clone(), ..Default::default() };
        let page = fixture.store.conversations(&filter, None, 9).unwrap();
        assert_eq!(page.items.len(), found, "{project:?}");
    }
}

#[test]
fn a_line_that_two_files_have_counts_once_and_so_does_a_compaction_with_its_summary() {
    use LineRole::{Compaction, Prompt};
    let fixture = Fixture::new();
    let lines = vec![
        told(Prompt, 1, 1, ("u1", None)),
        told(Prompt, 2, 1, ("u2", Some("u1"))),
        told(Compaction, 3, 2, ("c1", None)),
        told(Compaction, 4, 3, ("c2", Some("c1"))),
        told(Prompt, 5, 4, ("u3", Some("c2"))),
        // A summary alone.
        told(Compaction, 6, 5, ("c3", Some("u3"))),
    ];
    for (path, again) in [("/one", false), ("/copy", false), ("/written-anew", true)] {
        let mut batch = TranscriptBatch { lines: lines.clone(), ..TranscriptBatch::default() };
        (batch.place.agent, batch.place.path) = (String::from("codex"), path.to_owned());
        batch.place.path_key[..4].copy_from_slice(&path.as_bytes()[..4]);
        if again {
            // The same ids in other words.
            batch.lines.iter_mut().for_each(|line| line.digest += 100);
        }
        import(&fixture.store, redactor().seal(batch));
        let conversation = fixture.store.conversation("s").unwrap().unwrap();
        assert_eq!((conversation.prompts, conversation.compactions), (3, 2), "{path}");
    }
    assert_eq!(fixture.store.conversation("s").unwrap().unwrap().records, 18);
}

#[test]
fn of_a_deleted_conversation_nothing_is_left_and_others_in_the_same_block_stay() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    import(store, redactor().seal(shared(&["gone", "stays", "gone"], false)));
    import(store, batch("gone", 1, 450));
    assert_eq!(store.delete_conversation("nobody", NOW).unwrap(), None);
    let deleted = store.delete_conversation("gone", NOW).unwrap().unwrap();
    assert_eq!((deleted.lines, deleted.responses, deleted.damaged), (452, 2, 0));
    assert_eq!(deleted.files, ["/shared", "/gone"]);
    assert_eq!(sessions(&fixture), ["stays"]);
    assert_eq!(blocks(&fixture), ["stays said 1"]);
    assert_eq!(said(&fixture, "stays"), ["stays said 1"]);
    let totals = store.transcript_totals().unwrap();
    assert_eq!((totals.files, totals.records, totals.deleted_conversations), (2, 1, 1));
    assert_eq!(store.conversation_deleted_at("gone").unwrap(), Some(NOW));
    assert_eq!(store.delete_conversation("gone", NOW).unwrap(), None, "it is gone already");
}

#[test]
fn what_is_noted_of_lines_goes_with_them() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut noted = shared(&["gone", "stays", "gone", "gone", "stays"], false);
    for line in &mut noted.lines[..2] {
        (line.facts.is_mended, line.is_cut) = (true, true);
        line.facts.role = LineRole::Unreadable;
    }
    noted.lines[2].is_cut = true;
    let of_file = import(store, redactor().seal(noted)).transcript;
    let told = || {
        let totals = store.transcript_totals().unwrap();
        (totals.records, totals.unreadable, totals.mended, totals.cut)
    };
    assert_eq!(told(), (5, 2, 2, 3));
    store.delete_conversation("gone", NOW).unwrap().unwrap();
    assert_eq!(told(), (2, 1, 1, 1));
    // As an earlier version kept them, which did not know of which line it was.
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    conn.execute("UPDATE transcript_records SET mended = 0, cut = 0", ()).unwrap();
    conn.execute("UPDATE transcripts SET mended = 5 WHERE id = ?1", [of_file]).unwrap();
    store.delete_conversation("stays", NOW).unwrap().unwrap();
    assert_eq!(told(), (0, 0, 0, 0));
}

#[test]
fn a_deleted_conversation_is_left_out_until_somebody_asks_for_it() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    import(store, batch("gone", 1, 2));
    store.delete_conversation("gone", NOW).unwrap().unwrap();
    let mixed = ["gone", "stays", "gone"];
    let kept = import(store, redactor().seal(shared(&mixed, false)));
    assert_eq!((kept.left_out, kept.new_responses), (vec![0, 2], 1));
    let kept = import(store, batch("gone", 1, 2));
    assert_eq!(kept.left_out, [0, 1]);
    assert_eq!(sessions(&fixture), ["stays"]);
    assert_eq!(blocks(&fixture), ["stays said 1"], "nor is it within a block");
    assert_eq!(said(&fixture, "stays"), ["stays said 1"]);
    let totals = store.transcript_totals().unwrap();
    assert_eq!((totals.records, totals.left_out), (1, 4));

    let kept = import(store, redactor().seal(shared(&["gone"], true)));
    assert_eq!((kept.left_out, kept.new_responses), (Vec::new(), 1));
    import(store, batch("gone", 1, 2));
    assert_eq!(said(&fixture, "gone").len(), 3);
    assert_eq!(store.transcript_totals().unwrap().deleted_conversations, 0);
}

#[test]
fn a_response_that_another_conversation_tells_of_too_is_that_ones_when_the_first_is_deleted() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    import(store, redactor().seal(shared(&["first", "first"], false)));
    // One that goes on from it begins with its first line.
    let kept = import(store, redactor().seal(shared(&["second"], false)));
    assert_eq!(kept.new_responses, 0);
    let deleted = store.delete_conversation("first", NOW).unwrap().unwrap();
    assert_eq!((deleted.lines, deleted.responses), (2, 1));
    let told = store.told_responses("second", 10).unwrap();
    let ids: Vec<_> = told.iter().filter_map(|it| it.told.message_id.as_deref()).collect();
    assert_eq!(ids, ["m0"]);
}

#[test]
fn a_star_keeps_a_conversation_of_which_nothing_passed() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    import(store, batch("old", 1, 3));
    assert!(store.star("old", NOW).unwrap().is_some());
    let keep = Retention { transcripts_days: 30, ..Retention::default() };
    store.maintain(&keep, NOW).unwrap();
    assert_eq!(sessions(&fixture), ["old"]);
    store.delete_conversation("old", NOW).unwrap().unwrap();
    assert_eq!(store.stars().unwrap(), []);
}

#[test]
fn lines_that_came_one_by_one_are_folded_together_and_say_what_they_said() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let ids = ["a", "b"].map(|session| import(store, batch(session, 1, 1)).transcript);
    for day in 2..80 {
        for (session, id) in ["a", "b"].into_iter().zip(ids) {
            import(store, batch_of(Some(id), session, day, 1));
        }
    }
    let before = ["a", "b"].map(|session| said(&fixture, session));
    assert_eq!((blocks(&fixture).len(), before[0].len()), (158, 79));
    store.maintain(&Retention::default(), NOW).unwrap();
    assert_eq!(blocks(&fixture).len(), 2, "a block has lines of one file");
    assert_eq!(["a", "b"].map(|session| said(&fixture, session)), before);
    assert_eq!(store.fold_transcripts().unwrap(), 0, "what is folded stays as it is");
}

#[test]
fn what_lines_say_is_told_up_to_a_bound_and_of_one_line_whatever_its_length() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let redactor = redactor();
    let mut batch = shared(&["long"; 4], false);
    for (line, mib) in batch.lines.iter_mut().zip([17, 1, 15, 1]) {
        line.content = redactor.body("x ".repeat(mib << 19).into_bytes());
    }
    import(store, redactor.seal(batch));
    let number = store.conversation("long").unwrap().unwrap().number;
    let ids: Vec<i64> = store.thread(number, 9).unwrap().iter().map(|line| line.id).collect();
    let told = |ids: &[i64]| {
        let kept = store.kept_lines(ids, true).unwrap();
        assert!(kept.lines.iter().all(|line| line.content.is_some()));
        (kept.lines.len(), kept.looked_up)
    };
    assert_eq!(told(&ids), (1, 1));
    assert_eq!(told(&ids[1..]), (2, 2));
    assert_eq!(told(&[0, ids[3]]), (1, 2), "one that is not there is left out");
    assert_eq!(store.kept_lines(&ids, false).unwrap().looked_up, 4);
}

#[test]
fn of_what_is_found_in_transcripts_it_is_known_whose_it_is() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    import(store, batch("early", 1, 3));
    store.delete_conversation("early", NOW).unwrap();
    import(store, batch("before", 1, 3));
    import(store, redactor().seal(shared(&["one", "other"], false)));
    let mut found = Vec::new();
    store
        .texts(|spot, text| {
            let text = String::from_utf8_lossy(text).into_owned();
            for name in ["one said", "other said", "m1", "/shared"] {
                if let Some(offset) = text.find(name) {
                    let (table, column) = (spot.table.to_owned(), spot.column.to_owned());
                    found.push((name, table, column, spot.row, offset));
                }
            }
        })
        .unwrap();
    assert!(found.len() >= 5, "{found:?}");
    // What is removed in between moves no other row.
    store.delete_conversation("before", NOW).unwrap();
    for (name, table, column, row, offset) in &found {
        let spot = Spot { table, column, row: *row, headers: false };
        let sessions = store.sessions_at(&spot, *offset).unwrap();
        let expected: &[&str] = match *name {
            "one said" => &["one"],
            "/shared" => &["one", "other"],
            _ => &["other"],
        };
        assert_eq!(sessions, expected, "{name} in {table}.{column}");
    }
    let elsewhere = Spot { table: "flows", column: "path", row: 1, headers: false };
    assert_eq!(store.sessions_at(&elsewhere, 0).unwrap(), Vec::<String>::new());
}

#[test]
fn a_cost_that_no_number_holds_hides_no_conversation() {
    let fixture = Fixture::new();
    let mut batch = shared(&["a", "a", "b"], false);
    for told in &mut batch.responses[..2] {
        told.cost = Some(MicroUsd(i64::MAX));
    }
    import(&fixture.store, redactor().seal(batch));
    let page = fixture.store.conversations(&ConversationFilter::default(), None, 9).unwrap();
    let costs: Vec<_> = page.items.iter().map(|it| (&*it.session, it.cost)).collect();
    assert_eq!(costs, [("b", None), ("a", Some(MicroUsd(i64::MAX)))]);
    let a = fixture.store.conversation("a").unwrap().unwrap();
    let told = fixture.store.told_by_agents(a.number).unwrap();
    assert_eq!(told[0].cost, Some(MicroUsd(i64::MAX)));
}

#[test]
fn responses_that_an_earlier_version_kept_without_a_requests_id_are_one_by_their_messages() {
    let fixture = Fixture::new();
    let mut batch = shared(&["a", "a", "a", "b"], false);
    for (told, output) in batch.responses.iter_mut().zip([5, 7, 7, 1]) {
        told.usage.output = Some(Tokens(output));
    }
    import(&fixture.store, redactor().seal(batch));
    let path = fixture.folder.path().join("langley.db");
    let Fixture { folder, store, .. } = fixture;
    store.close();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "UPDATE transcript_responses SET request_id = NULL, message_id = 'm0' WHERE output_tokens > 1;
             DELETE FROM schema_version WHERE version > 33; PRAGMA user_version = 33;",
        )
        .unwrap();
    let store = Store::open(options(folder.path()), Box::new(|_| ())).unwrap();
    let told = |session: &str| -> Vec<_> {
        let told = store.told_responses(session, 9).unwrap();
        told.iter().map(|it| (it.told.request_id.clone(), it.told.usage.output)).collect()
    };
    assert_eq!(told("a"), [(Some(String::new()), Some(Tokens(7)))]);
    assert_eq!(told("b").len(), 1);
    // The same line again adds nothing.
    let again = redactor().seal(shared(&["a"], true));
    assert_eq!(import(&store, again).new_responses, 0);
    assert_eq!(told("a").len(), 1);
}

#[test]
fn sessions_are_found_by_how_they_begin_and_those_that_passed_where_they_are_asked_for() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    bring(store, [batch("ab-2", 1, 1), batch("b", 2, 1)]);
    let mut flow = ended(10);
    flow.session = session("ab-1");
    fixture.write(vec![of(&flow)]);
    let found = |has_passed, limit| store.sessions_that_begin("ab", has_passed, limit).unwrap();
    assert_eq!(found(false, 9), ["ab-2"]);
    assert_eq!(found(true, 9), ["ab-1", "ab-2"]);
    assert_eq!(found(true, 1), ["ab-1"]);
}
