//! What commits cost, of flows whose project lies in a repository: told by the repository's own log.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use langley_engine::{CommitReport, commit_costs};
use langley_model::{
    Attributed, ConnectionId, Flow, FlowId, MicroUsd, Micros, Outcome, Record, Redactor,
    RedactorOptions,
};
use langley_store::{FlowFilter, Measure, Store, StoreOptions, Tally, UsageQuery};

/// 2026-11-01, in seconds.
const START: i64 = 1_793_491_200;

struct Rig {
    folder: tempfile::TempDir,
    store: Store,
    redactor: Redactor,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        Self { folder, store, redactor }
    }

    fn flow(&self, second: i64, project: Option<&Path>, session: &str, cost: i64) {
        let at = Micros((START + second) * 1_000_000 + 500_000);
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at);
        flow.outcome = Some(Outcome::Completed);
        flow.cost = Some(MicroUsd(cost));
        let attributed = |id: String| Attributed { id, source: "header" };
        flow.session = Some(attributed(session.to_owned()));
        flow.project = project.map(|path| attributed(path.to_string_lossy().into_owned()));
        self.store.submit(vec![self.redactor.seal(Record::Flow(Arc::new(flow)))]).unwrap();
        self.store.flush().unwrap();
    }

    fn report(&self, limit: usize) -> CommitReport {
        let all = (&UsageQuery::default(), None);
        commit_costs(&self.store, &self.redactor, all, limit).unwrap()
    }
}

/// A line for each item: the first letter of its commit, the name of its repository, flows, cost, sessions.
fn told(report: &CommitReport) -> Vec<String> {
    let line = |it: &langley_engine::CommitCost| {
        let commit = it.commit.as_ref().map_or("-", |commit| &commit.hash[..1]);
        let repository = Path::new(&it.repository).file_name().unwrap().to_string_lossy();
        let (flows, cost) = (it.sums.tally(Tally::Flows), it.sums.figure(Measure::Cost).sum);
        format!("{commit} {repository} {flows} {cost} {}", it.sessions.ids.join("+"))
    };
    report.items.iter().map(line).collect()
}

fn log(folder: &Path, moves: &[(char, char, i64, &str)]) {
    let hash = |name: &char| name.to_string().repeat(40);
    let line = |(from, to, second, said): &(char, char, i64, &str)| {
        format!("{} {} A <a@b.c> {} +0000\t{said}\n", hash(from), hash(to), START + second)
    };
    fs::create_dir_all(folder.join("logs")).unwrap();
    fs::write(folder.join("logs/HEAD"), moves.iter().map(line).collect::<String>()).unwrap();
}

#[test]
fn a_commit_costs_what_its_repository_used_since_the_one_before() {
    let rig = Rig::new();
    let one = rig.folder.path().join("one");
    let sub = one.join("crates/deep");
    fs::create_dir_all(&sub).unwrap();
    log(
        &one.join(".git"),
        &[
            ('0', 'a', 100, "commit (initial): begin"),
            ('a', 'b', 200, "commit: with sk-ant-api03-0123456789abcdefghij in it (#7)"),
        ],
    );
    // A working tree beside it, as `git worktree add` makes one.
    let beside = rig.folder.path().join("beside");
    fs::create_dir_all(&beside).unwrap();
    let own = one.join(".git/worktrees/beside");
    fs::write(beside.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
    log(&own, &[('0', 'c', 150, "commit: beside")]);
    let nowhere = rig.folder.path().join("nowhere");

    rig.flow(10, Some(&one), "s-1", 1);
    rig.flow(99, Some(&sub), "s-2", 20);
    // In the very second of the commit, which is told to the second.
    rig.flow(100, Some(&one), "s-1", 300);
    rig.flow(101, Some(&one), "s-3", 4_000);
    rig.flow(140, Some(&beside), "s-4", 50_000);
    rig.flow(201, Some(&one), "s-3", 600_000);
    rig.flow(150, Some(&nowhere), "s-5", 7_000_000);
    rig.flow(150, None, "s-6", 10_000_000);

    let report = rig.report(10);
    let expected =
        ["- one 1 600000 s-3", "b one 1 4000 s-3", "c beside 1 50000 s-4", "a one 3 321 s-1+s-2"];
    assert_eq!(told(&report), expected);
    assert_eq!(report.elsewhere.figure(Measure::Cost).sum, 17_000_000);
    assert_eq!(report.totals.figure(Measure::Cost).sum, 17_654_321);
    let second = report.items[1].commit.as_ref().unwrap();
    assert_eq!(second.pull_request, Some(7));
    assert!(!second.subject.contains("0123456789"), "{}", second.subject);
    assert!(!report.more && rig.report(3).more);
}

#[test]
fn a_log_that_is_gone_or_no_log_leaves_costs_that_no_commit_followed() {
    let rig = Rig::new();
    let one = rig.folder.path().join("one");
    fs::create_dir_all(one.join(".git/logs/HEAD")).unwrap();
    rig.flow(10, Some(&one), "s-1", 1);
    assert_eq!(told(&rig.report(10)), ["- one 1 1 s-1"]);
    fs::remove_dir(one.join(".git/logs/HEAD")).unwrap();
    assert_eq!(told(&rig.report(10)), ["- one 1 1 s-1"]);
    // What traffic calls a folder need not be one.
    rig.flow(11, Some(Path::new("relative/folder")), "s-2", 2);
    assert_eq!(rig.report(10).elsewhere.tally(Tally::Flows), 1);
}

#[test]
fn what_is_gone_counts_on_and_what_is_older_than_the_log_is_told_apart() {
    let rig = Rig::new();
    let one = rig.folder.path().join("one");
    // Three commits, of which the log has lost the line of the first; within an hour, and days apart.
    let day = 86_400;
    log(
        &one.join(".git"),
        &[('a', 'b', 1_800, "commit: second"), ('b', 'c', 2_400, "commit: third")],
    );
    rig.flow(100, Some(&one), "s-1", 1);
    rig.flow(1_800, Some(&one), "s-1", 20);
    rig.flow(1_801, Some(&one), "s-2", 300);
    rig.flow(2_401, Some(&one), "s-2", 4_000);
    rig.flow(day, Some(&one), "s-3", 50_000);
    rig.flow(2 * day, Some(&one), "s-4", 600_000);
    let expected = ["- one 3 654000 s-2+s-3+s-4", "c one 1 300 s-2"];
    let report = rig.report(10);
    assert_eq!(told(&report), expected);
    assert_eq!(report.elsewhere.figure(Measure::Cost).sum, 21);
    assert_eq!(report.totals.figure(Measure::Cost).sum, 654_321);

    // Flows go: those of whole hours count where they did, others to what the hour began with.
    let gone =
        FlowFilter { until: Some(Micros((START + day + 1) * 1_000_000)), ..FlowFilter::default() };
    rig.store.delete_flows(&gone).unwrap();
    let report = rig.report(10);
    assert_eq!(told(&report), ["- one 2 650000 s-4"]);
    assert_eq!(report.elsewhere.figure(Measure::Cost).sum, 4_321);
    assert_eq!(report.totals.figure(Measure::Cost).sum, 654_321);
}
