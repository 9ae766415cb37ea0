//! Files as agents leave them, read once, again, and after whatever happened to them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use langley_model::{CostClass, Micros, Redactor, RedactorOptions};
use langley_protocol::transcript::{TranscriptFormat, UsageReader};
use langley_store::{CostKey, CostReport, Measure, Tally};

use super::file::LongLine;
use super::*;
use crate::price::PriceBook;

/// What stands for the rules of redaction.
const RULES: &str = "all";

struct Desk {
    _folder: tempfile::TempDir,
    root: PathBuf,
    book: Arc<PriceBook>,
    redactor: Redactor,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("projects");
        fs::create_dir_all(root.join("-w")).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        Self { _folder: folder, root, book: PriceBook::vendored(), redactor }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join("-w").join(name)
    }

    fn add(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn walked(&self) -> Vec<TranscriptFile> {
        let format = TranscriptFormat::ClaudeCode;
        let walked = walk(&[TranscriptRoot { format, path: self.root.clone() }]);
        assert!(walked.refused.is_empty(), "{:?}", walked.refused);
        walked.files
    }

    fn scan(&self, known: TranscriptCache) -> Scanned {
        let scanned = scan(&self.walked(), known, (&self.book, &self.redactor), 2);
        assert!(scanned.refused.is_empty(), "{:?}", scanned.refused);
        scanned
    }

    fn cache(&self) -> PathBuf {
        self.root.with_file_name("cache")
    }

    /// Reads with what is known, and keeps what was found.
    fn scan_again(&self) -> Scanned {
        let scanned = self.scan(self.known(RULES));
        self.keep(&scanned);
        scanned
    }

    /// What is kept, under these rules.
    fn known(&self, rules: &str) -> TranscriptCache {
        TranscriptCache::read(&self.cache(), rules, 2).unwrap_or_default()
    }

    fn keep(&self, scanned: &Scanned) {
        let bytes = TranscriptCache::encode(scanned, (&self.book, RULES)).unwrap().concat();
        fs::write(self.cache(), bytes).unwrap();
    }
}

/// A line of an answer.
fn answer(session: &str, id: u32, output: u64) -> String {
    format!(
        "{{\"sessionId\":\"{session}\",\"cwd\":\"/w\",\"requestId\":\"req_{id}\",\"timestamp\":\"2025-09-0{day}T0{hour}:00:00Z\",\"message\":{{\"id\":\"msg_{id}\",\"model\":\"claude-sonnet-4-20250514\",\"content\":[],\"usage\":{{\"input_tokens\":10,\"output_tokens\":{output}}}}}}}\n",
        day = 1 + id / 5,
        hour = id % 5
    )
}

fn all(scanned: &Scanned, by: &[TranscriptBy]) -> CostReport {
    let query = TranscriptQuery { by: by.to_vec(), groups_max: 100, ..TranscriptQuery::default() };
    transcript_costs(scanned, &query, None, 2)
}

fn outputs(scanned: &Scanned) -> (u64, u64) {
    let figure = all(scanned, &[]).totals.figure(Measure::Output);
    (figure.flows, figure.sum)
}

/// What two readings say of everything.
fn same(one: &Scanned, other: &Scanned) {
    for by in TranscriptBy::ALL {
        assert_eq!(all(one, &[by]), all(other, &[by]), "{by:?}");
    }
}

#[test]
fn a_response_counts_once_with_the_most_that_any_line_or_file_tells() {
    let desk = Desk::new();
    desk.add(
        "a.jsonl",
        &[answer("a", 1, 5), answer("a", 1, 5), answer("a", 2, 7), answer("a", 1, 30)].concat(),
    );
    // A resumed session begins with what was said before.
    desk.add("b.jsonl", &[answer("b", 1, 30), answer("b", 2, 8), answer("b", 3, 1)].concat());
    let scanned = desk.scan(TranscriptCache::default());
    assert_eq!(outputs(&scanned), (3, 39));
    let report = all(&scanned, &[TranscriptBy::Session]);
    let name = |session: &str| vec![CostKey::Name(Some(session.to_owned()))];
    let of = |session| {
        let group = report.groups.iter().find(|group| group.keys == name(session)).unwrap();
        group.sums.figure(Measure::Output).sum
    };
    assert_eq!(
        (of("a"), of("b")),
        (30, 9),
        "each where most of it was told, the first file before others"
    );
    // 15 dollars for a million tokens of output, 3 for input.
    let cost = report.totals.figure(Measure::Cost);
    assert_eq!((cost.sum, cost.flows), (39 * 15 + 30 * 3, 3));
}

