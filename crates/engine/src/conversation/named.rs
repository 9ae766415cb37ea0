//! What a subagent is called: what its first line asks of it, and what its agent wrote of it beside its transcript.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use langley_model::Redactor;
use langley_store::{Store, StoreError};
use serde::Deserialize;

use super::page::{ConversationThread, Lane};
use super::shape::Shape;

/// Lanes that are named; a session with more of them is no session to read.
const NAMED: usize = 256;
/// Bytes of a note that are read, and characters of what is taken of it.
const NOTE_BYTES: u64 = 64 * 1_024;
const NOTE_CHARS: usize = 200;

/// What stands beside a subagent's transcript.
///
/// Source of the format: Claude Code, `subagents/agent-<id>.meta.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Note {
    agent_type: Option<String>,
    description: Option<String>,
}

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
    pub fn read_notes(&mut self, redactor: &Redactor) {
        for lane in &mut self.lanes {
            lane.read_note(redactor);
        }
    }
}

impl Lane {
    fn read_note(&mut self, redactor: &Redactor) {
        let Some(note) = self.begun_in.as_deref().and_then(note_beside) else { return };
        let redacted = |told: Option<String>| {
            let mut told = told.filter(|told| !told.trim().is_empty())?;
            redactor.scrub_text(&mut told);
            Some(told.chars().take(NOTE_CHARS).collect())
        };
        self.agent_type = redacted(note.agent_type);
        self.description = redacted(note.description);
    }
}

/// None where the file is no subagent's, or nothing that can be read stands beside it.
fn note_beside(transcript: &str) -> Option<Note> {
    let path = Path::new(transcript);
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    name.strip_prefix("agent-")?;
    let beside: PathBuf = path.with_file_name(format!("{name}.meta.json"));
    // Neither a pipe, which would be waited for, nor a folder.
    fs::metadata(&beside).ok().filter(fs::Metadata::is_file)?;
    let mut read = Vec::new();
    fs::File::open(&beside).ok()?.take(NOTE_BYTES).read_to_end(&mut read).ok()?;
    serde_json::from_slice(&read).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use langley_model::RedactorOptions;

    use super::*;

    fn named(note: &str) -> (Option<String>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("agent-a1.meta.json"), note).unwrap();
        let path = folder.path().join("agent-a1.jsonl");
        let begun_in = path.to_str().map(str::to_owned);
        let mut lane = Lane { number: 1, begun_in, ..Lane::default() };
        lane.read_note(&Redactor::new(RedactorOptions::default()).unwrap());
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
        assert!(note_beside("/nowhere/agent-x.jsonl").is_none());
        assert!(note_beside("/nowhere/session.jsonl").is_none());
    }
}
