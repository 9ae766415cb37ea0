//! The home: can it be written, is it private, is there room?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::check::Check;
use crate::config::bytes_text;
use crate::error::AppError;
use crate::home::Home;
use crate::token::Token;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Home, token, the key of digests and free space.
pub(super) fn checks(home: &Home) -> Vec<Check> {
    if !home.root().exists() {
        let what =
            format!("{} does not exist yet; it is made at the first start", home.root().display());
        return vec![Check::passed("home", what), room(home)];
    }
    let usable = match Home::create(home.root()) {
        Err(error) => return vec![Check::failed("home", &error)],
        Ok(_) => privacy("home", home.root(), 0o700),
    };
    let mut checks = vec![usable, token(home)];
    if home.digest_key().exists() {
        checks.push(privacy("digest key", &home.digest_key(), 0o600));
    }
    checks.push(room(home));
    checks
}

fn token(home: &Home) -> Check {
    match Token::read(home) {
        Err(error) => Check::failed("token", &error),
        Ok(None) => Check::passed("token", "none yet; it is made at the first start"),
        Ok(Some(_)) => privacy("token", &home.token(), 0o600),
    }
}

/// A file or folder that must be closed to others.
pub(super) fn privacy(name: &'static str, path: &Path, wanted: u32) -> Check {
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => {
            let missing = AppError::failed(format!("{} cannot be looked at", path.display()))
                .because(&error)
                .next("start Langley again: it makes what is missing, or says what is in the way");
            return Check::failed(name, &missing);
        }
    };
    if mode & 0o077 == 0 {
        return Check::passed(name, format!("{}, mode {mode:o}", path.display()));
    }
    Check::warned(name, format!("{} is open to others (mode {mode:o})", path.display()))
        .why("whoever can read it can read what was recorded, or use the API")
        .next(format!("chmod {wanted:o} {}", path.display()))
}

fn room(home: &Home) -> Check {
    let existing = home.root().ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match fs4::available_space(existing) {
        Err(error) => {
            Check::warned("disk", "free space cannot be read").why(error.to_string()).next(
                "look yourself: `df -h`; without room flows are dropped (traffic itself goes on)",
            )
        }
        Ok(free) => {
            let what = format!("{} free", bytes_text(free / MIB * MIB));
            if free >= GIB {
                Check::passed("disk", format!("{} GiB free", free / GIB))
            } else if free >= 100 * MIB {
                Check::warned("disk", what).next("free some space, or move the home: --home DIR")
            } else {
                let error = AppError::failed(what)
                    .why("without room flows are dropped (traffic itself goes on)")
                    .next("free some space, or move the home: --home DIR");
                Check::failed("disk", &error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn what_is_missing_is_no_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.key");
        assert_eq!(privacy("ca key", &path, 0o600).verdict, Verdict::Fail);
        fs::write(&path, "").unwrap();
        for (mode, verdict) in [(0o600, Verdict::Pass), (0o640, Verdict::Warn)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(privacy("ca key", &path, 0o600).verdict, verdict);
        }
    }
}
