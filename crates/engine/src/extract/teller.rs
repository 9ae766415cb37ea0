//! Tells of one file's lines what the modes that were asked for tell of them.

mod calls;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use langley_model::{LineFacts, LineRole, Micros, Redactor, ToolOutcome};
use langley_protocol::transcript::{
    Aside, Item, LinesRead, TranscriptFormat, UsageLine, UsageReader,
};

use serde_json::Value;

use self::calls::call_id;
use super::marks::Needed;
use super::mode::ExtractMode;
use super::record::{Head, Record, Source, Whose};
use super::records::{Desk, Hand, Told};
use super::run::ExtractQuery;
use super::sums::{Sums, between};
use crate::analysis::result_outcome;
use crate::import::RawLine;
use crate::transcripts::{digest_64, named_session};

/// Calls whose results are waited for; of more, the results do not say of which tool they are.
const CALLS_MAX: usize = 4096;

/// The seed of digests within a file.
const SEED: u64 = 0x6578_7472;

/// What was read of some files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) lines: u64,
    /// No JSON.
    pub(super) unreadable: u64,
    /// Last lines that are being written.
    pub(super) torn: u64,
    /// With bytes that are no UTF-8.
    pub(super) mended: u64,
    /// Longer than can be held.
    pub(super) too_long: u64,
}

/// Reads one file's lines.
#[derive(Debug)]
pub(super) struct Teller<'q> {
    pub(super) format: TranscriptFormat,
    /// Takes what is told.
    pub(super) desk: Desk<'q>,
    /// The path, as JSON.
    path: String,
    needed: Needed,
    /// The session by the file's name, for lines that name none.
    stem: Option<String>,
    reader: UsageReader,
    pub(super) line: u64,
    offset: u64,
    pub(super) counts: Counts,
    pub(super) sums: Sums,
    /// What the records of the line begin with, once one was told.
    head: Head,
    is_headed: bool,
    calls: HashMap<String, (String, Option<Micros>), foldhash::fast::RandomState>,
    /// Whether calls failed whose results are still to come, by digests of their ids.
    ended: HashMap<u64, bool, foldhash::fast::FixedState>,
    /// What was said of each setting last, by digests of its name and of that.
    settings: HashMap<(ExtractMode, u64), u64, foldhash::fast::FixedState>,
    /// Items of Gemini CLI that were told: it writes lines again.
    known: HashSet<u64>,
    /// Number and offset of the line that tells what is held back, and in which turn.
    held: Option<((u64, u64), u64)>,
}

impl<'q> Teller<'q> {
    pub(super) fn new(
        file: &'q crate::transcripts::TranscriptFile,
        query: &'q ExtractQuery,
        redactor: &'q Redactor,
    ) -> Self {
        let desk = Desk::new(query, redactor, file.format);
        Self {
            format: file.format,
            path: Value::from(file.path.to_string_lossy()).to_string(),
            needed: Needed::of(desk.asked(), file.format),
            desk,
            stem: named_session(&file.path, file.format),
            reader: UsageReader::new(file.format),
            line: 0,
            offset: 0,
            counts: Counts::default(),
            sums: Sums::default(),
            head: Head::default(),
            is_headed: false,
            calls: HashMap::default(),
            ended: HashMap::default(),
            settings: HashMap::default(),
            known: HashSet::new(),
            held: None,
        }
    }

    /// Takes a line in.
    pub(super) fn read(&mut self, raw: &RawLine<'_>) {
        self.line += 1;
        self.counts.lines += 1;
        self.desk.draft.go_to(raw.offset);
        let is_passed = self.tells_nothing(raw) && !self.is_awaited(raw);
        if !is_passed || !self.pass(raw) {
            self.take(raw, true);
        }
    }

    /// Whether a line has to be read for what it may say of a call that was told.
    fn is_awaited(&mut self, raw: &RawLine<'_>) -> bool {
        self.desk.draft.waits()
            && self.needed.may_have_a_result(raw.bytes)
            // What was torn says nothing, and is counted once it is taken apart.
            && !(is_whole(raw) && self.ends_well(raw.bytes))
    }