#[test]
fn lines_without_a_requests_id_are_known_by_the_messages_and_count_for_themselves_without_both() {
    let desk = Desk::new();
    let line = |output| answer("a", 1, output).replace("\"requestId\":\"req_1\",", "");
    desk.add("a.jsonl", &[line(5), line(7)].concat());
    desk.add("b.jsonl", &line(7));
    assert_eq!(outputs(&desk.scan(TranscriptCache::default())), (1, 7));
    let nameless = line(5).replace("\"id\":\"msg_1\",", "");
    desk.add("c.jsonl", &[nameless.as_str(), nameless.as_str()].concat());
    assert_eq!(outputs(&desk.scan(TranscriptCache::default())), (3, 17));
}

#[test]
fn what_did_not_change_is_not_read_and_what_was_written_on_is_read_from_there() {
    let desk = Desk::new();
    desk.add("a.jsonl", &[answer("a", 1, 5), answer("a", 2, 7)].concat());
    desk.add("b.jsonl", &answer("b", 3, 1));
    let first = desk.scan_again();
    assert!(first.is_news && first.bytes_read > 0);
    let second = desk.scan_again();
    assert_eq!((second.is_news, second.bytes_read), (false, 0));
    same(&first, &second);
    // A response that goes on, and a new one.
    let more = [answer("a", 2, 9), answer("a", 4, 2)].concat();
    desk.add("a.jsonl", &more);
    let third = desk.scan_again();
    assert_eq!((third.is_news, third.bytes_read), (true, more.len() as u64));
    same(&third, &desk.scan(TranscriptCache::default()));
    assert_eq!(outputs(&third), (4, 17));
}

#[test]
fn a_last_line_without_its_end_counts_and_is_read_again_when_it_is_finished() {
    let desk = Desk::new();
    let line = answer("a", 2, 7);
    desk.add("a.jsonl", &answer("a", 1, 5));
    desk.add("a.jsonl", line.trim_end());
    assert_eq!(outputs(&desk.scan_again()), (2, 12));
    desk.add("a.jsonl", &format!("\n{}", &answer("a", 3, 1)[..60]));
    let torn = desk.scan_again();
    assert_eq!(outputs(&torn), (2, 12));
    desk.add("a.jsonl", &answer("a", 3, 1)[60..]);
    let whole = desk.scan_again();
    assert_eq!(outputs(&whole), (3, 13));
    assert_eq!(whole.lines().unreadable, 0, "what was torn for a while is not held against it");
    same(&whole, &desk.scan(TranscriptCache::default()));
}

#[test]
fn files_that_were_rewritten_cut_renamed_or_removed_are_known_as_they_are() {
    let desk = Desk::new();
    desk.add("a.jsonl", &[answer("a", 1, 5), answer("a", 2, 7)].concat());
    desk.add("b.jsonl", &answer("b", 3, 1));
    desk.scan_again();
    // Longer than before, and another text.
    fs::write(
        desk.path("a.jsonl"),
        [answer("a", 4, 2), answer("a", 5, 2), answer("a", 6, 2)].concat(),
    )
    .unwrap();
    assert_eq!(outputs(&desk.scan_again()), (4, 7));
    fs::write(desk.path("a.jsonl"), answer("a", 4, 2)).unwrap();
    assert_eq!(outputs(&desk.scan_again()), (2, 3));
    fs::rename(desk.path("b.jsonl"), desk.path("c.jsonl")).unwrap();
    assert_eq!(outputs(&desk.scan_again()), (2, 3));
    fs::remove_file(desk.path("c.jsonl")).unwrap();
    let last = desk.scan_again();
    assert_eq!(outputs(&last), (1, 2));
    same(&last, &desk.scan(TranscriptCache::default()));
}

