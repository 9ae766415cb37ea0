//! `langley tasks`: units of work, newest first, with what each adds up to.

use jiff::Timestamp;
use langley_store::{Measure, Tally, Task, TaskFilter};

use super::cost::cost_cell;
use super::flows::{local_time, parse_since};
use super::sessions::known;
use crate::cli::{GlobalArgs, TasksArgs};
use crate::error::Result;
use crate::home::Home;
use crate::reading;
use crate::table::Table;

/// Lists tasks.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood.
pub(crate) fn tasks(global: &GlobalArgs, args: &TasksArgs) -> Result<()> {
    let home = Home::named(global)?;
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let filter = TaskFilter { since, session: args.session.clone(), stated: args.no_inferred };
    let page =
        reading::read(&home, "tasks", |store| store.tasks(&filter, None, args.limit as usize))?;
    if args.json {
        return reading::tell("tasks", langley_server::tasks_json(&page));
    }
    if page.items.is_empty() {
        println!("no tasks");
    } else {
        print!("{}", table(&page.items));
    }
    reading::tell_missing(page.next_cursor.is_some(), page.filling);
    Ok(())
}

fn table(tasks: &[Task]) -> String {
    let mut table =
        Table::new(["LAST", "TASK", "SOURCE", "FLOWS", "COST", "IN", "CACHED", "OUT", "PREVIEW"]);
    let unknown = || "-".to_owned();
    for task in tasks {
        table.row([
            local_time(task.last_at),
            task.id.clone(),
            task.source.unwrap_or("-").to_owned(),
            task.sums.tally(Tally::Flows).to_string(),
            cost_cell(&task.sums),
            known(&task.sums, Measure::InputUncached),
            known(&task.sums, Measure::CacheRead),
            known(&task.sums, Measure::Output),
            task.preview.clone().unwrap_or_else(unknown),
        ]);
    }
    table.to_string()
}
