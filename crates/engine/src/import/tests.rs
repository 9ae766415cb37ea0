//! Files that are written on, cut, written anew, renamed and removed while they are followed: every line is kept
//! once, and none is lost that was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use langley_model::{LineRole, MicroUsd, Micros, Rates, Redactor, RedactorOptions};
use langley_protocol::transcript::TranscriptFormat;
use langley_store::{ConversationFilter, KeptLine, RepriceQuery, Repriced, Store, StoreOptions};
use proptest::prelude::*;
use tempfile::TempDir;

use super::lines::{CUT_KEPT, LINE_MAX, Lines};
use super::*;
use crate::inference_key::InferenceKey;
use crate::price::{PriceBook, PriceOverride, reprice};
use crate::transcripts::TranscriptRoot;

mod meanwhile;
mod responses;

struct Rig {
    folder: TempDir,
    store: Store,
    importer: Importer,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("projects")).unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let importer = importer(&store);
        Self { folder, store, importer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("projects").join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let path = self.path(name);
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn import(&mut self) -> ImportReport {
        self.import_at(Micros::now())
    }

    fn import_at(&mut self, now: Micros) -> ImportReport {
        let path = self.folder.path().join("projects");
        let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path };
        self.importer.look(&[root], true, now).unwrap();
        while self.importer.step().unwrap() {}
        self.importer.report()
    }

    /// As another process goes on.
    fn restart(&mut self) {
        self.importer = importer(&self.store);
    }

    fn kept(&self) -> Vec<KeptLine> {
        let conversations =
            self.store.conversations(&ConversationFilter::default(), None, 500).unwrap();
        let mut ids = Vec::new();
        for conversation in &conversations.items {
            let thread = self.store.thread(conversation.number, 1_000_000).unwrap();
            ids.extend(thread.iter().map(|line| line.id));
        }
        ids.sort_unstable();
        self.store.kept_lines(&ids, true).unwrap().lines
    }

    /// How often each line is kept.
    fn counts(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for line in self.kept() {
            let text = String::from_utf8(line.content.unwrap()).unwrap();
            *counts.entry(text).or_default() += 1;
        }
        counts
    }
}

fn importer(store: &Store) -> Importer {
    let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
    Importer::new(store.clone(), redactor, InferenceKey::default(), PriceBook::vendored()).unwrap()
}

/// A line that is like no other.
fn line(number: u32) -> String {
    format!(
        r#"{{"type":"user","uuid":"u{number}","sessionId":"S","timestamp":"2025-08-01T00:00:00Z","message":{{"role":"user","content":"ask {number}"}}}}"#
    )
}

fn text(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().map(|number| line(number) + "\n").collect()
}

fn once(numbers: impl IntoIterator<Item = u32>) -> BTreeMap<String, u32> {
    numbers.into_iter().map(|number| (line(number), 1)).collect()
}