    /// Passes over a line of which only its usage may matter; whether that could be read.
    fn pass(&mut self, raw: &RawLine<'_>) -> bool {
        self.offset = raw.offset;
        // Some formats name session, model and folder in lines that go before.
        let is_of_state = self.needed.is_usage || self.format != TranscriptFormat::ClaudeCode;
        if !is_of_state || !self.reader.is_telling(raw.bytes) {
            return true;
        }
        let text = text_of(raw.bytes);
        let is_read = self.usage(&text).unreadable == 0;
        self.counts.mended += u64::from(is_read && matches!(text, Cow::Owned(_)));
        is_read
    }

    /// Whether a line is a whole object, as far as its ends show, of which nothing that is asked for can be told. Where
    /// a project is asked for, any line may say the folder.
    fn tells_nothing(&self, raw: &RawLine<'_>) -> bool {
        self.line > 1
            && is_whole(raw)
            && self.desk.query.project.is_none()
            && !self.may_tell(raw.bytes)
    }

    /// Whether something that is asked for may be told of a line.
    pub(super) fn may_tell(&self, line: &[u8]) -> bool {
        self.needed.may_tell(line)
    }

    /// Whether each line tells by itself what is asked for, once the first was taken in: of whom it is, where it was
    /// said, and whether another one said it.
    pub(super) fn is_of_one_line(&self) -> bool {
        let is_known = match &self.reader {
            UsageReader::ClaudeCode => true,
            UsageReader::Codex(session) => session.session.is_some(),
            // A line of an answer is written again.
            UsageReader::GeminiCli { .. } => false,
        };
        is_known && self.desk.query.project.is_none()
    }

    /// Takes a file's first line in without telling it.
    pub(super) fn begin(&mut self, raw: &RawLine<'_>) {
        if !raw.is_cut {
            self.usage(&text_of(raw.bytes));
        }
    }

    /// Tells of a line that is not read in its turn, so that neither its number nor its turn is known; answers its time.
    pub(super) fn look(&mut self, raw: &RawLine<'_>) -> Option<Micros> {
        self.line = if raw.offset == 0 { 1 } else { 2 };
        self.take(raw, false)
    }

    /// Passes a line over; one that is needed for what follows, or for what was told, is read, and nothing is told of it.
    pub(super) fn pass_over(&mut self, raw: &RawLine<'_>, is_needed: bool) {
        self.line += 1;
        self.desk.draft.go_to(raw.offset);
        if self.is_awaited(raw) || is_needed || self.line == 1 {
            let told = self.desk.draft.told().len();
            self.take(raw, true);
            self.desk.draft.truncate(told);
        } else {
            self.pass(raw);
        }
    }

    fn take(&mut self, raw: &RawLine<'_>, is_in_turn: bool) -> Option<Micros> {
        self.offset = raw.offset;
        self.is_headed = false;
        if raw.is_cut {
            self.counts.too_long += 1;
            return None;
        }
        if raw.bytes.trim_ascii().is_empty() {
            return None;
        }
        let text = text_of(raw.bytes);
        self.counts.mended += u64::from(matches!(text, Cow::Owned(_)));
        let (mut facts, items) = if is_in_turn {
            self.used(|reader, out| reader.line(&text, out))
        } else {
            self.reader.items(&text)
        };
        if facts.role == LineRole::Unreadable {
            if raw.is_ended {
                self.counts.unreadable += 1;
            } else {
                self.counts.torn += 1;
            }
            return None;
        }
        if facts.session.is_none() {
            facts.session.clone_from(&self.stem);
        }
        // A fork's rollout begins with a copy of what its parent's says.
        if facts.is_copy {
            return facts.at;
        }
        let [is_other_branch, is_other_folder] = self.sums.see(&facts);
        for (nth, item) in items.into_iter().enumerate() {
            if self.format == TranscriptFormat::GeminiCli && !self.is_new(&facts, nth, &item) {
                continue;
            }
            self.item(&facts, item);
        }
        for (is_other, mode, kind, said) in [
            (is_other_branch, ExtractMode::Git, "branch", &facts.branch),
            (is_other_folder, ExtractMode::Config, "folder", &facts.folder),
        ] {
            if is_other
                && let Some(said) = said
                && self.is_set_anew(mode, kind, said)
            {
                self.say(mode, &facts, |record| {
                    record.text("kind", Some(kind));
                    record.text("value", Some(said));
                });
            }
        }
        facts.at
    }

