//! `langley db`: where the database is, and how it is kept small and safe.
//!
//! What writes goes through the running server, which alone may write; without one the database is
//! opened here, under the same lock that a server takes.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Zoned;
use langley_model::Micros;
use langley_store::{Store, StoreError};
use serde_json::{Value, json};

use super::{db_info, raw};
use crate::api::Api;
use crate::cli::{DbVerb, GlobalArgs};
use crate::config::{self, Config, Environment};
use crate::detach;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;
use crate::opening::store_options;
use crate::reading;
use crate::runtime;
use crate::state::State;
use crate::token::Token;

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the verb.
///
/// # Errors
/// The configuration has problems, there is no database yet, or it cannot be read or written.
pub(crate) fn db(global: &GlobalArgs, verb: DbVerb) -> Result<()> {
    match verb {
        DbVerb::Path => println!("{}", Home::named(global)?.database().display()),
        DbVerb::Info { json } => print(json, &db_info::info(&Home::named(global)?)?, db_info::told),
        DbVerb::Maintain { json } => print(json, &Work::Maintain.done(global)?, maintained),
        DbVerb::Checkpoint { json } => print(json, &Work::Checkpoint.done(global)?, folded),
        DbVerb::Vacuum { json } => print(json, &Work::Vacuum.done(global)?, vacuumed),
        DbVerb::Reindex { json } => print(json, &Work::Reindex.done(global)?, reindexed),
        DbVerb::Backup { file, json } => {
            print(json, &backup(&Home::meant(global)?, file)?, copied);
        }
        DbVerb::Raw { flow: Some(flow), side, .. } => raw::show(&Home::named(global)?, flow, side)?,
        DbVerb::Raw { flow: None, .. } => raw::remove(&Home::meant(global)?)?,
    }
    Ok(())
}

fn print(json: bool, done: &Value, in_words: fn(&Value) -> String) {
    if json {
        println!("{done:#}");
    } else {
        println!("{}", in_words(done));
    }
}

/// What writes.
#[derive(Clone, Copy)]
enum Work {
    Maintain,
    Checkpoint,
    Vacuum,
    Reindex,
}

