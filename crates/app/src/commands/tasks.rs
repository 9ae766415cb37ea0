//! `langley tasks`: units of work, newest first, with what each adds up to.

use jiff::Timestamp;
use langley_store::{Measure, Store, Tally, Task, TaskFilter};

use super::flows::{local_time, parse_since};
use super::sessions::known;
use crate::cli::{GlobalArgs, TasksArgs};
use crate::error::{AppError, Result};
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
    reading::catch_up(&home);
    let page = Store::open_read_only(home.database())
        .and_then(|store| store.tasks(&filter, None, args.limit as usize))
        .map_err(|error| AppError::failed("the tasks cannot be read").said_by(&error))?;
    if args.json {
        let json = langley_server::tasks_json(&page)
            .map_err(|error| AppError::failed("the tasks cannot be told").because(&error))?;
        println!("{json:#}");
        return Ok(());
    }
    if page.items.is_empty() {
        println!("no tasks");
    } else {
        print!("{}", table(&page.items));
    }
    if page.next_cursor.is_some() {
        println!("… older ones exist: --limit, --since");
    }
    if page.filling {
        println!("… those of an earlier version are still being added");
    }
    Ok(())
}

fn table(tasks: &[Task]) -> String {
    let mut table =
        Table::new(["LAST", "TASK", "SOURCE", "FLOWS", "IN", "CACHED", "OUT", "PREVIEW"]);
    let unknown = || "-".to_owned();
    for task in tasks {
        table.row([
            local_time(task.last_at),
            task.id.clone(),
            task.source.unwrap_or("-").to_owned(),
            task.sums.tally(Tally::Flows).to_string(),
            known(&task.sums, Measure::InputUncached),
            known(&task.sums, Measure::CacheRead),
            known(&task.sums, Measure::Output),
            task.preview.clone().unwrap_or_else(unknown),
        ]);
    }
    table.to_string()
}
