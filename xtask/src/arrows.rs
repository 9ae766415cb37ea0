//! The arrows between the rooms: who may use whom, and which outside crates a room must not touch.
//!
//! The tables are those of ARCHITECTURE.md. A new arrow is a decision, so it is written here too.

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata};

use crate::workspace::{cargo, metadata};

/// One room: its package, and the rooms it may use.
struct Room {
    package: &'static str,
    may_use: &'static [&'static str],
    /// Outside crates it must not name.
    never: &'static [&'static str],
}

/// Rooms that tests of every room may use.
const FOR_TESTS: [&str; 2] = ["langley-fixture", "langley-testkit"];

const ROOMS: [Room; 10] = [
    Room {
        package: "langley-model",
        may_use: &[],
        never: &["axum", "hyper", "reqwest", "rusqlite", "rustls", "tokio"],
    },
    Room {
        package: "langley-protocol",
        may_use: &["langley-model"],
        never: &["axum", "hyper", "reqwest", "rusqlite", "rustls", "tokio"],
    },
    Room {
        package: "langley-proxy",
        may_use: &["langley-model", "langley-protocol"],
        never: &["axum", "rusqlite", "serde_json", "tokio-postgres"],
    },
    Room {
        package: "langley-store",
        may_use: &["langley-model"],
        never: &["axum", "hyper", "rustls", "tokio", "tokio-postgres"],
    },
    Room {
        package: "langley-engine",
        may_use: &["langley-model", "langley-protocol", "langley-store"],
        never: &["axum", "hyper", "rusqlite", "rustls", "tokio"],
    },
    Room {
        package: "langley-server",
        may_use: &["langley-engine", "langley-model", "langley-store"],
        never: &["rusqlite", "rustls", "tokio-postgres"],
    },
    Room { package: "langley-fixture", may_use: &["langley-model"], never: &["axum", "rusqlite"] },
    Room {
        package: "langley-testkit",
        may_use: &["langley-fixture", "langley-model", "langley-protocol"],
        never: &["axum", "rusqlite"],
    },
    Room {
        package: "langley",
        may_use: &[
            "langley-engine",
            "langley-fixture",
            "langley-model",
            "langley-protocol",
            "langley-proxy",
            "langley-server",
            "langley-store",
        ],
        never: &["axum", "rusqlite", "tokio-postgres"],
    },
    Room {
        package: "xtask",
        may_use: &[
            "langley-engine",
            "langley-fixture",
            "langley-model",
            "langley-store",
            "langley-testkit",
        ],
        never: &["axum", "hyper", "reqwest", "rusqlite", "rustls"],
    },
];

/// Rooms that must stay free of their forbidden crates even by way of others.
const FREE_THROUGHOUT: [&str; 2] = ["langley-model", "langley-protocol"];

/// Checks every arrow.
pub(crate) fn arrows() -> Result<()> {
    let mut wrong = edges(&metadata()?);
    for room in ROOMS.iter().filter(|room| FREE_THROUGHOUT.contains(&room.package)) {
        wrong.extend(reached(room)?);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("arrows that are not allowed:\n  {}", wrong.join("\n  "))
}

/// Direct dependencies that no table allows.
fn edges(metadata: &Metadata) -> Vec<String> {
    let mut wrong = Vec::new();
    let inside: Vec<_> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for package in &metadata.packages {
        let Some(room) = ROOMS.iter().find(|room| room.package == package.name.as_str()) else {
            wrong.push(format!("{} is in no table: add it to xtask/src/arrows.rs", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let for_tests = dependency.kind == DependencyKind::Development;
            if inside.contains(&name) {
                let allowed = room.may_use.contains(&name)
                    || (for_tests && (FOR_TESTS.contains(&name) || name == room.package));
                if !allowed {
                    wrong.push(format!("{} ({:?}) -> {name}", room.package, dependency.kind));
                }
            } else if !for_tests && room.never.contains(&name) {
                wrong.push(format!("{} -> {name}, which it must not name", room.package));
            }
        }
    }
    wrong
}

/// Forbidden crates that `room` reaches through others.
fn reached(room: &Room) -> Result<Vec<String>> {
    let output = cargo()
        .args(["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", room.package])
        .output()
        .context("cargo tree could not be started")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    Ok(room
        .never
        .iter()
        .filter(|name| names.contains(name))
        .map(|name| format!("{} -> … -> {name}", room.package))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arrow_between_the_rooms_is_an_allowed_one() {
        arrows().unwrap();
    }

    #[test]
    fn the_table_itself_has_no_circle() {
        // A room may only use rooms whose own list is shorter by at least itself.
        fn depth(package: &str, seen: usize) -> usize {
            assert!(seen < ROOMS.len(), "a circle through {package}");
            let room = ROOMS.iter().find(|room| room.package == package).unwrap();
            room.may_use.iter().map(|used| depth(used, seen + 1) + 1).max().unwrap_or(0)
        }
        for room in &ROOMS {
            depth(room.package, 0);
        }
    }
}
