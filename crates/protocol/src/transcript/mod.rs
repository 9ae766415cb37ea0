//! Transcripts: the lines that agents write of their own sessions, what each is, and what they tell of usage.
//!
//! A file of a gigabyte holds megabytes that matter here. So a reader is handed as many whole lines as there are,
//! looks for the few marks that a line with usage must hold, and reads those lines alone.

mod claude;
mod codex;
mod envelope;
mod gemini;
mod item;
mod outline;
mod parsed;
mod spoken;
mod stamp;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use langley_model::{DialectName, LineRole, Micros, Provider, Usage};
use memchr::memmem;
use serde::{Deserialize, Deserializer, Serialize};

use crate::json::Object;

pub use codex::{CodexGrowth, CodexSession, CodexTotal};
pub use envelope::TEXT_CHARS;
pub use item::{Aside, Item, Words};

/// Whose lines they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TranscriptFormat {
    /// `~/.claude/projects/<folder>/<session>.jsonl`, and subagents' files beneath.
    ClaudeCode,
    /// `~/.codex/sessions/<year>/<month>/<day>/rollout-….jsonl`.
    Codex,
    /// `~/.gemini/tmp/<project>/chats/session-….jsonl`.
    GeminiCli,
}

impl TranscriptFormat {
    /// All.
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Codex, Self::GeminiCli];

    /// Reads [`Self::agent`].
    #[must_use]
    pub fn of_agent(agent: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.agent() == agent)
    }

    /// The agent's name, as flows have it.
    #[must_use]
    pub const fn agent(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
        }
    }

    /// Whose a file is that begins with this line; none where it does not show.
    #[must_use]
    pub fn of_first_line(line: &[u8]) -> Option<Self> {
        let line = Object::read(line)?;
        let has = |name| line.raw(name).is_some();
        if has("payload") || codex::is_oldest_head(&line) {
            Some(Self::Codex)
        } else if has("projectHash") && !has("messages") {
            Some(Self::GeminiCli)
        } else if has("type") && (has("uuid") || has("sessionId") || has("leafUuid")) {
            Some(Self::ClaudeCode)
        } else {
            None
        }
    }

    /// The session that a file is of whose lines name none, by the file's name without its ending: the whole of it, or
    /// what of Codex's stands behind the time.
    #[must_use]
    pub fn session_of_name(self, name: &str) -> &str {
        const UUID: usize = 36;
        let id = name.len().checked_sub(UUID).and_then(|at| name.get(at..));
        let is_id = |id: &&str| {
            let mut places = id.bytes().enumerate();
            places.all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
        };
        id.filter(|id| self == Self::Codex && is_id(id)).unwrap_or(name)
    }

    /// Whether a line is one that an agent writes of a session.
    #[must_use]
    pub fn is_any(line: &[u8]) -> bool {
        let is_said = |format| {
            let role = UsageReader::new(format).facts(line).role;
            !matches!(role, LineRole::Note | LineRole::Unreadable)
        };
        Self::of_first_line(line).is_some() || Self::ALL.into_iter().any(is_said)
    }

    /// In whose sense its numbers are, whoever served the model.
    #[must_use]
    pub const fn dialect(self) -> DialectName {
        match self {
            Self::ClaudeCode => DialectName::Anthropic,
            Self::Codex => DialectName::OpenAi,
            Self::GeminiCli => DialectName::Gemini,
        }
    }

    /// The path that the agent's requests have at most providers.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ClaudeCode => "/v1/messages",
            Self::Codex => "/v1/responses",
            Self::GeminiCli => "/v1beta/models/-:generateContent",
        }
    }
}

/// What one line tells of the usage of one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLine<'a> {
    /// When it was written; none where the line does not say.
    pub at: Option<Micros>,
    /// The session's id; none where the line does not say.
    pub session: Option<Cow<'a, str>>,
    /// The subagent's id.
    pub agent_id: Option<Cow<'a, str>>,
    /// The folder the agent worked in.
    pub folder: Option<Cow<'a, str>>,
    /// The response's id.
    pub message_id: Option<Cow<'a, str>>,
    /// The provider's id of the request; empty where none is written, and the response's id says enough.
    pub request_id: Option<Cow<'a, str>>,
    /// Who served it.
    pub provider: Provider,
    /// The model that answered.
    pub model: Option<Cow<'a, str>>,
    /// What it used, in the provider's own sense.
    pub usage: Usage,
    /// In which way it was served, words with `+` between; empty for the usual one.
    pub tier: String,
}

impl UsageLine<'_> {
    /// By what the lines of one response are known: its id together with the request's, which is empty where an agent
    /// writes none. A line without an id is a response of its own.
    #[must_use]
    pub fn response(&self) -> Option<[&str; 2]> {
        Some([self.message_id.as_deref()?, self.request_id.as_deref()?])
    }
}

/// How many lines were looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinesRead {
    /// With usage.
    pub telling: u64,
    /// That should have told usage and could not be read.
    pub unreadable: u64,
}

