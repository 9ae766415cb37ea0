//! Costs by commit: put together from the repositories' logs and the flows that are kept.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use langley_model::{Micros, Redactor};
use langley_store::{CostBy, CostKey, CostQuery, PartSums, Store, StoreError, Sums, UsageQuery};

use super::reflog::{Commit, commits};
use crate::preview;

/// Bytes of a log that are read, its newest ones.
const LOG_BYTES: u64 = 1 << 20;

/// Bytes of a file that names a repository's folder.
const POINTER_BYTES: u64 = 4_096;

/// Projects that are looked at, the dearest first.
const PROJECTS: usize = 500;

/// What led to a commit cost.
#[derive(Clone, Debug)]
pub struct CommitCost {
    /// The folder of the working tree.
    pub repository: String,
    /// The commit; none for what no commit followed yet.
    pub commit: Option<Commit>,
    /// What the flows add up to that began after the commit before and before this one.
    pub sums: Sums,
    /// Their sessions.
    pub sessions: Vec<String>,
}

/// Costs by commit.
#[derive(Clone, Debug, Default)]
pub struct CommitReport {
    /// The newest commit first; before all of them what was not committed yet, a line for each repository.
    pub items: Vec<CommitCost>,
    /// Whether there are more than are told.
    pub more: bool,
    /// What flows add up to that no repository is known of.
    pub elsewhere: Sums,
    /// What all flows add up to.
    pub totals: Sums,
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
    let query = CostQuery {
        by: vec![CostBy::Project],
        usage: usage.clone(),
        project: project.map(str::to_owned),
        groups_max: PROJECTS,
        ..CostQuery::default()
    };
    let mut repositories: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for group in store.costs(&query)?.groups {
        let Some(CostKey::Name(Some(folder))) = group.keys.into_iter().next() else { continue };
        if let Some(root) = root_of(Path::new(&folder)) {
            repositories.entry(root).or_default().push(folder);
        }
    }
    let mut logs = Vec::new();
    let mut of_project = HashMap::new();
    for (root, folders) in repositories {
        let mut commits = log_of(&root).map(|log| commits(&log)).unwrap_or_default();
        commits.sort_by_key(|commit| commit.at);
        of_project.extend(folders.into_iter().map(|folder| (folder, logs.len())));
        logs.push((root, commits));
    }
    let marks: Vec<Vec<Micros>> =
        logs.iter().map(|(_, commits)| commits.iter().map(|it| it.at).collect()).collect();
    let place = |project: Option<&str>, at: Micros| {
        let repository = *of_project.get(project?)?;
        Some((repository, marks[repository].partition_point(|mark| *mark < at)))
    };
    let mut parts = store.costs_in_parts(&query, place)?;
    let elsewhere = parts.remove(&None).unwrap_or_default().sums;
    let mut report =
        CommitReport { elsewhere: elsewhere.clone(), totals: elsewhere, ..CommitReport::default() };
    for (place, PartSums { sums, sessions }) in parts {
        let Some((repository, number)) = place else { continue };
        report.totals.merge(&sums);
        let (root, commits) = &logs[repository];
        let commit = commits.get(number).map(|commit| {
            let mut commit = commit.clone();
            commit.subject = preview::opening(redactor, &commit.subject).unwrap_or_default();
            commit
        });
        let repository = root.to_string_lossy().into_owned();
        report.items.push(CommitCost { repository, commit, sums, sessions });
    }
    report.items.sort_by(|one, other| {
        let order = |it: &CommitCost| it.commit.as_ref().map_or(i64::MAX, |commit| commit.at.0);
        order(other).cmp(&order(one)).then_with(|| one.repository.cmp(&other.repository))
    });
    report.more = report.items.len() > limit;
    report.items.truncate(limit);
    Ok(report)
}

/// The folder of the working tree that a folder lies in; none where that is not absolute, or in none.
fn root_of(folder: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
    folder.is_absolute().then(|| folder.ancestors().find(is_root)).flatten().map(Path::to_owned)
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