#[test]
fn lines_longer_than_any_room_are_read_where_they_tell_something() {
    let desk = Desk::new();
    let pad = "x".repeat(3 << 20);
    let long = answer("a", 2, 7).replace("\"content\":[]", &format!("\"content\":[\"{pad}\"]"));
    let silent = format!("{{\"type\":\"user\",\"message\":\"{pad}\"}}\n");
    desk.add(
        "a.jsonl",
        &[answer("a", 1, 5), silent.clone(), long.clone(), silent, answer("a", 3, 1)].concat(),
    );
    let scanned = desk.scan_again();
    assert_eq!(outputs(&scanned), (3, 13));
    desk.add("a.jsonl", &long.replace("msg_2", "msg_9")[..long.len() - 5]);
    let torn = desk.scan_again();
    assert_eq!(outputs(&torn), (3, 13));
    desk.add("a.jsonl", &long[long.len() - 5..]);
    assert_eq!(outputs(&desk.scan_again()), (4, 20));
}

#[test]
fn a_mark_that_lies_across_two_portions_of_a_long_line_is_found() {
    let desk = Desk::new();
    for shift in 0..24 {
        let line = answer("a", 1, 5);
        let mark = line.find("\"usage\"").unwrap();
        // The mark begins a little before the end of the first portion.
        let pad = "x".repeat((256 << 10) - 12 + shift - mark - 2);
        let line = line.replace("\"content\":[]", &format!("\"content\":[\"{pad}\"]"));
        fs::write(desk.path("a.jsonl"), line).unwrap();
        assert_eq!(outputs(&desk.scan(TranscriptCache::default())), (1, 5), "{shift}");
    }
}

#[test]
fn a_cache_that_is_damaged_or_of_other_prices_changes_no_figure() {
    let desk = Desk::new();
    desk.add("a.jsonl", &[answer("a", 1, 5), answer("a", 2, 7)].concat());
    let first = desk.scan_again();
    let mut bytes = fs::read(desk.cache()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(desk.cache(), &bytes).unwrap();
    let again = desk.scan_again();
    assert!(again.bytes_read > 0, "nothing of it is believed");
    same(&first, &again);
    let free = Desk { book: Arc::new(PriceBook::empty()), ..desk };
    let unpriced = free.scan_again();
    assert_eq!(unpriced.bytes_read, 0, "tokens are known, and only priced anew");
    let totals = all(&unpriced, &[]).totals;
    assert_eq!((totals.tally(Tally::Unpriced), totals.figure(Measure::Cost).known()), (2, None));
}

#[test]
fn names_that_hold_a_secret_reach_neither_the_cache_nor_a_report() {
    let desk = Desk::new();
    let key = [
        "sk-ant-",
        "api03-",
        "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-AA",
    ]
    .concat();
    // In a folder's name, in what a line says of it, and in what a reader remembers.
    let folder = desk.root.join(format!("-w-{key}"));
    fs::create_dir(&folder).unwrap();
    let line = answer("a", 1, 5).replace("\"cwd\":\"/w\"", &format!("\"cwd\":\"/w/{key}\""));
    fs::write(folder.join("a.jsonl"), &line).unwrap();
    let codex = include_str!("../../../protocol/tests/transcripts/codex.jsonl");
    let rollout = desk.root.with_file_name("rollouts");
    fs::create_dir(&rollout).unwrap();
    fs::write(rollout.join("r.jsonl"), codex.replace("/w/x", &format!("/w/{key}"))).unwrap();
    let roots = [(TranscriptFormat::ClaudeCode, &desk.root), (TranscriptFormat::Codex, &rollout)];
    let roots = roots.map(|(format, path)| TranscriptRoot { format, path: path.clone() });
    let (book, redactor) = (&desk.book, &desk.redactor);
    let read = |known| scan(&walk(&roots).files, known, (book, redactor), 2);
    let scanned = read(TranscriptCache::default());
    assert_eq!(outputs(&scanned), (3, 20));
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, key.as_bytes()).is_some();
    assert!(holds(line.as_bytes()), "the search finds what is there");
    for (scanned, is_again) in [(&scanned, false), (&read(TranscriptCache::default()), true)] {
        desk.keep(scanned);
        assert!(!holds(&fs::read(desk.cache()).unwrap()), "{is_again}");
        let told = format!("{:?}", all(scanned, &[TranscriptBy::Project]));
        assert!(!told.contains(&key) && told.contains("[redacted:"), "{told}");
    }
    // What is written on is told under the same name; without the key both folders have one.
    let more =
        codex.lines().last().unwrap().replace("\"input_tokens\":250", "\"input_tokens\":300");
    let mut file = OpenOptions::new().append(true).open(rollout.join("r.jsonl")).unwrap();
    writeln!(file, "{more}").unwrap();
    let known = desk.known(RULES);
    let report = all(&read(known), &[TranscriptBy::Project]);
    assert_eq!(report.groups.len(), 1, "{report:?}");
    let other = desk.known("other");
    assert!(read(other).bytes_read > 1000, "under other rules all is read again");
}

