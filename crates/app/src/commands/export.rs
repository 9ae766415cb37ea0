//! `langley export`: flows as a file for other programs and people, read from the database without the
//! server.

use std::fs::OpenOptions;
use std::io::{BufWriter, ErrorKind, Write};

use jiff::Timestamp;
use langley_server::{ExportError, write_export};
use langley_store::{FlowFilter, Store};

use super::flows::parse_since;
use crate::cli::{ExportVerb, GlobalArgs};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::wire::redactor;

/// Exports flows.
///
/// # Errors
/// No database yet, or it cannot be read; no such session; the output cannot be written.
pub(crate) fn export(global: &GlobalArgs, verb: &ExportVerb) -> Result<()> {
    let loaded = config::load(global, &Environment::of_process())?;
    let home = Home::at(&loaded.config.home);
    let (session, args) = match verb {
        ExportVerb::Flows(args) => (None, args),
        ExportVerb::Session { id, args } => (Some(id.clone()), args),
    };
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let filter = FlowFilter { since, session: session.clone(), ..FlowFilter::default() };
    let unreadable =
        |error: &dyn std::error::Error| AppError::failed("the flows cannot be read").said_by(error);
    let store = Store::open_read_only(home.database()).map_err(|error| unreadable(&error))?;
    if let Some(id) = session
        && store.count_flows(&filter).map_err(|error| unreadable(&error))? == 0
    {
        return Err(AppError::failed(format!("no flow of the session `{id}` is recorded"))
            .next("list the sessions of flows: `langley flows --json`"));
    }
    let redactor = redactor(&loaded.config)?;
    let out: Box<dyn Write> = match &args.output {
        None => Box::new(std::io::stdout().lock()),
        Some(path) => {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(0o600);
            }
            let file = options.open(path).map_err(|error| {
                AppError::failed(format!("cannot write {}", path.display())).because(&error)
            })?;
            Box::new(file)
        }
    };
    let mut out = BufWriter::with_capacity(64 << 10, out);
    match write_export(&store, &redactor, &filter, args.format.into(), &mut out) {
        Ok(count) => {
            if let Some(path) = args.output.as_ref().filter(|_| !global.quiet) {
                eprintln!("{count} flows written to {}", path.display());
            }
            Ok(())
        }
        // `langley export flows | head` is no failure.
        Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(AppError::failed("the export broke off").because(&error)),
    }
}
