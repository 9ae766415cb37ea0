//! `cargo xtask fuzz`: damaged input for every decoder, for as long as wished.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use langley_testkit::captured_hellos;
use langley_testkit::fuzz::{DECODERS, seeds};

use crate::run::run;
use crate::workspace::cargo;

#[derive(Debug, Args)]
pub(crate) struct FuzzOptions {
    /// Seconds for each decoder
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only decoders whose name holds this
    #[arg(long, default_value = "")]
    only: String,
    /// Run nothing: write what the damage begins with, a folder for each target of `cargo fuzz`
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
}

/// The rewriting of hellos has a test of its own, in the room that rewrites them.
const MIRROR: &str = "mirrored hello";

pub(crate) fn fuzz(options: &FuzzOptions) -> Result<()> {
    let wanted: Vec<_> = names().filter(|name| name.contains(&options.only)).collect();
    ensure!(!wanted.is_empty(), "no decoder's name holds {:?}", options.only);
    if let Some(folder) = &options.corpus {
        return wanted.iter().try_for_each(|name| corpus(folder, name));
    }
    if wanted.iter().any(|name| *name != MIRROR) {
        long(options, "langley-protocol", &["--test", "it"], "fuzz::for_a_long_time")?;
    }
    if wanted.contains(&MIRROR) {
        long(options, "langley-proxy", &["--lib"], "mirror::tests::damage::for_a_long_time")?;
    }
    Ok(())
}

/// What `--only` knows.
fn names() -> impl Iterator<Item = &'static str> {
    DECODERS.iter().map(|decoder| decoder.name).chain([MIRROR])
}

/// What `cargo fuzz` calls the decoder.
fn target(name: &str) -> String {
    name.replace(' ', "_")
}

/// Writes one file for each seed.
fn corpus(folder: &Path, name: &str) -> Result<()> {
    let folder = folder.join(target(name));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let seeds = match name == MIRROR {
        true => captured_hellos().into_iter().map(|(_, hello)| hello).collect(),
        false => seeds(),
    };
    for (number, seed) in seeds.iter().enumerate() {
        let path = folder.join(format!("seed-{number:03}"));
        fs::write(&path, seed).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}: {} seeds", folder.display(), seeds.len());
    Ok(())
}

fn long(options: &FuzzOptions, package: &str, which: &[&str], test: &str) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--release", "-p", package])
        .args(which)
        .args(["--", "--ignored", "--nocapture", "--exact", test])
        .env("LANGLEY_FUZZ_SECONDS", options.seconds.to_string())
        .env("LANGLEY_FUZZ_ONLY", &options.only);
    ensure!(run(command)?.ok, "a decoder failed; its input stands above");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    /// `fuzz/` is not built with the rest, so this keeps it from being forgotten.
    #[test]
    fn cargo_fuzz_has_one_target_for_each_decoder_and_no_other() {
        let folder = root().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let mut listed: Vec<_> = manifest
            .split("[[bin]]")
            .skip(1)
            .map(|table| table.split('"').nth(1).unwrap().to_owned())
            .collect();
        let mut files: Vec<_> = fs::read_dir(folder.join("fuzz_targets"))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let mut known: Vec<_> = names().map(target).collect();
        [&mut listed, &mut files, &mut known].into_iter().for_each(|names| names.sort());
        assert_eq!(listed, known);
        assert_eq!(files, known);
        for name in names() {
            let path = folder.join(format!("fuzz_targets/{}.rs", target(name)));
            let text = fs::read_to_string(path).unwrap();
            let call = match name {
                MIRROR => "langley_proxy::fuzz::{mirror, strip}".to_owned(),
                name => format!("langley_fuzz::check(\"{name}\", input)"),
            };
            assert!(text.contains(&call), "{name} does something else: {text}");
        }
    }

    #[test]
    fn a_corpus_has_the_seeds_of_what_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let options = |only: &str| FuzzOptions {
            seconds: 0,
            only: only.to_owned(),
            corpus: Some(folder.path().to_owned()),
        };
        fuzz(&options("hello")).unwrap();
        assert!(fuzz(&options("no such decoder")).is_err());
        let read = |target: &str| {
            let mut files: Vec<_> = fs::read_dir(folder.path().join(target))
                .unwrap()
                .map(|entry| fs::read(entry.unwrap().path()).unwrap())
                .collect();
            files.sort();
            files
        };
        let sorted = |mut seeds: Vec<Vec<u8>>| {
            seeds.sort();
            seeds
        };
        assert_eq!(read("client_hello"), sorted(seeds()));
        let hellos = captured_hellos().into_iter().map(|(_, hello)| hello).collect();
        assert_eq!(read("mirrored_hello"), sorted(hellos));
        assert!(!folder.path().join("gzip").exists());
    }
}