#[test]
fn every_line_is_kept_once_whatever_becomes_of_the_file() {
    let mut rig = Rig::new();
    rig.append("a.jsonl", &text(0..5));
    let report = rig.import();
    assert_eq!((report.new_files, report.lines), (1, 5));
    assert_eq!(rig.import().lines, 0, "nothing is new");

    rig.append("a.jsonl", &text(5..8));
    let report = rig.import();
    assert_eq!((report.grown, report.lines, report.rewritten), (1, 3, 0), "{report:?}");

    // A last line that is being written, and is read once it is whole.
    let torn = line(8);
    let (begun, rest) = torn.split_at(20);
    rig.append("a.jsonl", begun);
    let report = rig.import();
    assert_eq!((report.lines, report.torn), (0, 1));
    rig.restart();
    rig.append("a.jsonl", &format!("{rest}\n"));
    assert_eq!(rig.import().lines, 1);

    // One that is whole and lacks its line feed.
    rig.append("a.jsonl", &line(9));
    assert_eq!(rig.import().lines, 1);
    rig.append("a.jsonl", &format!("\n{}", text([10])));
    assert_eq!(rig.import().lines, 1);
    assert_eq!(rig.kept().last().unwrap().number, 11, "lines are numbered as an editor does");

    // Cut, and written on.
    let file = OpenOptions::new().write(true).open(rig.path("a.jsonl")).unwrap();
    file.set_len((line(0).len() + 1) as u64 * 2).unwrap();
    let report = rig.import();
    assert_eq!((report.rewritten, report.lines), (1, 0));
    rig.append("a.jsonl", &text(11..13));
    assert_eq!(rig.import().lines, 2);

    // Another name, and then written on.
    fs::rename(rig.path("a.jsonl"), rig.path("b.jsonl")).unwrap();
    rig.append("b.jsonl", &text([13]));
    let report = rig.import();
    assert_eq!((report.renamed, report.new_files, report.deleted, report.lines), (1, 0, 0, 1));

    // Written anew in its place, and replaced by another file, each with some of what was there.
    fs::write(rig.path("b.jsonl"), text([3, 14, 5])).unwrap();
    assert_eq!(rig.import().lines, 1);
    fs::write(rig.path("new"), text([14, 15])).unwrap();
    fs::rename(rig.path("new"), rig.path("b.jsonl")).unwrap();
    let report = rig.import();
    assert_eq!((report.rewritten, report.new_files, report.lines), (1, 0, 1));

    // Gone, and what it said is kept.
    rig.restart();
    fs::remove_file(rig.path("b.jsonl")).unwrap();
    assert_eq!(rig.import().deleted, 1);
    assert_eq!(rig.import().deleted, 0, "it is missed once");
    let transcripts = rig.store.transcripts().unwrap().files;
    assert!(transcripts.len() == 1 && transcripts[0].deleted_at.is_some());
    assert_eq!(rig.counts(), once(0..16));

    // There again.
    rig.append("b.jsonl", &text([15, 16]));
    assert_eq!(rig.import().lines, 1);
    assert_eq!(rig.store.transcripts().unwrap().files[0].deleted_at, None);
    assert_eq!(rig.counts(), once(0..17));
}

#[test]
fn a_line_that_stands_twice_in_a_file_is_kept_twice_and_stays_so_when_it_is_read_anew() {
    let mut rig = Rig::new();
    rig.append("a.jsonl", &text([1, 2, 1]));
    rig.import();
    fs::write(rig.path("a.jsonl"), text([1, 1, 1, 2, 3])).unwrap();
    assert_eq!(rig.import().lines, 2);
    assert_eq!(rig.counts(), [(line(1), 3), (line(2), 1), (line(3), 1)].into());
}

#[test]
fn a_file_that_is_copied_elsewhere_and_removed_is_the_same_transcript() {
    let mut rig = Rig::new();
    rig.append("rollout.jsonl", &text(0..3));
    rig.import();
    fs::create_dir(rig.path("archived")).unwrap();
    fs::copy(rig.path("rollout.jsonl"), rig.path("archived/rollout.jsonl")).unwrap();
    fs::remove_file(rig.path("rollout.jsonl")).unwrap();
    let report = rig.import();
    assert_eq!((report.renamed, report.deleted, report.lines), (1, 0, 0));
    assert_eq!(rig.store.transcripts().unwrap().files.len(), 1);
}

#[test]
fn a_copy_that_a_user_names_is_not_taken_for_the_file_that_is_still_there() {
    let mut rig = Rig::new();
    rig.append("a.jsonl", &text(0..3));
    rig.import();
    let backup = rig.folder.path().join("backup");
    fs::create_dir(&backup).unwrap();
    fs::copy(rig.path("a.jsonl"), backup.join("a.jsonl")).unwrap();
    let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path: backup };
    rig.importer.look(&[root], false, Micros::now()).unwrap();
    while rig.importer.step().unwrap() {}
    assert_eq!(rig.importer.report().renamed, 0);
    rig.append("a.jsonl", &text([3]));
    let report = rig.import();
    assert_eq!((report.grown, report.lines, report.deleted), (1, 1, 0));
}

#[test]
fn two_files_that_change_names_stay_what_they_are() {
    let mut rig = Rig::new();
    rig.append("a.jsonl", &text(0..3));
    rig.append("b.jsonl", &text(3..6));
    rig.import();
    fs::rename(rig.path("a.jsonl"), rig.path("c")).unwrap();
    fs::rename(rig.path("b.jsonl"), rig.path("a.jsonl")).unwrap();
    fs::rename(rig.path("c"), rig.path("b.jsonl")).unwrap();
    let report = rig.import();
    assert_eq!((report.renamed, report.rewritten, report.lines), (2, 0, 0), "{report:?}");
    assert_eq!(rig.counts(), once(0..6));
}

