//! `langley export`: flows as a file for other programs and people, read from the database without the
//! server.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use jiff::Timestamp;
use langley_server::{ExportError, write_export};
use langley_store::{FlowFilter, Store};
use tempfile::NamedTempFile;

use super::flows::parse_since;
use crate::cli::{ExportVerb, GlobalArgs};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::wire::redactor;

/// Exports flows.
///
/// # Errors
/// No database yet, or it cannot be read; no such session; the output cannot be written.
pub(crate) fn export(global: &GlobalArgs, verb: &ExportVerb) -> Result<()> {
    let config = config::load_leniently(global, &Environment::of_process())?.told().config;
    let home = Home::at(&config.home);
    let (session, args) = match verb {
        ExportVerb::Flows { session, args } => (session.clone(), args),
        ExportVerb::Session { id, args } => (Some(id.clone()), args),
    };
    // `-` is what other programs call standard output.
    let output = args.output.as_ref().filter(|path| path.as_os_str() != "-");
    if let Some(path) = output.filter(|path| !args.force && path.is_file()) {
        return Err(AppError::failed(format!("there is already a file at {}", path.display()))
            .next("name another, or replace it with `--force`"));
    }
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let (named, project) = (session.clone(), args.project.clone());
    let filter = FlowFilter { since, session: named, project, ..FlowFilter::default() };
    let unreadable =
        |error: &dyn std::error::Error| AppError::failed("the flows cannot be read").said_by(error);
    reading::catch_up(&home);
    let told = reading::told(&home);
    let store = Store::open_read_only(home.database()).map_err(|error| unreadable(&error))?;
    if let Some(id) = session
        && store.count_flows(&filter).map_err(|error| unreadable(&error))? == 0
    {
        return Err(AppError::failed(format!("no flow of the session `{id}` is recorded"))
            .why("a session is named by the id that its agent gave it, whole and as it is spelt")
            .next("list those that are: `langley sessions`"));
    }
    let redactor = redactor(&config)?;
    let write = |out: &mut dyn Write| {
        let mut out = BufWriter::with_capacity(64 << 10, out);
        write_export((&store, told), &redactor, &filter, args.format.into(), &mut out)
    };
    let written = match output {
        None => write(&mut io::stdout().lock()),
        Some(path) => into_file(path, write).map_err(|error| unwritable(path, &error))?,
    };
    match written {
        Ok(done) => {
            if let Some(lack) = done.lack() {
                eprintln!("warning: {lack}; `langley doctor` says what is damaged");
            }
            if let Some(path) = output.filter(|_| !global.quiet) {
                eprintln!("{} flows written to {}", done.flows, path.display());
            }
            Ok(())
        }
        // `langley export flows | head` is no failure.
        Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(ExportError::Write(error)) => {
            let to = output.map_or("standard output".into(), |path| path.display().to_string());
            Err(AppError::failed("the export broke off")
                .why(format!("{to} takes no more: {error}"))
                .next("see that there is room, or write it to another place: `--output FILE`"))
        }
        Err(ExportError::Store(error)) => {
            Err(AppError::failed("the export broke off").said_by(&error))
        }
    }
}

/// Why nothing could be written there; the file that grows beside it meanwhile is nobody's concern.
fn unwritable(path: &Path, error: &io::Error) -> AppError {
    let why = match error.kind() {
        _ if path.is_dir() => String::from("it is a folder"),
        ErrorKind::NotFound => String::from("its folder is not there"),
        ErrorKind::PermissionDenied => String::from("you may not write in its folder"),
        ErrorKind::ReadOnlyFilesystem => String::from("its disk is read-only"),
        ErrorKind::StorageFull => String::from("its disk is full"),
        other => other.to_string(),
    };
    AppError::failed(format!("cannot write {}", path.display()))
        .why(why)
        .next("name a file in a folder that is there, that you may write and that has room")
}

/// Has a file written for its owner alone; what is there stays until the new one is whole. A device or a
/// pipe is written to, not replaced.
fn into_file<T, E>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::result::Result<T, E>,
) -> io::Result<std::result::Result<T, E>> {
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        return Ok(write(&mut OpenOptions::new().write(true).open(path)?));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let written = write(&mut file);
    if written.is_ok() {
        file.persist(path).map_err(|error| error.error)?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_cannot_be_written_is_told_by_the_name_that_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/flows.json");
        let error = into_file(&path, |_| Ok::<(), ()>(())).unwrap_err();
        let said = unwritable(&path, &error).to_string();
        assert!(said.starts_with(&format!("error: cannot write {}\n", path.display())), "{said}");
        assert!(
            said.contains("its folder is not there") && said.contains("next:  name a file"),
            "{said}"
        );
        assert!(!said.replace(path.to_str().unwrap(), "").contains(".tmp"), "{said}");
        let error = io::Error::other("x");
        assert!(unwritable(folder.path(), &error).to_string().contains("it is a folder"));
    }

    #[test]
    fn what_is_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flows.json");
        fs::write(&path, "before").unwrap();
        let written = |ending: std::result::Result<(), ()>| {
            let said = into_file(&path, |out| {
                out.write_all(b"after").unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), "before");
                ending
            });
            assert_eq!(said.unwrap(), ending);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            fs::read_to_string(&path).unwrap()
        };
        assert_eq!(written(Err(())), "before");
        assert_eq!(written(Ok(())), "after");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        }
    }
}
