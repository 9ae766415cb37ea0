//! What a subagent is called: what its first line asks of it, and what its agent wrote of it beside its transcript.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use langley_model::Redactor;
use langley_store::{Store, StoreError};
use parking_lot::Mutex;
use serde::Deserialize;

use super::page::{ConversationThread, Lane};
use super::shape::{Shape, ThreadShapes};

/// Lanes that are named; a session with more of them is no session to read.
const NAMED: usize = 256;
/// Bytes of a note that are read, and characters of what is taken of it.
const NOTE_BYTES: u64 = 64 * 1_024;
const NOTE_CHARS: usize = 200;

/// Notes that are remembered.
const REMEMBERED: usize = 4 * NAMED;

/// What stands beside a subagent's transcript.
///
/// Source of the format: Claude Code, `subagents/agent-<id>.meta.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Note {
    agent_type: Option<String>,
    description: Option<String>,
}

/// The notes that were read of late, redacted, each with its file's size and last change.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<HashMap<PathBuf, (Stamp, Note)>>);

/// A file's size and last change.
type Stamp = (u64, Option<SystemTime>);

/// Tells of each subagent's lane how its first line begins, and in which file that was.
pub(super) fn name(store: &Store, shape: &Shape, lanes: &mut [Lane]) -> Result<(), StoreError> {
    let firsts = shape.firsts(NAMED);
    let ids: Vec<i64> = firsts.iter().skip(1).flatten().copied().collect();
    for line in store.kept_lines(&ids, false)?.lines {
        let number = firsts.iter().position(|first| *first == Some(line.id));
        if let Some(lane) = number.and_then(|number| lanes.get_mut(number)) {
            lane.prompt = line.facts.text;
            lane.begun_in = Some(line.path);
        }
    }
    Ok(())
}

impl ConversationThread {
    /// Reads what agents wrote beside their subagents' transcripts, as long as that is there.
    pub fn read_notes(&mut self, shapes: &ThreadShapes, redactor: &Redactor) {
        for lane in &mut self.lanes {
            lane.read_note(shapes.notes(), redactor);
        }
    }
}

impl Lane {
    fn read_note(&mut self, notes: &Notes, redactor: &Redactor) {
        let beside = self.begun_in.as_deref().and_then(beside);
        let Some(note) = beside.and_then(|path| notes.read(path, redactor)) else { return };
        (self.agent_type, self.description) = (note.agent_type, note.description);
    }
}

impl Notes {
    /// Reads a note, unless it is as it was; none where there is nothing that can be read.
    fn read(&self, path: PathBuf, redactor: &Redactor) -> Option<Note> {
        // Neither a pipe, which would be waited for, nor a folder.
        let file = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let stamp = (file.len(), file.modified().ok());
        if let Some((known, note)) = self.0.lock().get(&path)
            && *known == stamp
        {
            return Some(note.clone());
        }
        let mut read = Vec::new();
        fs::File::open(&path).ok()?.take(NOTE_BYTES).read_to_end(&mut read).ok()?;
        let note: Note = serde_json::from_slice(&read).ok()?;
        let redacted = |told: Option<String>| {
            let mut told = told.filter(|told| !told.trim().is_empty())?;
            redactor.scrub_text(&mut told);
            Some(told.chars().take(NOTE_CHARS).collect())
        };
        let note =
            Note { agent_type: redacted(note.agent_type), description: redacted(note.description) };
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(path, (stamp, note.clone()));
        Some(note)
    }
}

/// Where the note of a subagent lies that wrote this transcript; none of a file that is no subagent's.
fn beside(transcript: &str) -> Option<PathBuf> {
    let path = Path::new(transcript);
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    name.strip_prefix("agent-")?;
    Some(path.with_file_name(format!("{name}.meta.json")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use langley_model::RedactorOptions;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(RedactorOptions::default()).unwrap()
    }

    fn named(note: &str) -> (Option<String>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("agent-a1.meta.json"), note).unwrap();
        let path = folder.path().join("agent-a1.jsonl");
        let begun_in = path.to_str().map(str::to_owned);
        let mut lane = Lane { number: 1, begun_in, ..Lane::default() };
        lane.read_note(&Notes::default(), &redactor());
        (lane.agent_type, lane.description)
    }

    #[test]
    fn a_note_beside_a_transcript_says_what_the_subagent_is() {
        let key = format!("sk-ant-api03-{}", "a".repeat(40));
        let (kind, about) = named(&format!(
            r#"{{"agentType":"Explore","description":"Use {key}","toolUseId":"t"}}"#
        ));
        assert_eq!(kind.as_deref(), Some("Explore"));
        let about = about.unwrap();
        assert!(about.starts_with("Use ") && !about.contains(&key), "{about}");
    }

    #[test]
    fn a_note_that_is_none_says_nothing() {
        for note in ["", "[]", r#"{"agentType":7}"#, r#"{"agentType":" "}"#] {
            assert_eq!(named(note), (None, None), "{note}");
        }
        let notes = Notes::default();
        assert!(notes.read(beside("/nowhere/agent-x.jsonl").unwrap(), &redactor()).is_none());
        assert!(beside("/nowhere/session.jsonl").is_none());
    }

    #[test]
    fn a_note_is_read_again_once_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent-a1.meta.json");
        let (notes, redactor) = (Notes::default(), redactor());
        let kind = || notes.read(path.clone(), &redactor).and_then(|note| note.agent_type);
        let write = |kind: &str, at: u64| {
            fs::write(&path, format!(r#"{{"agentType":"{kind}"}}"#)).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at);
            fs::File::open(&path).unwrap().set_modified(at).unwrap();
        };
        write("Plan", 1_000);
        assert_eq!(kind().as_deref(), Some("Plan"));
        // As long, and of the same time: nothing says that it is another.
        write("Task", 1_000);
        assert_eq!(kind().as_deref(), Some("Plan"));
        write("Task", 2_000);
        assert_eq!(kind().as_deref(), Some("Task"));
        write("Explore", 2_000);
        assert_eq!(kind().as_deref(), Some("Explore"));
        fs::remove_file(&path).unwrap();
        assert_eq!(kind(), None);
    }
}