#[test]
fn files_beyond_the_folders_that_are_looked_at_are_not_missed() {
    let mut rig = Rig::new();
    rig.append("a.jsonl", &text(0..3));
    rig.import();
    let elsewhere = rig.folder.path().join("elsewhere");
    let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path: elsewhere };
    rig.importer.look(&[root], true, Micros::now()).unwrap();
    assert_eq!(rig.importer.report().deleted, 0);
}

#[test]
fn what_is_no_json_or_no_text_is_kept_as_it_is_and_counted() {
    let mut rig = Rig::new();
    let mut file = File::create(rig.path("a.jsonl")).unwrap();
    file.write_all(b"not json\n{\"type\":\"x\",\"text\":\"caf\xc3\"}\n\n").unwrap();
    file.write_all((line(1) + "\n").as_bytes()).unwrap();
    let report = rig.import();
    assert_eq!((report.lines, report.unreadable, report.mended), (3, 1, 1));
    let kept = rig.kept();
    assert_eq!(kept[0].facts.role, LineRole::Unreadable);
    assert_eq!(kept[0].content.as_deref(), Some(&b"not json"[..]));
    assert_eq!(kept[1].content.as_deref(), Some(&b"{\"type\":\"x\",\"text\":\"caf\xc3\"}"[..]));
    assert_eq!(kept[1].facts.kind, "x", "a kind that nobody knows keeps its name");
    assert_eq!(kept[2].number, 4, "empty lines count, and are not kept");
    let totals = rig.store.transcript_totals().unwrap();
    assert_eq!((totals.files, totals.records, totals.unreadable, totals.mended), (1, 3, 1, 1));
}

#[test]
fn secrets_are_redacted_in_lines_names_and_what_is_remembered() {
    let mut rig = Rig::new();
    let secret = format!("sk-ant-api03-{}", "a1B2c3D4".repeat(12));
    fs::create_dir(rig.path(&secret)).unwrap();
    let meta = format!(
        r#"{{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{{"id":"T","cwd":"/{secret}"}}}}"#
    );
    rig.append(&format!("{secret}/rollout.jsonl"), &format!("{meta}\n"));
    assert_eq!(rig.import().lines, 1);
    let mut seen = 0;
    rig.store
        .texts(|_, text| {
            seen += 1;
            let text = String::from_utf8_lossy(text);
            assert!(!text.contains("a1B2c3D4a1B2"), "{text}");
        })
        .unwrap();
    assert!(seen > 10);
    assert_eq!(
        rig.store.transcripts().unwrap().files[0].place.agent,
        "codex",
        "its first line says so"
    );
    // A folder that cannot be asked for by its name is found missing all the same.
    fs::remove_dir_all(rig.path(&secret)).unwrap();
    assert_eq!(rig.import().deleted, 1);
}

#[test]
fn what_is_redacted_of_lines_makes_none_of_them_new() {
    let mut rig = Rig::new();
    let secret = format!("sk-ant-api03-{}", "a1B2c3D4".repeat(12));
    let said = |numbers: &[u32]| text(numbers.iter().copied()).replace("ask", &secret);
    let importer = |store: &Store, api_keys| {
        let redactor = Redactor::new(RedactorOptions { api_keys, ..RedactorOptions::default() });
        let (key, book) = (InferenceKey::default(), PriceBook::vendored());
        Importer::new(store.clone(), Arc::new(redactor.unwrap()), key, book).unwrap()
    };
    rig.importer = importer(&rig.store, false);
    rig.append("a.jsonl", &said(&[0, 1, 2, 3]));
    assert_eq!(rig.import().lines, 4);
    // Another file of the same lines, and one more in their midst.
    rig.importer = importer(&rig.store, true);
    fs::write(rig.path("b"), said(&[0, 1, 9, 2, 3])).unwrap();
    fs::rename(rig.path("b"), rig.path("a.jsonl")).unwrap();
    let report = rig.import();
    assert_eq!((report.rewritten, report.lines), (1, 1), "{report:?}");
    let kept = rig.kept();
    assert_eq!((kept.len(), kept[4].number), (5, 3));
    assert!(!String::from_utf8_lossy(kept[4].content.as_ref().unwrap()).contains("a1B2c3D4a1B2"));
}

