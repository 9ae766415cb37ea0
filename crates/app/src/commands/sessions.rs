//! `langley sessions`: what agents called a session, newest first, with what each adds up to.

use jiff::Timestamp;
use langley_store::{Measure, Session, Sums, Tally};

use super::cost::cost_cell;
use super::flows::{local_time, parse_since};
use crate::cli::{GlobalArgs, SessionsArgs};
use crate::error::Result;
use crate::home::Home;
use crate::reading;
use crate::table::Table;

/// Lists sessions.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood.
pub(crate) fn sessions(global: &GlobalArgs, args: &SessionsArgs) -> Result<()> {
    let home = Home::named(global)?;
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let asked = (since, args.project.as_deref());
    let page =
        reading::read(&home, "sessions", |store| store.sessions(asked, None, args.limit as usize))?;
    if args.json {
        return reading::tell("sessions", langley_server::sessions_json(&page));
    }
    if page.items.is_empty() {
        println!("no sessions");
    } else {
        print!("{}", table(&page.items));
    }
    reading::tell_missing(page.next_cursor.is_some(), page.filling);
    Ok(())
}

fn table(sessions: &[Session]) -> String {
    let mut table = Table::new([
        "LAST", "SESSION", "AGENT", "FLOWS", "COST", "IN", "CACHED", "OUT", "PROJECT", "PREVIEW",
    ]);
    let unknown = || "-".to_owned();
    for session in sessions {
        table.row([
            local_time(session.last_at),
            session.id.clone(),
            session.agent.clone().unwrap_or_else(unknown),
            session.sums.tally(Tally::Flows).to_string(),
            cost_cell(&session.sums),
            known(&session.sums, Measure::InputUncached),
            known(&session.sums, Measure::CacheRead),
            known(&session.sums, Measure::Output),
            session.project.clone().unwrap_or_else(unknown),
            session.preview.clone().unwrap_or_else(unknown),
        ]);
    }
    table.to_string()
}

/// A sum in a table; a dash where no flow has the figure.
pub(super) fn known(sums: &Sums, measure: Measure) -> String {
    sums.figure(measure).known().map_or_else(|| "-".to_owned(), |sum| sum.to_string())
}