impl Work {
    /// Where a running server is asked for it; none for what is done only without one.
    const fn path(self) -> Option<&'static str> {
        match self {
            Self::Maintain => Some("/api/db/maintain"),
            Self::Checkpoint => Some("/api/db/checkpoint"),
            Self::Vacuum => Some("/api/db/vacuum"),
            Self::Reindex => None,
        }
    }

    fn done(self, global: &GlobalArgs) -> Result<Value> {
        let environment = Environment::of_process();
        let lenient = config::load_leniently(global, &environment)?.sure_of_home()?;
        let home = &Home::at(&lenient.usable().config.home);
        if !home.database().exists() {
            let missing = StoreError::Missing { path: home.database() };
            return Err(AppError::failed("there is nothing to do yet").said_by(&missing));
        }
        let runtime = runtime::small()?;
        match runtime.block_on(detach::healthy(home)) {
            // It goes by its own configuration.
            Some(state) => {
                lenient.told();
                runtime.block_on(self.by_server(home, &state))
            }
            None => self.here(&lenient.strict()?.config, home),
        }
    }

    async fn by_server(self, home: &Home, state: &State) -> Result<Value> {
        let Some(path) = self.path() else {
            return Err(AppError::failed("a server is recording")
                .why(
                    "the index is made anew together with the whole file, by one who has it alone \
                     (the disk needs room for a second one)",
                )
                .next("`langley stop`, then repeat it"));
        };
        let api = Api::new(state.api, Token::read(home)?);
        let mut progress = Progress::new();
        let work = api.await_post(path, None);
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = tokio::time::sleep(LOOK), if progress.is_shown() => {
                    let stats = api.get("/api/stats").await.unwrap_or_default();
                    let maintenance = &stats["maintenance"];
                    let count = |kind: &str| maintenance["running"][kind].as_u64().unwrap_or(0);
                    if let Some(phase) = maintenance["phase"].as_str() {
                        progress.show(&so_far(phase, count("flows"), count("events")));
                    }
                }
            }
        };
        progress.clear();
        done.map_err(|error| error.told("the server did not do it"))
    }

    /// Without a server: as one would, and under its lock.
    fn here(self, config: &Config, home: &Home) -> Result<Value> {
        let Claim::Ours(_lock) = Claim::take(home)? else {
            return Err(AppError::failed("a server holds the database, but does not answer")
                .why("it is starting or ending")
                .next("try again in a moment; `langley status` says when it is there"));
        };
        let options = store_options(config, home);
        let store = Store::open(options, Box::new(|_| ())).map_err(|error| failed(&error))?;
        let (worker, retention) = (store.clone(), config.maintenance.retention);
        let done = watched(
            move || match self {
                Self::Maintain => worker.maintain(&retention, Micros::now()).map(|done| {
                    json!({
                        "started_at": time(done.started_at), "ended_at": time(done.ended_at),
                        "flows": done.flows, "events": done.events, "bodies": done.bodies,
                        "contents": done.contents, "tunnels": done.tunnels, "drops": done.drops,
                        "freed_bytes": done.freed_bytes,
                    })
                }),
                Self::Checkpoint => worker.checkpoint().map(|done| {
                    json!({
                        "busy": done.busy, "log_pages": done.log_pages,
                        "moved_pages": done.moved_pages,
                    })
                }),
                Self::Vacuum => {
                    // Nobody records now, so a file that something else made can be written anew.
                    let freed = match worker.vacuum() {
                        Err(StoreError::NotIncremental { .. }) => worker.rebuild(),
                        freed => freed,
                    };
                    freed.map(|freed| json!({ "freed_bytes": freed }))
                }
                Self::Reindex => worker.empty_index().and_then(|()| {
                    let waiting = worker.index_state()?.waiting;
                    // The index can be used from here on: what fails now only keeps room from the disk.
                    let (freed, left) = match worker.rebuild() {
                        Ok(freed) => (freed, None),
                        Err(error) => (0, Some(error.to_string())),
                    };
                    Ok(json!({ "freed_bytes": freed, "waiting": waiting, "not_freed": left }))
                }),
            },
            || {
                let (phase, removed) = store.upkeep().running?;
                Some(so_far(phase.as_str(), removed.flows, removed.events))
            },
        );
        store.close();
        done?.map_err(|error| failed(&error))
    }
}

/// Writes a copy of the database; reading is enough for that, whether or not a server runs.
fn backup(home: &Home, file: Option<PathBuf>) -> Result<Value> {
    let file = file
        .unwrap_or_else(|| Zoned::now().strftime("langley-%Y%m%d-%H%M%S.db").to_string().into());
    reading::catch_up(home);
    let store = Store::open_read_only(home.database()).map_err(|error| failed(&error))?;
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |found| found.len());
    let (target, part) = (file.clone(), Store::backup_part(&file));
    let growing = part.clone();
    let whole = store.counters().db_bytes;
    watched(
        move || store.backup(&target, &part),
        || Some(format!("{} of about {}", bytes(size(&growing)), bytes(whole))),
    )?
    .map_err(|error| not_copied(&error))?;
    Ok(json!({ "file": file, "bytes": size(&file) }))
}

/// Why there is no copy, and what to do instead.
fn not_copied(error: &StoreError) -> AppError {
    let failed = AppError::failed("no copy was made");
    if !error.is_of_one_place() {
        return failed.said_by(error);
    }
    // What comes behind it is about the file as a whole.
    let said = error.to_string();
    let said = said.split("; ").next().unwrap_or_default();
    failed
        .why(format!("a part of the database cannot be read, and a copy has to be whole: {said}"))
        .next("save what can be read: `langley export flows --format har --output FILE`")
        .next("`langley doctor` says what is damaged")
        .next("to keep the file as it is: `langley stop`, then copy it and what lies beside it by yourself")
}

