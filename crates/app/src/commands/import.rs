//! `langley import`: what agents wrote of their own sessions is kept, through the running server, else here under its
//! lock.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use langley_engine::{Importer, user_roots, walk};
use langley_model::Micros;
use langley_store::{Store, StoreError};
use serde_json::{Value, json};

use super::db::bytes;
use super::transcripts::none_in;
use crate::api::Api;
use crate::cli::{GlobalArgs, ImportArgs};
use crate::config::{self, Config, Environment};
use crate::detach;
use crate::digest_key;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;
use crate::opening::{prices, store_options, transcript_roots};
use crate::runtime;
use crate::token::Token;
use crate::wire::redactor;

/// Brings in what is new.
///
/// # Errors
/// A path is not there, there is nothing to read, or the database cannot be written.
pub(crate) fn import(global: &GlobalArgs, args: &ImportArgs) -> Result<()> {
    let lenient = config::load_leniently(global, &Environment::of_process())?.sure_of_home()?;
    let home = Home::at(&lenient.usable().config.home);
    let paths: Vec<PathBuf> = args.paths.iter().map(|path| whole(path)).collect::<Result<_>>()?;
    let runtime = runtime::small()?;
    let done = match runtime.block_on(detach::healthy(&home)) {
        // It goes by its own configuration.
        Some(state) => {
            lenient.told();
            let api = Api::new(state.api, Token::read(&home)?);
            let body = json!({ "paths": paths, "again": args.again });
            runtime
                .block_on(api.await_post("/api/import", Some(&body)))
                .map_err(|error| error.told("the server did not do it"))?
        }
        None => here(&lenient.strict()?.config, &paths, args.again, global.quiet)?,
    };
    if args.json {
        println!("{done:#}");
    } else {
        for refused in done["refused"].as_array().into_iter().flatten() {
            let of = |name: &str| refused[name].as_str().unwrap_or_default().to_owned();
            eprintln!("warning: {} could not be read: {}", of("path"), of("why"));
        }
        println!("{}", in_words(&done));
    }
    Ok(())
}

/// The path as the server takes it.
fn whole(path: &Path) -> Result<PathBuf> {
    let failed = |error: std::io::Error| {
        AppError::failed(format!("{} cannot be brought in", path.display())).because(&error)
    };
    std::fs::metadata(path).map_err(failed)?;
    std::path::absolute(path).map_err(failed)
}

/// Without a server: as one would, and under its lock.
fn here(config: &Config, paths: &[PathBuf], is_again: bool, is_quiet: bool) -> Result<Value> {
    let roots =
        if paths.is_empty() { transcript_roots(config) } else { user_roots(paths.to_vec()) };
    let walked = walk(&roots);
    if walked.files.is_empty() && walked.refused.is_empty() && paths.is_empty() {
        return Err(none_in(&roots));
    }
    let home = Home::create(&config.home)?;
    let Claim::Ours(_lock) = Claim::take(&home)? else {
        return Err(AppError::failed("a server holds the database, but does not answer")
            .why("it is starting or ending")
            .next("try again in a moment; `langley status` says when it is there"));
    };
    let failed =
        |error: &StoreError| AppError::failed("the transcripts cannot be kept").said_by(error);
    let store = Store::open(store_options(config, &home), Box::new(|_| ()))
        .map_err(|error| failed(&error))?;
    let redactor = Arc::new(redactor(config)?);
    let shows = std::io::stderr().is_terminal() && !is_quiet;
    let key = digest_key::open_or_create(&home, &store).inspect_err(|_| store.clone().close())?;
    let brought = (|| {
        let mut importer = Importer::new(store.clone(), redactor, key, prices(config))?.alone();
        if is_again {
            importer.look_again(&roots, paths.is_empty(), Micros::now())?;
        } else {
            importer.look(&roots, paths.is_empty(), Micros::now())?;
        }
        let all = importer.waiting();
        while importer.step()? {
            if shows {
                eprint!("\r{} of {all} files left ", importer.waiting());
                let _ = std::io::stderr().flush();
            }
        }
        if shows && all > 0 {
            eprintln!();
        }
        Ok(importer.report())
    })();
    store.close();
    let report = brought.map_err(|error| failed(&error))?;
    langley_server::import_json(&report)
        .map_err(|error| AppError::failed("what was done cannot be told").because(&error))
}

fn in_words(done: &Value) -> String {
    let count = |name: &str| done[name].as_u64().unwrap_or(0);
    let mut text = format!(
        "{} new lines ({}) with {} new responses, in {} files: {} new, {} written on, {} written anew, {} renamed, {} gone",
        count("lines"),
        bytes(count("bytes")),
        count("responses"),
        count("files"),
        count("new_files"),
        count("grown"),
        count("rewritten"),
        count("renamed"),
        count("deleted"),
    );
    for (name, what) in [
        ("unreadable", "lines are no JSON, and are kept as they are"),
        ("mended", "lines were cut within a character"),
        ("cut", "lines are too long to be kept whole"),
        (
            "left_out",
            "lines are of conversations that were deleted; `langley import --again` brings them in again",
        ),
        ("torn", "files end in a line that is being written; it is read once it is whole"),
    ] {
        if count(name) > 0 {
            text.push_str(&format!("\n{} {what}", count(name)));
        }
    }
    text
}
