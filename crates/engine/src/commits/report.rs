//! Costs by commit: put together from the repositories' logs and the flows that are kept.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use langley_model::{Micros, Redactor};
use langley_store::{
    CostBy, CostKey, CostQuery, PartSessions, Parting, Store, StoreError, Sums, UsageQuery,
};

use super::reflog::{Commit, commits, known_from};
use crate::preview;

/// Bytes of a log that are read, its newest ones.
const LOG_BYTES: u64 = 1 << 20;

/// Bytes of a file that names a repository's folder.
const POINTER_BYTES: u64 = 4_096;

/// Projects that are looked at, the dearest first.
const PROJECTS: usize = 500;

/// Commits whose sessions are told, the newest ones.
const WITH_SESSIONS: usize = 100;

/// What that cost which led to a commit.
#[derive(Clone, Debug)]
pub struct CommitCost {
    /// The folder of the working tree.
    pub repository: String,
    /// The commit; none for what no commit followed yet.
    pub commit: Option<Commit>,
    /// What the flows add up to that began after the commit before and before this one.
    pub sums: Sums,
    /// Sessions of its newest flows that are kept.
    pub sessions: PartSessions,
}

/// Costs by commit.
#[derive(Clone, Debug, Default)]
pub struct CommitReport {
    /// The newest commit first; before all of them what was not committed yet, a line for each repository.
    pub items: Vec<CommitCost>,
    /// Whether there are more than are told.
    pub more: bool,
    /// What flows add up to that no repository is known of, or that are from before its log.
    pub elsewhere: Sums,
    /// What all flows add up to.
    pub totals: Sums,
    /// Whether flows of an earlier version are still to be added.
    pub filling: bool,
}

/// What commits cost, of the flows of this span of time and of this project, at most `limit` of them.
///
/// # Errors
/// A failure of the store. A repository that cannot be read is none.
pub fn commit_costs(
    store: &Store,
    redactor: &Redactor,
    (usage, project): (&UsageQuery, Option<&str>),
    limit: usize,
) -> Result<CommitReport, StoreError> {
    let mut query = CostQuery {
        by: vec![CostBy::Project],
        usage: usage.clone(),
        project: project.map(str::to_owned),
        groups_max: usize::MAX,
        ..CostQuery::default()
    };
    let costs = store.costs(&query)?;
    let mut report =
        CommitReport { totals: costs.totals, filling: costs.filling, ..CommitReport::default() };
    let mut repositories: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (place, group) in costs.groups.into_iter().enumerate() {
        let folder = match group.keys.into_iter().next() {
            Some(CostKey::Name(Some(folder))) if place < PROJECTS => folder,
            _ => {
                report.elsewhere.merge(&group.sums);
                continue;
            }
        };
        match root_of(Path::new(&folder)) {
            Some(root) => repositories.entry(root).or_default().push(folder),
            None => report.elsewhere.merge(&group.sums),
        }
    }
    let (mut logs, mut parting) = (Vec::new(), Parting::default());
    for (root, folders) in repositories {
        let ends = log_of(&root).map(|log| ends(&log)).unwrap_or_default();
        parting.of_project.extend(folders.into_iter().map(|folder| (folder, logs.len())));
        parting.marks.push(ends.iter().map(|(at, _)| *at).collect());
        logs.push((root, ends));
    }
    query.by.clear();
    let mut told = Vec::new();
    for ((place, part), sums) in store.costs_in_parts(&query, &parting)? {
        if let Some((_, None)) = logs[place].1.get(part) {
            report.elsewhere.merge(&sums);
        } else {
            told.push(((place, part), sums));
        }
    }
    told.sort_by_key(|((place, part), _)| {
        (Reverse(parting.marks[*place].get(*part).map_or(i64::MAX, |at| at.0)), *place)
    });
    report.more = told.len() > limit;
    told.truncate(limit);
    for (part, sums) in told {
        let (root, ends) = &logs[part.0];
        let commit = ends.get(part.1).and_then(|(_, commit)| commit.as_ref()).map(|commit| {
            let mut commit = commit.clone();
            commit.subject = preview::opening(redactor, &commit.subject).unwrap_or_default();
            commit
        });
        let repository = root.to_string_lossy().into_owned();
        let sessions = if report.items.len() < WITH_SESSIONS {
            store.sessions_of_part(&query, &parting, part)?
        } else {
            PartSessions { ids: Vec::new(), more: true }
        };
        report.items.push(CommitCost { repository, commit, sums, sessions });
    }
    Ok(report)
}

/// The folder of the working tree that a folder lies in; none where that is not absolute, or in none.
fn root_of(folder: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
    folder.is_absolute().then(|| folder.ancestors().find(is_root)).flatten().map(Path::to_owned)
}

/// Where parts of what a repository cost end, each with the commit that ends it; none where the log begins.
fn ends(log: &str) -> Vec<(Micros, Option<Commit>)> {
    let mut ends: Vec<_> = commits(log).into_iter().map(|it| (it.at, Some(it))).collect();
    ends.sort_by_key(|(at, _)| *at);
    if let Some(from) = known_from(log) {
        ends.retain(|(at, _)| *at > from);
        ends.insert(0, (from, None));
    }
    ends
}

/// The log of a working tree's `HEAD`, its end where it is long.
fn log_of(root: &Path) -> Option<String> {
    let git = root.join(".git");
    let git = if git.is_dir() {
        git
    } else {
        // A working tree beside the first one names the folder that is its own.
        let said = end_of(&git, POINTER_BYTES)?;
        root.join(said.strip_prefix("gitdir:")?.trim())
    };
    end_of(&git.join("logs").join("HEAD"), LOG_BYTES)
}

/// The last bytes of a file, from the beginning of a line on.
fn end_of(path: &Path, most: u64) -> Option<String> {
    // Anything else might never end, or wait.
    let about = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut file = File::open(path).ok()?;
    let from = about.len().saturating_sub(most);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(match text.split_once('\n') {
        Some((_, rest)) if from > 0 => rest.to_owned(),
        _ => text,
    })
}