/// Does `work` on a thread of its own, and shows on a terminal meanwhile how far it is.
fn watched<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    look: impl Fn() -> Option<String>,
) -> Result<T> {
    let mut progress = Progress::new();
    let watcher = std::thread::current();
    let worker: JoinHandle<T> = std::thread::spawn(move || {
        let done = work();
        watcher.unpark();
        done
    });
    while !worker.is_finished() {
        std::thread::park_timeout(LOOK);
        if let Some(line) = look().filter(|_| progress.is_shown()) {
            progress.show(&line);
        }
    }
    progress.clear();
    worker.join().map_err(|_| AppError::failed("it ended by a panic; what was done stays done"))
}

/// A line on the terminal that is written over.
struct Progress {
    shown: bool,
    used: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal(), used: false }
    }

    const fn is_shown(&self) -> bool {
        self.shown
    }

    fn show(&mut self, line: &str) {
        self.used = true;
        eprint!("\r\x1b[K{line}");
        let _ = std::io::stderr().flush();
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.used) {
            eprint!("\r\x1b[K");
        }
    }
}

fn so_far(phase: &str, flows: u64, events: u64) -> String {
    format!("{phase}: {flows} flows, {events} events removed so far")
}

fn failed(error: &StoreError) -> AppError {
    AppError::failed("the database cannot be used").said_by(error)
}

pub(super) fn time(time: Micros) -> String {
    jiff::Timestamp::from_microsecond(time.0).map(|time| format!("{time:.6}")).unwrap_or_default()
}

fn maintained(done: &Value) -> String {
    let count = |kind: &str| done[kind].as_u64().unwrap_or(0);
    format!(
        "removed    {} flows, {} events, {} bodies, {} contents, {} tunnels, {} rows about drops\n\
         freed      {}",
        count("flows"),
        count("events"),
        count("bodies"),
        count("contents"),
        count("tunnels"),
        count("drops"),
        bytes(count("freed_bytes")),
    )
}

fn folded(done: &Value) -> String {
    if done["busy"] == true {
        String::from("folded back as far as readers let; the rest follows when they are through")
    } else {
        String::from("the write-ahead log is folded back and empty")
    }
}

fn vacuumed(done: &Value) -> String {
    format!("freed      {}", bytes(done["freed_bytes"].as_u64().unwrap_or(0)))
}

fn reindexed(done: &Value) -> String {
    let count = |kind: &str| done[kind].as_u64().unwrap_or(0);
    let told = format!(
        "the index is empty and sound; a server fills it in the background, the newest of {} flows first",
        count("waiting"),
    );
    match done["not_freed"].as_str() {
        Some(why) => format!(
            "{told}\nthe pages of the old one stay in the file, which could not be written anew: {why}"
        ),
        None => format!("{told}\nfreed      {}", bytes(count("freed_bytes"))),
    }
}

fn copied(done: &Value) -> String {
    let size = bytes(done["bytes"].as_u64().unwrap_or(0));
    format!("copied     {} ({size})", done["file"].as_str().unwrap_or_default())
}

pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} bytes"),
        1024..1_048_576 => format!("{} KiB", count / 1024),
        // Parts of a few MiB should still be seen to add up.
        1_048_576..104_857_600 => {
            format!("{}.{} MiB", count / 1_048_576, count % 1_048_576 * 10 / 1_048_576)
        }
        _ => format!("{} MiB", count / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_a_few_mebibytes_have_a_decimal() {
        let told = [1023, 1024, 1 << 20, 1_363_149, 104_857_599, 104_857_600].map(bytes);
        assert_eq!(told, ["1023 bytes", "1 KiB", "1.0 MiB", "1.3 MiB", "99.9 MiB", "100 MiB"]);
    }

    #[test]
    fn a_copy_of_a_damaged_file_is_refused_with_the_way_to_save_the_rest() {
        let error = StoreError::Corrupt { path: "x.db".into(), detail: "malformed".into() };
        let said = not_copied(&error).to_string();
        assert!(said.contains("malformed") && said.contains("langley export flows"), "{said}");
        assert!(!said.contains("start afresh"), "{said}");
    }
}
