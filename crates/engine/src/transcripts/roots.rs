//! Where agents keep their transcripts, and the files there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use langley_protocol::transcript::TranscriptFormat;

use crate::import::Lines;

/// Lines of a file that are asked whether an agent wrote it, and bytes in which they stand.
const ASKED: usize = 50;
const ASKED_BYTES: u64 = 64 << 20;

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

/// The session that a file's name says it is of, for lines that name none.
pub(crate) fn named_session(path: &Path, format: TranscriptFormat) -> Option<String> {
    let name = path.file_stem()?.to_string_lossy();
    Some(format.session_of_name(&name).to_owned())
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
    let mut linked = Vec::new();
    for root in roots {
        match std::fs::metadata(&root.path) {
            Ok(facts) if facts.is_dir() => {
                let mut walk = Walk::default();
                walk.descend(root.format, &root.path, 0);
                walked.files.append(&mut walk.walked.files);
                walk.follow(root.format);
                let Walk { walked: Walked { mut files, mut refused }, older, .. } = walk;
                linked.append(&mut files);
                walked.refused.append(&mut refused);
                walked.refused.extend(refused_as_older(older));
            }
            // To open a pipe waits for who writes into it.
            Ok(facts) if !facts.is_file() => {
                let error =
                    io::Error::new(io::ErrorKind::InvalidInput, "it is no file and no folder");
                walked.refused.push((root.path.clone(), error));
            }
            Ok(facts) => match told(&root.path, facts.len()) {
                Ok(()) => take(root.format, root.path.clone(), &facts, &mut walked),
                Err(error) => walked.refused.push((root.path.clone(), error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => walked.refused.push((root.path.clone(), error)),
        }
    }
    let by_path = |one: &TranscriptFile, other: &TranscriptFile| one.path.cmp(&other.path);
    walked.files.sort_by(by_path);
    linked.sort_by(by_path);
    // A file is called as it is without links, where it is found so.
    walked.files.append(&mut linked);
    // Roots may lie in each other, or be links to each other.
    let mut seen = BTreeSet::new();
    walked.files.retain(|file| seen.insert(file.inode));
    walked.files.sort_by(by_path);
    walked
}

/// Whether an agent wrote a file that somebody names: any of its first lines says so, or it has none yet.
///
/// # Errors
/// It cannot be read, or no agent did.
fn told(path: &Path, size: u64) -> io::Result<()> {
    let mut lines = Lines::new(File::open(path)?, 0, size.min(ASKED_BYTES))?;
    let mut is_empty = true;
    for _ in 0..ASKED {
        let Some(line) = lines.next()? else { break };
        if !line.is_cut && TranscriptFormat::is_any(line.bytes) {
            return Ok(());
        }
        is_empty &= line.bytes.trim_ascii().is_empty();
    }
    if is_empty {
        return Ok(());
    }
    let why = if is_older(path) {
        OLDER.to_owned()
    } else {
        format!(
            "none of its first {ASKED} lines is one that Claude Code, Codex or Gemini CLI writes of a session; \
             docs/transcripts.md says where their files lie"
        )
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// What is said of a file of a format that is not read.
const OLDER: &str = "it is of an older format of Gemini CLI, one JSON document, which is not read";

/// The first of some files of that format, with how many more there are.
fn refused_as_older(older: Vec<PathBuf>) -> Option<(PathBuf, io::Error)> {
    let why = match older.len() {
        0 | 1 => OLDER.to_owned(),
        all => format!("{OLDER}, like {} more there", all - 1),
    };
    let first = older.into_iter().min()?;
    Some((first, io::Error::new(io::ErrorKind::InvalidData, why)))
}

/// Whether a file is called as Gemini CLI called its chats before they were lines.
fn is_older(path: &Path) -> bool {
    let is_called = |name: &str| name.starts_with("session-") && name.ends_with(".json");
    is_of_chats(path) && path.file_name().and_then(|name| name.to_str()).is_some_and(is_called)
}

/// Whether a file lies where Gemini CLI keeps its chats.
fn is_of_chats(path: &Path) -> bool {
    path.parent().and_then(Path::file_name).is_some_and(|it| it == "chats")
}

/// Finds the files beneath a folder.
#[derive(Default)]
struct Walk {
    walked: Walked,
    /// Those of an older format.
    older: Vec<PathBuf>,
    /// Links to folders that were met, how deep, and in which folder; in one order, so that a file is called the same
    /// each time.
    links: BTreeSet<(PathBuf, usize, PathBuf)>,
}

impl Walk {
    /// Finds what lies in the folders to which links lead, each once.
    fn follow(&mut self, format: TranscriptFormat) {
        let mut seen = BTreeSet::new();
        while let Some((link, depth, folder)) = self.links.pop_first() {
            let (Ok(target), Ok(folder)) = (link.canonicalize(), folder.canonicalize()) else {
                continue;
            };
            // One in which the link itself lies is being looked into.
            if !folder.starts_with(&target) && seen.insert(target) {
                self.descend(format, &link, depth);
            }
        }
    }

    fn descend(&mut self, format: TranscriptFormat, folder: &Path, depth: usize) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.walked.refused.push((folder.to_owned(), error)),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.walked.refused.push((folder.to_owned(), error));
                    continue;
                }
            };
            let path = entry.path();
            let kind = entry.file_type();
            let is_folder = kind.as_ref().is_ok_and(std::fs::FileType::is_dir);
            if kind.is_ok_and(|kind| kind.is_symlink()) && path.is_dir() {
                if depth < DEPTH_MAX {
                    self.links.insert((path, depth + 1, folder.to_owned()));
                }
                continue;
            }
            if is_folder && depth < DEPTH_MAX {
                self.descend(format, &path, depth + 1);
            } else if is_folder {
                let why = io::Error::other("it lies deeper than any agent's files");
                self.walked.refused.push((path, why));
            } else if is_transcript(format, &path) {
                match std::fs::metadata(&path) {
                    Ok(facts) if facts.is_file() => take(format, path, &facts, &mut self.walked),
                    Ok(_) => {}
                    // Gone meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => self.walked.refused.push((path, error)),
                }
            } else if is_older(&path) {
                self.older.push(path);
            }
        }
    }
}

fn is_transcript(format: TranscriptFormat, path: &Path) -> bool {
    let is_jsonl = path.extension().is_some_and(|it| it == "jsonl");
    match format {
        TranscriptFormat::ClaudeCode | TranscriptFormat::Codex => is_jsonl,
        TranscriptFormat::GeminiCli => is_jsonl && is_of_chats(path),
    }
}

fn take(format: TranscriptFormat, path: PathBuf, facts: &Metadata, walked: &mut Walked) {
    let modified_ns =
        facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec());
    let (size, inode) = (facts.len(), (facts.dev(), facts.ino()));
    walked.files.push(TranscriptFile { format, path, size, inode, modified_ns });
}