#[test]
fn however_much_is_read_at_a_time_files_tell_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (format, text) in [
        (
            TranscriptFormat::ClaudeCode,
            include_str!("../../../protocol/tests/transcripts/claude.jsonl"),
        ),
        (TranscriptFormat::Codex, include_str!("../../../protocol/tests/transcripts/codex.jsonl")),
        (
            TranscriptFormat::GeminiCli,
            include_str!("../../../protocol/tests/transcripts/gemini.jsonl"),
        ),
    ] {
        let path = folder.path().join("t.jsonl");
        for text in [text, text.trim_end()] {
            fs::write(&path, text).unwrap();
            let told = |most: usize| {
                let (mut reader, mut lines) = (UsageReader::new(format), Vec::new());
                let (mut portion, long) = (vec![0; most], LongLine::default());
                let span = (0, text.len() as u64);
                let told = file::read(
                    &path,
                    span,
                    &mut reader,
                    (&mut portion, &long),
                    &mut |line, is_whole| {
                        lines.push((format!("{line:?}"), is_whole));
                    },
                );
                (lines, told.unwrap(), reader)
            };
            let whole = told(file::PORTION);
            assert!(!whole.0.is_empty());
            for most in 65..700 {
                assert_eq!(told(most), whole, "{format:?} {most}");
            }
        }
    }
}

#[test]
fn a_response_without_a_time_is_told_and_not_priced() {
    let desk = Desk::new();
    let timeless = answer("a", 1, 5).replace("\"timestamp\":\"2025-09-01T01:00:00Z\",", "");
    desk.add("a.jsonl", &[answer("a", 2, 7), timeless].concat());
    let totals = all(&desk.scan(TranscriptCache::default()), &[]).totals;
    assert_eq!((totals.tally(Tally::Flows), totals.tally(Tally::Unpriced)), (2, 1));
}

#[test]
fn spans_zones_and_blocks_are_those_of_the_lines_times() {
    let desk = Desk::new();
    desk.add("a.jsonl", &(0..10).map(|id| answer("a", id, 1)).collect::<String>());
    let scanned = desk.scan(TranscriptCache::default());
    let days = |offset_minutes| {
        let by = vec![TranscriptBy::Day];
        let query =
            TranscriptQuery { by, offset_minutes, groups_max: 9, ..TranscriptQuery::default() };
        let report = transcript_costs(&scanned, &query, None, 2);
        report.groups.iter().map(|group| group.sums.tally(Tally::Flows)).collect::<Vec<_>>()
    };
    assert_eq!(days(0), [5, 5]);
    assert_eq!(days(-120), [2, 5, 3]);
    let first = Micros(1_756_684_800_000_000);
    let query = TranscriptQuery {
        since: Some(Micros(first.0 + 3_600_000_000)),
        until: Some(Micros(first.0 + 3 * 3_600_000_000)),
        groups_max: 9,
        ..TranscriptQuery::default()
    };
    assert_eq!(transcript_costs(&scanned, &query, None, 2).totals.tally(Tally::Flows), 2);
    let found = transcript_blocks(&scanned, &query, Micros(first.0 + 30 * 86_400_000_000));
    let [block] = found.blocks.as_slice() else { panic!("{found:?}") };
    assert_eq!((block.start, block.sums.tally(Tally::Flows)), (first, 5), "a block is told whole");
}