    /// What was told at the end of all lines, and what only the whole file tells.
    pub(super) fn finish(&mut self, till: &mut crate::transcripts::Till, hand: Hand<'_>) {
        // No line tells any more what came of a call.
        self.desk.draft.go_to(u64::MAX);
        let here = ((self.line, self.offset), self.sums.turns_so_far);
        let (place, turn) = self.held.take().unwrap_or(here);
        self.reader.rest(&mut |line| self.sums.add(&line, place, turn));
        let file = (self.format, self.path.as_str(), self.stem.as_deref());
        self.sums.tell(file, &self.counts, till, (&mut self.desk, hand));
    }

    fn usage(&mut self, text: &str) -> LinesRead {
        self.used(|reader, out| reader.read(text.as_bytes(), out))
    }

    /// Takes in what `read` tells of usage.
    fn used<Read>(
        &mut self,
        read: impl FnOnce(&mut UsageReader, &mut dyn FnMut(UsageLine<'_>)) -> Read,
    ) -> Read {
        // Of which turn it is may be learnt later, and makes it no other growth.
        let held_back = |reader: &UsageReader| match reader {
            UsageReader::Codex(session) => session.grown.as_ref().map(|it| (it.at_us, it.by)),
            UsageReader::ClaudeCode | UsageReader::GeminiCli { .. } => None,
        };
        let before = held_back(&self.reader);
        let here = ((self.line, self.offset), self.sums.turns_so_far);
        let held = self.held.unwrap_or(here);
        let is_codex = self.format == TranscriptFormat::Codex;
        let sums = &mut self.sums;
        let read = read(&mut self.reader, &mut |line| {
            let is_held = is_codex && line.message_id.is_none();
            let (place, turn) = if is_held { held } else { here };
            sums.add(&line, place, turn);
        });
        let after = held_back(&self.reader);
        if after != before {
            self.held = after.map(|_| here);
        }
        read
    }

    fn is_new(&mut self, facts: &LineFacts, nth: usize, item: &Item<'_>) -> bool {
        // One without an id is never written again.
        let Some(id) = &facts.uuid else { return true };
        self.known.insert(digest_64(SEED, format!("{id} {nth} {item:?}").as_bytes()))
    }

    fn item(&mut self, facts: &LineFacts, item: Item<'_>) {
        use ExtractMode as Mode;
        let model = facts.model.as_deref();
        let message = facts.message_id.as_deref();
        match item {
            Item::Prompt { text, images } => {
                self.sums.turn(facts, (self.line, self.offset), &text, self.desk.query);
                // It is another turn.
                self.is_headed = false;
                self.say(Mode::UserPrompts, facts, |record| {
                    record.text("text", Some(&text));
                    record.number("images", Some(images));
                });
            }
            Item::Meta { kind, text } => self.say(Mode::MetaPrompts, facts, |record| {
                record.text("kind", Some(&kind));
                record.text("text", Some(&text));
            }),
            Item::Text { text } => {
                self.sums.work(facts);
                self.say(Mode::AssistantTexts, facts, |record| {
                    record.words("text", Some(&text));
                    record.text("model", model);
                    record.text("message_id", message);
                });
            }
            Item::Thinking { text } => {
                self.sums.work(facts);
                self.say(Mode::Reasoning, facts, |record| {
                    record.words("text", text.as_ref());
                    record.text("model", model);
                    record.text("message_id", message);
                });
            }
            Item::Call { id, name, namespace, input, is_hosted } => {
                self.sums.work(facts);
                self.sums.call();
                if self.calls.len() < CALLS_MAX {
                    self.calls.insert(id.to_string(), (name.to_string(), facts.at));
                }
                self.say(Mode::ToolCalls, facts, |record| {
                    call_id(record, &id);
                    record.text("tool", Some(&name));
                    record.json("input", Some(&input));
                    record.flag("is_hosted", Some(is_hosted));
                });
                self.call(facts, (&id, &name, &input), namespace.as_deref());
            }
            Item::Ended { id, has_failed } => {
                if self.ended.len() < CALLS_MAX {
                    self.ended.insert(digest_64(SEED, id.as_bytes()), has_failed);
                }
            }
            Item::Result { id, content, has_failed, detail, at } => {
                self.sums.work(facts);
                let noted = self.ended.remove(&digest_64(SEED, id.as_bytes()));
                let has_failed = has_failed.or(noted);
                let call = self.calls.remove(&*id);
                // Gemini CLI writes both into one line, and not always when the result came.
                let ended = match self.format {
                    TranscriptFormat::GeminiCli => at,
                    TranscriptFormat::ClaudeCode | TranscriptFormat::Codex => facts.at,
                };
                let ms = call.as_ref().and_then(|(_, at)| between(*at, ended));
                let tool = call.as_ref().map(|(name, _)| name.as_str());
                let of_result = || result_outcome(content, has_failed, detail);
                self.desk.draft.end_call(digest_64(SEED, id.as_bytes()), of_result);
                self.say(Mode::ToolResults, facts, |record| {
                    call_id(record, &id);
                    record.text("tool", tool);
                    record.flag("has_failed", has_failed);
                    record.number("ms", ms);
                    record.json("content", Some(content));
                    record.json("detail", detail);
                });
                if has_failed == Some(true) {
                    self.sums.fail();
                    self.say(Mode::ToolErrors, facts, |record| {
                        call_id(record, &id);
                        record.text("tool", tool);
                        record.number("ms", ms);
                        record.json("content", Some(content));
                    });
                }
                // Codex says of no result that it failed.
                if has_failed != Some(false)
                    && (has_failed.is_some() || self.format == TranscriptFormat::Codex)
                    && self.desk.asks(Mode::Permissions)
                    && of_result() == ToolOutcome::Denied
                {
                    let refused = refused(&id, tool, content);
                    self.say(Mode::Permissions, facts, |record| {
                        valued(record, "denied", &refused);
                    });
                }
                if self.desk.asks(Mode::Patches) {
                    self.patch_noted(facts, &id, detail);
                }
            }
            Item::Compaction { trigger, tokens_before, summary } => {
                self.sums.compact(summary.is_some());
                self.say(Mode::Compactions, facts, |record| {
                    record.text("trigger", trigger.as_deref());
                    record.number("tokens_before", tokens_before);
                    record.text("summary", summary.as_deref());
                });
            }
            Item::Interruption { reason } => {
                self.sums.interrupt();
                self.say(Mode::Interruptions, facts, |record| record.text("reason", Some(&reason)));
            }
            Item::Failure { kind, message, status } => self.say(Mode::Errors, facts, |record| {
                record.text("kind", Some(&kind));
                record.text("message", Some(&message));
                record.number("status", status);
            }),
            Item::Beside { aside, kind, json } => self.beside(facts, aside, (&kind, json)),
            Item::Unknown { json } => self.say(Mode::Unknown, facts, |record| {
                record.text("kind", Some(&facts.kind));
                record.text("subkind", facts.subkind.as_deref());
                record.json("value", Some(json));
            }),
        }
    }

    fn beside(&mut self, facts: &LineFacts, aside: Aside, (kind, json): (&str, &str)) {
        use ExtractMode as Mode;
        let mode = match aside {
            Aside::Session | Aside::Turn => {
                if kind == "session_meta" {
                    self.sums.begins(json);
                }
                return self.setting(Mode::Config, facts, (kind, json));
            }
            Aside::Git => return self.setting(Mode::Git, facts, ("repository", json)),
            Aside::Permission if kind == "approval_policy" || kind == "mode" => {
                return self.setting(Mode::Permissions, facts, (kind, json));
            }
            Aside::Permission => Mode::Permissions,
            Aside::SystemPrompt => Mode::SystemPrompts,
            Aside::Tools => Mode::ToolDefinitions,
            Aside::Hook => Mode::HooksRun,
            Aside::Limits => return self.setting(Mode::RateLimits, facts, (kind, json)),
        };
        self.say(mode, facts, |record| valued(record, kind, json));
    }

    /// Tells what is not as it was said last.
    fn setting(&mut self, mode: ExtractMode, facts: &LineFacts, (kind, json): (&str, &str)) {
        if self.is_set_anew(mode, kind, json) {
            self.say(mode, facts, |record| valued(record, kind, json));
        }
    }

    /// Whether a setting is asked for and is not as it was said last.
    fn is_set_anew(&mut self, mode: ExtractMode, kind: &str, said: &str) -> bool {
        if !self.desk.asks(mode) {
            return false;
        }
        let digest = digest_64(SEED, said.as_bytes());
        let setting = (mode, digest_64(SEED, kind.as_bytes()));
        self.settings.insert(setting, digest) != Some(digest)
    }

    /// Writes a record of the line that is read.
    fn say(&mut self, mode: ExtractMode, facts: &LineFacts, fields: impl FnOnce(&mut Record<'_>)) {
        if let Some(told) = self.begin_to_say(mode, facts) {
            self.desk.draft.put(told, &self.head, fields);
        }
    }

    /// The same of a call, with what comes of it.
    fn say_call(
        &mut self,
        mode: ExtractMode,
        (facts, id): (&LineFacts, &str),
        fields: impl FnOnce(&mut Record<'_>),
    ) {
        if let Some(told) = self.begin_to_say(mode, facts) {
            let call = (!id.is_empty()).then(|| digest_64(SEED, id.as_bytes()));
            self.desk.draft.put_call(told, &self.head, call, fields);
        }
    }

    /// What is known of a record that is asked for, whose head is written then.
    fn begin_to_say(&mut self, mode: ExtractMode, facts: &LineFacts) -> Option<Told> {
        let of = (facts.session.as_deref(), self.sums.folder.as_deref());
        if !self.desk.takes(mode, facts.at, of) {
            return None;
        }
        if !self.is_headed {
            let whose = Whose {
                agent: self.format.agent(),
                session: facts.session.as_deref(),
                agent_id: facts.agent_id.as_deref(),
                turn: Some(self.sums.turns_so_far),
                at: facts.at,
            };
            let source = Source { path: &self.path, line: self.line, offset: self.offset };
            self.head.write(whose, Some(source));
            self.is_headed = true;
        }
        Some(Told { mode, at: facts.at, offset: self.offset, response: None })
    }
}

/// A line as a text; what is no UTF-8 in it is told by U+FFFD.
fn text_of(line: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line),
    }
}

/// Whether a line is a whole object, as far as its ends show.
fn is_whole(raw: &RawLine<'_>) -> bool {
    let ends = raw.bytes.trim_ascii();
    raw.is_ended && !raw.is_cut && ends.first().zip(ends.last()) == Some((&b'{', &b'}'))
}

/// A call that was not let run, as JSON.
fn refused(id: &str, tool: Option<&str>, content: &str) -> String {
    let id = Value::from(Some(id).filter(|id| !id.is_empty()));
    format!(r#"{{"call_id":{id},"tool":{},"content":{content}}}"#, Value::from(tool))
}

fn valued(record: &mut Record<'_>, kind: &str, json: &str) {
    record.text("kind", Some(kind));
    record.json("value", Some(json));
}
