//! Where agents keep their transcripts, and the files there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use langley_protocol::transcript::TranscriptFormat;

/// Folders within folders that are looked into; agents have five.
const DEPTH_MAX: usize = 12;

/// A folder with transcripts of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptRoot {
    /// Whose.
    pub format: TranscriptFormat,
    /// The folder.
    pub path: PathBuf,
}

/// A file of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptFile {
    /// Whose.
    pub format: TranscriptFormat,
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// The file system it is on, and which file of it, whatever it is called.
    pub inode: (u64, u64),
    /// Nanoseconds since 1970 of its last change.
    pub modified_ns: i64,
}

/// What was found in some folders.
#[derive(Debug, Default)]
pub struct Walked {
    /// The files, by path.
    pub files: Vec<TranscriptFile>,
    /// Folders and files that could not be looked at, and why.
    pub refused: Vec<(PathBuf, io::Error)>,
}

/// Where the agents on this machine keep theirs; `variable` reads the environment.
#[must_use]
pub fn default_roots(
    home: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<TranscriptRoot> {
    let of_home = |path: &str| home.map(|home| home.join(path));
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let claude: Vec<PathBuf> = match set("CLAUDE_CONFIG_DIR") {
        // Claude Code takes one folder, other readers of these files several with commas between.
        Some(value) => {
            let value = value.to_string_lossy();
            let named = value.split(',').map(str::trim).filter(|it| !it.is_empty());
            named.map(PathBuf::from).collect()
        }
        None => [of_home(".config/claude"), of_home(".claude")].into_iter().flatten().collect(),
    };
    let codex = set("CODEX_HOME").map(PathBuf::from).or_else(|| of_home(".codex"));
    let roots = |format, paths: Vec<PathBuf>| {
        paths.into_iter().map(move |path| TranscriptRoot { format, path })
    };
    roots(TranscriptFormat::ClaudeCode, claude.into_iter().map(|it| it.join("projects")).collect())
        .chain(roots(
            TranscriptFormat::Codex,
            codex
                .iter()
                .flat_map(|it| ["sessions", "archived_sessions"].map(|to| it.join(to)))
                .collect(),
        ))
        .chain(roots(TranscriptFormat::GeminiCli, of_home(".gemini/tmp").into_iter().collect()))
        .collect()
}

/// Files and folders that a user names: whose they are, each file says itself.
#[must_use]
pub fn user_roots(paths: Vec<PathBuf>) -> Vec<TranscriptRoot> {
    let format = TranscriptFormat::ClaudeCode;
    paths.into_iter().map(|path| TranscriptRoot { format, path }).collect()
}

/// Whose a file is, by its first line; none where it does not show.
pub(crate) fn sniffed(file: &File) -> io::Result<Option<TranscriptFormat>> {
    const ENOUGH: usize = 64 << 10;
    let mut beginning = vec![0; ENOUGH];
    let read = file.read_at(&mut beginning, 0)?;
    let line = beginning[..read].split(|byte| *byte == b'\n').next();
    Ok(line.and_then(TranscriptFormat::of_first_line))
}

impl Walked {
    /// Asks each file whose it is, where a user named the folder.
    pub fn sniff(&mut self) {
        for file in &mut self.files {
            if let Ok(Some(format)) = File::open(&file.path).and_then(|file| sniffed(&file)) {
                file.format = format;
            }
        }
    }
}

/// The files beneath some folders; a folder that is not there holds none.
#[must_use]
pub fn walk(roots: &[TranscriptRoot]) -> Walked {
    let mut walked = Walked::default();
    let mut seen = BTreeSet::new();
    for root in roots {
        match std::fs::metadata(&root.path) {
            Ok(facts) if facts.is_dir() => descend(root.format, &root.path, 0, &mut walked),
            // To open a pipe waits for who writes into it.
            Ok(facts) if !facts.is_file() => {
                let error =
                    io::Error::new(io::ErrorKind::InvalidInput, "it is no file and no folder");
                walked.refused.push((root.path.clone(), error));
            }
            Ok(facts) => take(root.format, root.path.clone(), &facts, &mut walked),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => walked.refused.push((root.path.clone(), error)),
        }
    }
    walked.files.sort_by(|one, other| one.path.cmp(&other.path));
    // Roots may lie in each other, or be links to each other.
    walked.files.retain(|file| seen.insert(file.inode));
    walked
}

fn descend(format: TranscriptFormat, folder: &Path, depth: usize, walked: &mut Walked) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return walked.refused.push((folder.to_owned(), error)),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walked.refused.push((folder.to_owned(), error));
                continue;
            }
        };
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth < DEPTH_MAX {
            descend(format, &path, depth + 1, walked);
        } else if is_folder {
            walked.refused.push((path, io::Error::other("it lies deeper than any agent's files")));
        } else if is_transcript(format, &path) {
            // Links to files are followed, those to folders are not.
            match std::fs::metadata(&path) {
                Ok(facts) if facts.is_file() => take(format, path, &facts, walked),
                Ok(_) => {}
                // Gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => walked.refused.push((path, error)),
            }
        }
    }
}

fn is_transcript(format: TranscriptFormat, path: &Path) -> bool {
    let is_jsonl = path.extension().is_some_and(|it| it == "jsonl");
    match format {
        TranscriptFormat::ClaudeCode | TranscriptFormat::Codex => is_jsonl,
        TranscriptFormat::GeminiCli => {
            is_jsonl && path.parent().and_then(Path::file_name).is_some_and(|it| it == "chats")
        }
    }
}

fn take(format: TranscriptFormat, path: PathBuf, facts: &Metadata, walked: &mut Walked) {
    let modified_ns =
        facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec());
    let (size, inode) = (facts.len(), (facts.dev(), facts.ino()));
    walked.files.push(TranscriptFile { format, path, size, inode, modified_ns });
}
