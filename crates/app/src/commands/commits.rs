//! `langley cost --by commit`: what led to each commit cost.

use langley_engine::{CommitCost, CommitReport, commit_costs};
use langley_store::{Measure, Tally, UsageQuery};

use super::cost::cost_cell;
use super::flows::local_time;
use super::sessions::known;
use crate::cli::{CostArgs, GlobalArgs};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::table::Table;
use crate::wire::redactor;

/// The grouping by commit.
pub(super) const COMMIT: &str = "commit";

/// Tells costs by commit, of this span of time.
///
/// # Errors
/// No database yet, or it cannot be read; a session was named, which commits are not told by.
pub(super) fn commits(global: &GlobalArgs, args: &CostArgs, usage: &UsageQuery) -> Result<()> {
    if args.session.is_some() {
        return Err(AppError::wrong_use("--by commit takes no --session")
            .why("a commit is what all sessions in its repository led to")
            .next("--project names one folder"));
    }
    let config = config::load_leniently(global, &Environment::of_process())?.told().config;
    let redactor = redactor(&config)?;
    let asked = (usage, args.project.as_deref());
    let report = reading::read(&Home::at(&config.home), "costs", |store| {
        commit_costs(store, &redactor, asked, args.limit as usize)
    })?;
    if args.json {
        return reading::tell("costs", langley_server::commits_json(&report));
    }
    print!("{}", told(&report));
    Ok(())
}

fn told(report: &CommitReport) -> String {
    if report.items.is_empty() {
        let flows = report.elsewhere.tally(Tally::Flows);
        return format!(
            "no repository is known of any flow ({flows} flows; see docs/projects.md)\n"
        );
    }
    let mut table = Table::new([
        "COST",
        "FLOWS",
        "IN",
        "CACHED",
        "OUT",
        "COMMITTED",
        "COMMIT",
        "PR",
        "SUBJECT",
    ]);
    for item in &report.items {
        table.row(row(item));
    }
    let mut text = table.to_string();
    let elsewhere = &report.elsewhere;
    if elsewhere.tally(Tally::Flows) > 0 {
        let (flows, cost) = (elsewhere.tally(Tally::Flows), cost_cell(elsewhere));
        text +=
            &format!("Of no repository that is here, or before its log: {flows} flows, {cost}.\n");
    }
    if report.filling {
        text += reading::FILLING;
        text.push('\n');
    }
    if report.more {
        text += "… there are more commits: --limit, --since\n";
    }
    text
}

fn row(item: &CommitCost) -> [String; 9] {
    let dash = || "-".to_owned();
    let commit = item.commit.as_ref();
    [
        cost_cell(&item.sums),
        item.sums.tally(Tally::Flows).to_string(),
        known(&item.sums, Measure::InputUncached),
        known(&item.sums, Measure::CacheRead),
        known(&item.sums, Measure::Output),
        commit.map_or_else(dash, |it| local_time(it.second())),
        commit.map_or_else(dash, |it| it.hash.chars().take(10).collect()),
        commit.and_then(|it| it.pull_request).map_or_else(dash, |it| format!("#{it}")),
        commit.map_or_else(
            || format!("(not committed yet, {})", item.repository),
            |it| it.subject.clone(),
        ),
    ]
}
