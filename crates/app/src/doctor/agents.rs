//! Which agents are on this machine, and how to run one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::check::Check;
use crate::config::Environment;
use crate::preset::PRESETS;

/// Agents on the search path.
pub(super) fn check(environment: &Environment) -> Check {
    let found: Vec<(&str, PathBuf)> = PRESETS
        .iter()
        .filter(|preset| preset.is_agent())
        .filter_map(|preset| Some((preset.name, on_path(preset.name, environment)?)))
        .collect();
    let Some((first, _)) = found.first() else {
        return Check::passed("agents", "none that is known is on PATH").next(
            "any command works: `langley run -- CMD`; `langley run --list` shows the known ones",
        );
    };
    let shown: Vec<String> =
        found.iter().map(|(name, path)| format!("{name} ({})", path.display())).collect();
    Check::passed("agents", shown.join(", ")).next(format!("run one: `langley run -- {first}`"))
}

fn on_path(name: &str, environment: &Environment) -> Option<PathBuf> {
    let folders = std::env::split_paths(environment.value("PATH")?);
    folders.map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_one_that_can_be_executed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let variables = [("PATH".to_owned(), path)].into();
        let environment = Environment { variables, folder: "/".into() };
        let file = folder.path().join("codex");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(check(&environment).to_string().contains("none that is known"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let said = check(&environment).to_string();
        assert!(said.contains("codex (") && said.contains("`langley run -- codex`"), "{said}");
    }
}