#[test]
fn a_response_counts_once_and_with_its_greatest_output() {
    let mut rig = Rig::new();
    let answer = |uuid: &str, session: &str, output: u32| {
        format!(
            r#"{{"type":"assistant","uuid":"{uuid}","sessionId":"{session}","timestamp":"2025-08-01T00:00:01Z","requestId":"req_1","message":{{"id":"msg_1","model":"claude-opus-4-1-20250805","content":[],"usage":{{"input_tokens":10,"output_tokens":{output}}}}}}}"#
        ) + "\n"
    };
    rig.append("S.jsonl", &(answer("u1", "S", 3) + &answer("u2", "S", 8)));
    assert_eq!(rig.import().responses, 1);
    // A session that goes on from it begins with its lines.
    rig.append("T.jsonl", &(answer("u1", "T", 3) + &answer("u2", "T", 8)));
    assert_eq!(rig.import().responses, 0);
    let told = rig.store.told_responses("S", 10).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].told.usage.output.map(|tokens| tokens.0), Some(8));
    assert_eq!(told[0].told.cost.map(|cost| cost.0), Some(750), "10 at $15, 8 at $75");
    assert_eq!(rig.store.told_responses("T", 10).unwrap(), []);
}

#[test]
fn responses_are_priced_anew_with_the_flows() {
    let mut rig = Rig::new();
    let answer = |id: &str, model: &str| {
        format!(
            r#"{{"type":"assistant","uuid":"{id}","sessionId":"S","timestamp":"2025-08-01T00:00:01Z","requestId":"{id}","message":{{"id":"{id}","model":"{model}","content":[],"usage":{{"input_tokens":10,"output_tokens":3}}}}}}"#
        ) + "\n"
    };
    rig.append("S.jsonl", &(answer("u1", "unheard") + &answer("u2", "claude-opus-4-1-20250805")));
    rig.import();
    let costs = |store: &Store| -> Vec<Option<i64>> {
        let told = store.told_responses("S", 10).unwrap();
        told.iter().map(|it| it.told.cost.map(|cost| cost.0)).collect()
    };
    assert_eq!(costs(&rig.store), [None, Some(375)]);
    let rates = Rates::parse("1 - - - 2 - -").unwrap();
    let own = PriceOverride::new("unheard", None, None, rates).unwrap();
    let book = Arc::new(PriceBook::vendored().with(vec![own]));
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let anew = |query: RepriceQuery, dry_run| {
        reprice(&rig.store, &redactor.seal(query), &book, dry_run).unwrap().told
    };
    let (all, none) = (RepriceQuery::default(), Repriced::default());
    let of = |model: &str| RepriceQuery { model: Some(model.to_owned()), ..all.clone() };
    assert_eq!(anew(of("another"), false), none);
    let one = Repriced { flows: 2, changed: 1, priced: 1, after: MicroUsd(16), ..none };
    assert_eq!(anew(all.clone(), true), one);
    assert_eq!(costs(&rig.store), [None, Some(375)], "a trial changes nothing");
    assert_eq!(anew(all.clone(), false), one);
    assert_eq!(costs(&rig.store), [Some(16), Some(375)]);
    assert_eq!(anew(all, false), Repriced { flows: 2, ..none });
    let told: Vec<_> = rig.store.reprices(9).unwrap();
    let told: Vec<_> = told.iter().filter(|row| row.is_of_transcripts).collect();
    assert_eq!((told.len(), told[1].repriced, told[1].finished), (2, one, true));
}

#[test]
fn what_codexs_totals_hold_back_is_told_once_nobody_writes_any_more() {
    let mut rig = Rig::new();
    let lines = include_str!("../../../protocol/tests/transcripts/codex.jsonl");
    rig.append("rollout.jsonl", lines);
    let now = Micros::now();
    let responses = rig.import_at(now).responses;
    assert_eq!(responses, 1, "the last one may still be told otherwise");
    let later = Micros(now.0 + 10_000_000);
    assert_eq!(rig.import_at(later).responses, 1);
    assert_eq!(rig.import_at(later).responses, 0);
    let told = rig.store.told_responses("S", 10).unwrap();
    assert_eq!(told.iter().filter_map(|it| Some(it.told.usage.input?.0)).sum::<u64>(), 250);
    // Another file of the same words, read from its beginning: what has no id comes again and counts once.
    let path = rig.path("rollout.jsonl");
    fs::rename(&path, rig.path("old")).unwrap();
    fs::write(&path, lines).unwrap();
    fs::remove_file(rig.path("old")).unwrap();
    for seconds in [20, 40] {
        assert_eq!(rig.import_at(Micros(now.0 + seconds * 1_000_000)).responses, 0);
    }
    assert_eq!(rig.store.told_responses("S", 10).unwrap(), told);
}