#[test]
fn classes_add_up_to_the_cost() {
    let desk = Desk::new();
    desk.add("a.jsonl", &answer("a", 1, 5));
    let scanned = desk.scan(TranscriptCache::default());
    let query = TranscriptQuery { groups_max: 9, ..TranscriptQuery::default() };
    let report = transcript_costs(&scanned, &query, Some(&desk.book), 2);
    let of = |measure| report.totals.figure(measure).sum;
    assert_eq!((of(Measure::CostInput), of(Measure::CostOutput)), (30, 75));
    assert_eq!(of(Measure::Cost), 105);
    let chats = desk.root.join("p/chats");
    fs::create_dir_all(&chats).unwrap();
    let gemini = include_str!("../../../protocol/tests/transcripts/gemini.jsonl");
    fs::write(chats.join("session-1.jsonl"), gemini).unwrap();
    let roots = [TranscriptRoot { format: TranscriptFormat::GeminiCli, path: desk.root.clone() }];
    let known = TranscriptCache::default();
    let scanned = scan(&walk(&roots).files, known, (&desk.book, &desk.redactor), 1);
    let totals = transcript_costs(&scanned, &query, Some(&desk.book), 2).totals;
    let units: Vec<u64> =
        CostClass::ALL.map(|class| totals.figure(Measure::units_of(class)).sum).to_vec();
    assert_eq!(units, [17, 5, 0, 0, 8, 3, 0], "thoughts are a class of their own");
    let costs: u64 =
        CostClass::ALL.map(|class| totals.figure(Measure::of_class(class)).sum).iter().sum();
    assert_eq!(costs, totals.figure(Measure::Cost).sum);
}

#[test]
fn folders_of_agents_are_found_by_their_variables_and_else_in_the_home_folder() {
    let home = Path::new("/home/dev");
    let paths = |variable: &dyn Fn(&str) -> Option<std::ffi::OsString>| {
        let roots = default_roots(Some(home), variable);
        roots.into_iter().map(|root| root.path.display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        paths(&|_| None),
        [
            "/home/dev/.config/claude/projects",
            "/home/dev/.claude/projects",
            "/home/dev/.codex/sessions",
            "/home/dev/.codex/archived_sessions",
            "/home/dev/.gemini/tmp",
        ]
    );
    let set = |name: &str| match name {
        "CLAUDE_CONFIG_DIR" => Some("/a, /b".into()),
        "CODEX_HOME" => Some("/c".into()),
        _ => None,
    };
    assert_eq!(
        paths(&set),
        [
            "/a/projects",
            "/b/projects",
            "/c/sessions",
            "/c/archived_sessions",
            "/home/dev/.gemini/tmp"
        ]
    );
}

#[test]
fn links_to_folders_are_followed_once_and_never_round_and_round() {
    let desk = Desk::new();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("linked.jsonl"), answer("s", 1, 5)).unwrap();
    desk.add("own.jsonl", &answer("t", 2, 7));
    let link =
        |to: &Path, name: &str| std::os::unix::fs::symlink(to, desk.root.join(name)).unwrap();
    link(elsewhere.path(), "-q");
    link(elsewhere.path(), "-r");
    link(&desk.root, "-round");
    std::os::unix::fs::symlink(&desk.root, elsewhere.path().join("-back")).unwrap();
    let files = desk.walked();
    let names = files.iter().map(|file| file.path.strip_prefix(&desk.root).unwrap().to_str());
    let names: Vec<_> = names.map(Option::unwrap).collect();
    assert_eq!(names, ["-q/linked.jsonl", "-w/own.jsonl"]);
    assert_eq!(outputs(&desk.scan(TranscriptCache::default())), (2, 12));
}