/// Reads usage from the lines of one file, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UsageReader {
    /// Each line tells all.
    ClaudeCode,
    /// Lines go on from what earlier ones told.
    Codex(Box<CodexSession>),
    /// The session's id stands in the first line.
    GeminiCli {
        /// The session's id, once it was read.
        session: Option<String>,
    },
}

impl UsageReader {
    /// For the beginning of a file.
    #[must_use]
    pub fn new(format: TranscriptFormat) -> Self {
        match format {
            TranscriptFormat::ClaudeCode => Self::ClaudeCode,
            TranscriptFormat::Codex => Self::Codex(Box::default()),
            TranscriptFormat::GeminiCli => Self::GeminiCli { session: None },
        }
    }

    /// Reads whole lines; the last may lack its end. What they tell goes to `out`, in their order.
    pub fn read(&mut self, lines: &[u8], out: &mut dyn FnMut(UsageLine<'_>)) -> LinesRead {
        match self {
            Self::ClaudeCode => claude::read(lines, out),
            Self::Codex(session) => session.read(lines, out),
            Self::GeminiCli { session } => gemini::read(lines, session, out),
        }
    }

    /// What was told at the end of all lines so far, and is only known to count once the next line is read.
    pub fn rest(&self, out: &mut dyn FnMut(UsageLine<'_>)) {
        if let Self::Codex(session) = self {
            session.rest(out);
        }
    }

    /// Tells what is held back, once no line follows for a while: from then on it is told.
    pub fn settle(&mut self, out: &mut dyn FnMut(UsageLine<'_>)) {
        if let Self::Codex(session) = self {
            session.rest(out);
            session.grown = None;
        }
    }

    /// Whether something is held back.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Codex(session) if session.grown.is_some())
    }

    /// Every name that is remembered from one reading to the next: they are what the lines say, secrets included.
    pub fn names_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let (codex, gemini) = match self {
            Self::ClaudeCode => (None, None),
            Self::Codex(session) => (Some(session.names_mut()), None),
            Self::GeminiCli { session } => (None, session.as_mut()),
        };
        codex.into_iter().flatten().chain(gemini)
    }

    /// Whether there may be usage, or what leads to it, in a part of a line.
    #[must_use]
    pub fn is_telling(&self, part: &[u8]) -> bool {
        match self {
            Self::ClaudeCode => claude::is_telling(part),
            Self::Codex(_) => codex::is_telling(part),
            Self::GeminiCli { .. } => gemini::is_telling(part),
        }
    }
}

/// Hands the lines that hold any of some marks to `take`, in their order, with the place of the first mark in each; it
/// says whether one told usage.
///
/// In a JSON text the quotes of a mark would be escaped, so it is a member's name or value wherever it stands.
fn marked<const MARKS: usize>(
    lines: &[u8],
    marks: &[&[u8]; MARKS],
    mut take: impl FnMut(&[u8], usize) -> Option<bool>,
) -> LinesRead {
    let marks = marks.map(memmem::Finder::new);
    // Where each is next; looked for again only once it is behind.
    let mut places: [Option<usize>; MARKS] = std::array::from_fn(|at| marks[at].find(lines));
    let mut count = LinesRead::default();
    let mut from = 0;
    while let Some(place) = places.into_iter().flatten().min() {
        let (start, line, next) = line_around(lines, from, place);
        from = next;
        for (place, mark) in places.iter_mut().zip(&marks) {
            if place.is_some_and(|place| place < next) {
                *place = mark.find(&lines[next..]).map(|at| next + at);
            }
        }
        match take(line, place - start) {
            Some(is_telling) => count.telling += u64::from(is_telling),
            None => count.unreadable += 1,
        }
    }
    count
}

/// Reads a line in the shape of `Line`; none where it has another one, or was torn. A text that was cut within a
/// character, as tools' output is, does not cost the line's figures: `room` is for the line without that text then.
fn parsed<'a, Line: Deserialize<'a>>(line: &'a [u8], room: &'a mut String) -> Option<Line> {
    if let Ok(line) = sonic_rs::from_slice(line) {
        return Some(line);
    }
    *room = String::from_utf8_lossy(line).into_owned();
    serde_json::from_str(room).ok()
}

/// Reads a text, or that there is none, without copying it where it has no escapes: of an option serde copies it always.
fn text_within<'de: 'a, 'a, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'a>>::deserialize(from)?.map(|Text(text)| text))
}

/// Whether any of some marks is in a part of a line.
fn holds(part: &[u8], marks: &[&[u8]]) -> bool {
    marks.iter().any(|mark| memmem::find(part, mark).is_some())
}

/// The whole line around a place, where it begins, and where the next one does.
fn line_around(lines: &[u8], from: usize, place: usize) -> (usize, &[u8], usize) {
    let start = memchr::memrchr(b'\n', &lines[from..place]).map_or(from, |at| from + at + 1);
    let end = memchr::memchr(b'\n', &lines[place..]).map_or(lines.len(), |at| place + at);
    (start, &lines[start..end], (end + 1).min(lines.len()))
}