#[test]
fn a_line_that_is_too_long_is_kept_in_part_and_the_next_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let long = "x".repeat(LINE_MAX + 300_000);
    fs::write(&path, format!("first\n{long}\nlast\n")).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    let mut lines = Lines::new(File::open(&path).unwrap(), 0, size).unwrap();
    assert_eq!(lines.next().unwrap().unwrap().bytes, b"first");
    let cut = lines.next().unwrap().unwrap();
    assert_eq!((cut.offset, cut.len, cut.is_cut), (6, long.len() as u64, true));
    assert_eq!(cut.bytes.len(), CUT_KEPT);
    let last = lines.next().unwrap().unwrap();
    assert_eq!((last.bytes, last.offset), (&b"last"[..], size - 5));
    assert!(lines.next().unwrap().is_none());
}

#[test]
fn nothing_is_read_beyond_the_size_that_was_looked_at_however_long_the_line_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let long = "x".repeat(LINE_MAX + 700_000);
    fs::write(&path, format!("{long}\nlast\n")).unwrap();
    let until = (LINE_MAX + 400_000) as u64;
    let mut lines = Lines::new(File::open(&path).unwrap(), 0, until).unwrap();
    let begun = lines.next().unwrap().unwrap();
    assert_eq!((begun.len, begun.is_cut, begun.is_ended), (until, true, false));
    assert!(lines.next().unwrap().is_none());
}

/// What happens to a file between two looks.
#[derive(Clone, Debug)]
enum Edit {
    Append(u8),
    /// Some bytes of a line, then the rest with the next append.
    Tear,
    Cut(u8),
    /// In its place, with every second line that was there and some new ones.
    Rewrite(u8),
    /// The same by another file.
    Replace(u8),
    Rename,
    Remove,
    Restart,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (1_u8..30).prop_map(Edit::Append),
        2 => Just(Edit::Tear),
        1 => (0_u8..20).prop_map(Edit::Cut),
        1 => (0_u8..5).prop_map(Edit::Rewrite),
        1 => (0_u8..5).prop_map(Edit::Replace),
        1 => Just(Edit::Rename),
        1 => Just(Edit::Remove),
        1 => Just(Edit::Restart),
    ]
}

/// A file as it should be.
#[derive(Default)]
struct Expected {
    name: String,
    lines: Vec<u32>,
    /// How much of the next line is there.
    torn: usize,
    /// Since the last look, perhaps.
    is_renamed: bool,
}