#[test]
fn a_file_that_somebody_names_is_refused_where_no_agent_wrote_its_first_lines() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    };
    let document =
        br#"{"sessionId":"s","projectHash":"p","messages":[{"type":"user","content":"hi"}]}"#;
    let noise: Vec<u8> =
        (0_u32..4096).map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let strange = [
        put("noise.jsonl", &noise),
        put("notes.txt", b"buy milk\n\ncall Ann\n"),
        put("chats/session-1.json", document),
        put("other.jsonl", b"{\"name\":\"Ann\",\"type\":\"person\"}\n42\n"),
    ];
    let walked = walk(&user_roots(strange.to_vec()));
    assert!(walked.files.is_empty());
    let refused: Vec<_> = walked.refused.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(refused, strange);
    let why = |at: usize| walked.refused[at].1.to_string();
    assert!(why(1).contains("none of its first 50 lines"), "{}", why(1));
    assert!(why(2).contains("an older format of Gemini CLI"), "{}", why(2));

    let codex = "{\"id\":\"c\",\"instructions\":null}\n{\"type\":\"message\",\"role\":\"user\",\"content\":[]}\n";
    let claude = format!("{}{{\"type\":\"summary\",\"leafUuid\":\"u\"}}\n", "torn {\n".repeat(49));
    let known = [
        put("a.jsonl", codex.as_bytes()),
        put("b.jsonl", claude.as_bytes()),
        put("c.jsonl", b"{\"sessionId\":\"s\",\"projectHash\":\"p\"}\n"),
        put("empty.jsonl", b""),
    ];
    let walked = walk(&user_roots(known.to_vec()));
    assert!(walked.refused.is_empty(), "{:?}", walked.refused);
    assert_eq!(walked.files.len(), known.len());
}

#[test]
fn chats_of_gemini_cli_of_an_older_format_are_told_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let chats = folder.path().join("hash/chats");
    fs::create_dir_all(&chats).unwrap();
    for name in ["session-2.json", "session-1.json", "session-3.json", "logs.json"] {
        fs::write(chats.join(name), "{}").unwrap();
    }
    fs::write(chats.join("session-4.jsonl"), "{}\n").unwrap();
    let format = TranscriptFormat::GeminiCli;
    let walked = walk(&[TranscriptRoot { format, path: folder.path().to_owned() }]);
    assert_eq!(walked.files.len(), 1);
    let [(path, why)] = &*walked.refused else { panic!("{:?}", walked.refused) };
    assert_eq!(*path, chats.join("session-1.json"));
    assert!(why.to_string().ends_with("which is not read, like 2 more there"), "{why}");
}

#[test]
fn costs_are_told_of_one_project() {
    let desk = Desk::new();
    desk.add("a.jsonl", &answer("a", 1, 5));
    let other = answer("b", 2, 7).replace("\"cwd\":\"/w\"", "\"cwd\":\"/home/dev/shop/api\"");
    desk.add("b.jsonl", &other);
    let scanned = desk.scan(TranscriptCache::default());
    let output = |project: &str| {
        let project = Some(project.to_owned());
        let query = TranscriptQuery { project, groups_max: 9, ..TranscriptQuery::default() };
        transcript_costs(&scanned, &query, None, 2).totals.figure(Measure::Output).sum
    };
    let found =
        ["/w", "w", "/home/dev", "/home/dev/shop/api", "api", "shop", "/home/d"].map(output);
    assert_eq!(found, [5, 5, 7, 7, 7, 0, 0]);
}

#[test]
fn of_many_days_the_newest_are_told() {
    let desk = Desk::new();
    let lines: String = (0..25).map(|id| answer("a", id, 1)).collect();
    desk.add("a.jsonl", &lines);
    let scanned = desk.scan(TranscriptCache::default());
    let days = |groups_max| {
        let by = vec![TranscriptBy::Day];
        let query = TranscriptQuery { by, groups_max, ..TranscriptQuery::default() };
        let report = transcript_costs(&scanned, &query, None, 2);
        let days = report.groups.iter().map(|group| match &group.keys[..] {
            [CostKey::Day(day)] => *day,
            keys => panic!("{keys:?}"),
        });
        (report.more, days.collect::<Vec<_>>())
    };
    let (more, all) = days(9);
    assert_eq!((more, all.len()), (false, 5));
    assert_eq!(days(2), (true, all[3..].to_vec()));
    assert_eq!(days(0), (true, Vec::new()));
}