impl Expected {
    fn text(&self, next: u32) -> String {
        text(self.lines.iter().copied()) + &line(next)[..self.torn]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_happens_to_files_every_line_that_was_seen_is_kept_once(
        edits in proptest::collection::vec((0_usize..3, edit(), any::<bool>()), 1..25)
    ) {
        let mut rig = Rig::new();
        let mut files: [Expected; 3] = std::array::from_fn(|at| Expected {
            name: format!("f{at}.jsonl"), ..Expected::default()
        });
        let (mut next, mut names) = (0_u32, 3);
        let mut seen = BTreeSet::new();
        for (at, edit, looks) in edits {
            // One that is another and has another name as well is another file.
            let is_another = matches!(edit, Edit::Cut(_) | Edit::Rewrite(_) | Edit::Replace(_));
            if is_another && std::mem::take(&mut files[at].is_renamed) {
                rig.import();
                seen.extend(files.iter().flat_map(|file| file.lines.iter().copied()));
            }
            let file = &mut files[at];
            let mut new = |count: u8| {
                next += u32::from(count);
                next - u32::from(count)..next
            };
            let half = |lines: &[u32]| lines.iter().copied().step_by(2).collect::<Vec<_>>();
            match edit {
                Edit::Append(count) => {
                    // What was torn becomes whole with its rest.
                    let torn = std::mem::take(&mut file.torn);
                    let numbers = new(count);
                    rig.append(&file.name, &text(numbers.clone())[torn..]);
                    file.lines.extend(numbers);
                }
                Edit::Tear if file.torn == 0 => {
                    file.torn = 10;
                    rig.append(&file.name, &line(next)[..10]);
                }
                Edit::Tear => {}
                Edit::Cut(keep) => {
                    file.lines.truncate(usize::from(keep));
                    file.torn = 0;
                    let len = text(file.lines.iter().copied()).len() as u64;
                    if let Ok(open) = OpenOptions::new().write(true).open(rig.path(&file.name)) {
                        open.set_len(len).unwrap();
                    }
                }
                Edit::Rewrite(count) | Edit::Replace(count) => {
                    let is_replaced = matches!(edit, Edit::Replace(_));
                    file.lines = half(&file.lines);
                    file.lines.extend(new(count));
                    file.torn = 0;
                    let target = if is_replaced { "new" } else { &file.name };
                    fs::write(rig.path(target), file.text(next)).unwrap();
                    if is_replaced {
                        fs::rename(rig.path("new"), rig.path(&file.name)).unwrap();
                    }
                }
                Edit::Rename => {
                    let name = format!("f{names}.jsonl");
                    names += 1;
                    if fs::rename(rig.path(&file.name), rig.path(&name)).is_ok() {
                        (file.name, file.is_renamed) = (name, true);
                    }
                }
                Edit::Remove => {
                    let _ = fs::remove_file(rig.path(&file.name));
                    (file.lines, file.torn) = (Vec::new(), 0);
                }
                Edit::Restart => rig.restart(),
            }
            if looks || is_another {
                rig.import();
                seen.extend(files.iter().flat_map(|file| file.lines.iter().copied()));
            }
        }
        rig.import();
        seen.extend(files.iter().flat_map(|file| file.lines.iter().copied()));
        prop_assert_eq!(rig.counts(), once(seen));
    }
}

#[test]
fn a_deleted_conversation_stays_away_until_it_is_asked_for() {
    let mut rig = Rig::new();
    rig.append("a.jsonl", &text(0..5));
    rig.import();
    rig.store.delete_conversation("S", Micros::now()).unwrap().unwrap();
    assert_eq!(rig.import().lines, 0, "the file is as it was");
    rig.append("a.jsonl", &text(5..7));
    let report = rig.import();
    assert_eq!((report.lines, report.bytes, report.left_out), (0, 0, 2));
    rig.restart();
    fs::write(rig.path("a.jsonl"), text(1..9)).unwrap();
    assert_eq!(rig.import().left_out, 8, "also when the file is written anew");
    assert_eq!(rig.counts(), BTreeMap::new());

    let path = rig.folder.path().join("projects");
    let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path };
    rig.importer.look_again(&[root], true, Micros::now()).unwrap();
    while rig.importer.step().unwrap() {}
    let report = rig.importer.report();
    assert_eq!((report.lines, report.left_out, report.rewritten), (8, 0, 0));
    assert_eq!(rig.counts(), once(1..9));
    rig.append("a.jsonl", &text(9..10));
    assert_eq!(rig.import().lines, 1);
}

#[test]
fn who_asks_for_an_import_that_nobody_does_any_more_is_told() {
    let rig = Rig::new();
    let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
    let options = FollowerOptions {
        roots: Vec::new(),
        is_enabled: false,
        key: InferenceKey::default(),
        book: PriceBook::vendored(),
    };
    let bell = crate::background::Bell::default();
    let follower = Follower::spawn(rig.store.clone(), redactor, options, bell).unwrap();
    let reader = follower.reader();
    let path = rig.path("a.jsonl");
    rig.append("a.jsonl", &text(0..2));
    let wanted = ImportWanted {
        roots: vec![TranscriptRoot { format: TranscriptFormat::ClaudeCode, path }],
        is_again: false,
    };
    assert_eq!(reader.import(wanted.clone()).unwrap().lines, 2);
    drop(follower);
    assert!(matches!(reader.import(wanted), Err(ImportError::Over)));
}
