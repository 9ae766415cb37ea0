//! Tells of one file's lines what the modes that were asked for tell of them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use langley_model::{LineFacts, LineRole, Micros, RedactedBytes, Redactor};
use langley_protocol::transcript::{Aside, Item, LinesRead, TranscriptFormat, UsageReader};

use super::call::Doing;
use super::marks::Needed;
use super::mode::ExtractMode;
use super::record::{Record, Source, Whose};
use super::run::ExtractQuery;
use super::sums::{Sums, Used, between};
use crate::import::RawLine;
use crate::transcripts::digest_64;

/// Calls whose results are waited for; of more, the results do not say of which tool they are.
const CALLS_MAX: usize = 4096;

/// The seed of digests within a file.
const SEED: u64 = 0x6578_7472;

/// A line's number and offset, and its time where it tells that.
type Place = (u64, u64, Option<Micros>);

/// A record, redacted.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) mode: ExtractMode,
    pub(super) at: Option<Micros>,
    /// Where its line begins.
    pub(super) offset: u64,
    /// A digest of a response's ids: it is told once, whatever files have it.
    pub(super) response: Option<u64>,
    pub(super) line: RedactedBytes,
}

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
    query: &'q ExtractQuery,
    /// The modes that are asked for and that the agent's files can tell, a bit each.
    asked: u64,
    redactor: &'q Redactor,
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
    calls: HashMap<String, (String, Option<Micros>)>,
    /// What was said of each setting last.
    settings: HashMap<String, u64>,
    /// Items of Gemini CLI that were told: it writes lines again.
    known: HashSet<u64>,
    /// Where the line stands that tells what is held back, and in which turn.
    held: Option<(Place, u64)>,
    pub(super) out: Vec<Told>,
}

impl<'q> Teller<'q> {
    pub(super) fn new(
        file: &'q crate::transcripts::TranscriptFile,
        query: &'q ExtractQuery,
        redactor: &'q Redactor,
    ) -> Self {
        let told = query.modes.iter().filter(|mode| mode.absent(file.format).is_none());
        let asked = told.fold(0, |asked, mode| asked | mode.bit());
        let stem = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Self {
            format: file.format,
            query,
            asked,
            redactor,
            path: serde_json::Value::from(file.path.to_string_lossy()).to_string(),
            needed: Needed::of(asked, file.format),
            stem: stem.filter(|_| file.format == TranscriptFormat::ClaudeCode),
            reader: UsageReader::new(file.format),
            line: 0,
            offset: 0,
            counts: Counts::default(),
            sums: Sums::default(),
            calls: HashMap::new(),
            settings: HashMap::new(),
            known: HashSet::new(),
            held: None,
            out: Vec::new(),
        }
    }

    /// Takes a line in.
    pub(super) fn read(&mut self, raw: &RawLine<'_>) {
        self.line += 1;
        self.counts.lines += 1;
        if !self.tells_nothing(raw) || !self.pass(raw) {
            self.take(raw, true);
        }
    }

    /// Passes over a line of which only its usage may matter; whether that could be read.
    fn pass(&mut self, raw: &RawLine<'_>) -> bool {
        self.offset = raw.offset;
        // Some formats name session, model and folder in lines that go before.
        let is_of_state = self.needed.is_usage || self.format != TranscriptFormat::ClaudeCode;
        if !is_of_state || !self.reader.is_telling(raw.bytes) {
            return true;
        }
        let text = String::from_utf8_lossy(raw.bytes);
        let is_read = self.usage(&text).unreadable == 0;
        self.counts.mended += u64::from(is_read && matches!(text, Cow::Owned(_)));
        is_read
    }

    /// Whether a line is a whole object, as far as its ends show, of which nothing that is asked for can be told. Where
    /// a project is asked for, any line may say the folder.
    fn tells_nothing(&self, raw: &RawLine<'_>) -> bool {
        let is_whole = raw.is_ended && !raw.is_cut;
        let ends = raw.bytes.trim_ascii();
        self.line > 1
            && is_whole
            && self.query.project.is_none()
            && ends.first().zip(ends.last()) == Some((&b'{', &b'}'))
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
        is_known && self.query.project.is_none()
    }

    /// Takes a file's first line in without telling it.
    pub(super) fn begin(&mut self, raw: &RawLine<'_>) {
        if !raw.is_cut {
            self.usage(&String::from_utf8_lossy(raw.bytes));
        }
    }

    /// Tells of a line that is not read in its turn, so that neither its number nor its turn is known; answers its time.
    pub(super) fn look(&mut self, raw: &RawLine<'_>) -> Option<Micros> {
        self.line = if raw.offset == 0 { 1 } else { 2 };
        self.take(raw, false)
    }

    /// Passes a line over; one that is needed for what follows is read, and nothing is told of it.
    pub(super) fn pass_over(&mut self, raw: &RawLine<'_>, is_needed: bool) {
        self.line += 1;
        if is_needed || self.line == 1 {
            self.take(raw, true);
            self.out.clear();
        } else {
            self.pass(raw);
        }
    }

    fn take(&mut self, raw: &RawLine<'_>, is_in_turn: bool) -> Option<Micros> {
        self.offset = raw.offset;
        if raw.is_cut {
            self.counts.too_long += 1;
            return None;
        }
        if raw.bytes.trim_ascii().is_empty() {
            return None;
        }
        let text = match std::str::from_utf8(raw.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                self.counts.mended += 1;
                String::from_utf8_lossy(raw.bytes)
            }
        };
        if is_in_turn {
            self.usage(&text);
        }
        let (mut facts, items) = self.reader.items(&text);
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
        let is_copy = match &self.reader {
            UsageReader::Codex(session) => session.copy_until_us.is_some_and(|until| {
                facts.at.is_some_and(|Micros(at)| at < until) && self.line > 1
            }),
            UsageReader::ClaudeCode | UsageReader::GeminiCli { .. } => false,
        };
        if is_copy {
            return facts.at;
        }
        self.sums.see(&facts);
        for (nth, item) in items.into_iter().enumerate() {
            if self.format == TranscriptFormat::GeminiCli && !self.is_new(&facts, nth, &item) {
                continue;
            }
            self.item(&facts, item);
        }
        if self.asks(ExtractMode::Git)
            && let Some(branch) = facts.branch.clone()
        {
            let json = serde_json::Value::from(branch).to_string();
            self.setting(ExtractMode::Git, &facts, ("branch", &json));
        }
        if self.asks(ExtractMode::Config)
            && let Some(folder) = facts.folder.clone()
        {
            let json = serde_json::Value::from(folder).to_string();
            self.setting(ExtractMode::Config, &facts, ("folder", &json));
        }
        facts.at
    }

    /// What was told at the end of all lines, and what only the whole file tells.
    pub(super) fn finish(&mut self, till: &mut crate::transcripts::Till) {
        let here = ((self.line, self.offset, None), self.sums.turns_so_far);
        let (place, turn) = self.held.take().unwrap_or(here);
        let mut used = Vec::new();
        self.reader.rest(&mut |line| used.push(Used::of(&line, place)));
        for used in used {
            self.sums.add(used, turn);
        }
        let whose = Whose { agent: self.format.agent(), ..Whose::default() };
        let told = self.sums.tell(
            (&whose, self.stem.as_deref()),
            &self.path,
            self.format,
            &self.counts,
            (self.query, till),
        );
        for (mode, (at, offset, response), (session, folder), record) in told {
            self.put(mode, (at, offset, response), (session.as_deref(), folder.as_deref()), record);
        }
    }

    fn usage(&mut self, text: &str) -> LinesRead {
        let before = match &self.reader {
            UsageReader::Codex(session) => session.grown,
            UsageReader::ClaudeCode | UsageReader::GeminiCli { .. } => None,
        };
        let here = ((self.line, self.offset, None), self.sums.turns_so_far);
        let held = self.held.unwrap_or(here);
        let mut used = Vec::new();
        let is_codex = self.format == TranscriptFormat::Codex;
        let read = self.reader.read(text.as_bytes(), &mut |line| {
            let is_held = is_codex && line.message_id.is_none();
            let (place, turn) = if is_held { held } else { here };
            used.push((Used::of(&line, place), turn));
        });
        for (used, turn) in used {
            self.sums.add(used, turn);
        }
        if let UsageReader::Codex(session) = &self.reader
            && session.grown != before
        {
            self.held = session.grown.map(|_| here);
        }
        read
    }

    fn is_new(&mut self, facts: &LineFacts, nth: usize, item: &Item<'_>) -> bool {
        // One without an id is never written again.
        let Some(id) = &facts.uuid else { return true };
        self.known.insert(digest_64(SEED, format!("{id} {nth} {item:?}").as_bytes()))
    }

    pub(super) fn asks(&self, mode: ExtractMode) -> bool {
        self.asked & mode.bit() != 0
    }

    fn item(&mut self, facts: &LineFacts, item: Item<'_>) {
        use ExtractMode as Mode;
        let model = facts.model.as_deref();
        let message = facts.message_id.as_deref();
        match item {
            Item::Prompt { text, images } => {
                self.sums.turn(facts, (self.line, self.offset), &text, self.query);
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
                    record.text("text", Some(&text));
                    record.text("model", model);
                    record.text("message_id", message);
                });
            }
            Item::Thinking { text } => {
                self.sums.work(facts);
                self.say(Mode::Reasoning, facts, |record| {
                    record.text("text", text.as_deref());
                    record.text("model", model);
                    record.text("message_id", message);
                });
            }
            Item::Call { id, name, input, is_hosted } => {
                self.sums.work(facts);
                self.sums.call();
                if self.calls.len() < CALLS_MAX {
                    self.calls.insert(id.to_string(), (name.to_string(), facts.at));
                }
                self.say(Mode::ToolCalls, facts, |record| {
                    record.text("call_id", Some(&id));
                    record.text("tool", Some(&name));
                    record.json("input", Some(&input));
                    record.flag("is_hosted", Some(is_hosted));
                });
                self.call(facts, (&id, &name, &input));
            }
            Item::Result { id, content, has_failed, detail } => {
                self.sums.work(facts);
                let call = self.calls.remove(&*id);
                let ms = call.as_ref().and_then(|(_, at)| between(*at, facts.at));
                let tool = call.as_ref().map(|(name, _)| name.as_str());
                self.say(Mode::ToolResults, facts, |record| {
                    record.text("call_id", Some(&id));
                    record.text("tool", tool);
                    record.flag("has_failed", has_failed);
                    record.number("ms", ms);
                    record.json("content", Some(content));
                    record.json("detail", detail);
                });
                if has_failed == Some(true) {
                    self.sums.fail();
                    self.say(Mode::ToolErrors, facts, |record| {
                        record.text("call_id", Some(&id));
                        record.text("tool", tool);
                        record.number("ms", ms);
                        record.json("content", Some(content));
                    });
                }
                if self.asks(Mode::Patches) {
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
        if !self.asks(mode) {
            return;
        }
        let digest = digest_64(SEED, json.as_bytes());
        if self.settings.insert(format!("{} {kind}", mode.name()), digest) != Some(digest) {
            self.say(mode, facts, |record| valued(record, kind, json));
        }
    }

    fn call(&mut self, facts: &LineFacts, (id, name, input): (&str, &str, &str)) {
        use ExtractMode as Mode;
        const MODES: u64 = Mode::Commands.bit()
            | Mode::FileReads.bit()
            | Mode::FileChanges.bit()
            | Mode::Patches.bit()
            | Mode::Subagents.bit()
            | Mode::McpCalls.bit()
            | Mode::Web.bit()
            | Mode::Plans.bit()
            | Mode::Git.bit();
        if self.asked & MODES == 0 {
            return;
        }
        let doing = Doing::of(name, input);
        let of = |record: &mut Record| {
            record.text("call_id", Some(id));
            record.text("tool", Some(name));
        };
        for command in &doing.commands {
            self.say(Mode::Commands, facts, |record| {
                of(record);
                record.text("command", Some(&command.script));
                record.text("folder", command.folder.as_deref());
                record.text("description", command.description.as_deref());
            });
            let mut words = command.script.split(|c: char| c.is_whitespace() || ";&|(".contains(c));
            if words.any(|word| word == "git") {
                self.say(Mode::Git, facts, |record| {
                    record.text("kind", Some("command"));
                    record.text("value", Some(&command.script));
                });
            }
        }
        if let Some(read) = &doing.reads {
            self.say(Mode::FileReads, facts, |record| {
                of(record);
                record.text("path", Some(&read.path));
                record.number("from", read.from);
                record.number("limit", read.limit);
            });
        }
        for (path, change) in &doing.changes {
            self.say(Mode::FileChanges, facts, |record| {
                of(record);
                record.text("path", Some(path));
                record.text("change", Some(change));
            });
        }
        if let Some(patch) = &doing.patch {
            let one = Some(&doing.changes).filter(|changes| changes.len() == 1);
            self.say(Mode::Patches, facts, |record| {
                record.text("call_id", Some(id));
                record.text("path", one.map(|changes| changes[0].0.as_str()));
                record.text("patch", Some(patch));
            });
        }
        if let Some(subagent) = &doing.subagent {
            self.say(Mode::Subagents, facts, |record| {
                of(record);
                record.text("kind", subagent.kind.as_deref());
                record.text("description", subagent.description.as_deref());
                record.text("prompt", subagent.prompt.as_deref());
            });
        }
        if let Some((server, tool)) = &doing.mcp {
            self.say(Mode::McpCalls, facts, |record| {
                record.text("call_id", Some(id));
                record.text("server", Some(server));
                record.text("tool", Some(tool));
                record.json("input", Some(input));
            });
        }
        if let Some(web) = &doing.web {
            self.say(Mode::Web, facts, |record| {
                of(record);
                record.text("query", web.query.as_deref());
                record.text("url", web.url.as_deref());
            });
        }
        if doing.is_plan {
            self.say(Mode::Plans, facts, |record| {
                of(record);
                record.json("plan", Some(input));
            });
        }
    }

    /// The hunks that Claude Code notes of a change.
    fn patch_noted(&mut self, facts: &LineFacts, id: &str, detail: Option<&str>) {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Noted<'a> {
            file_path: Option<String>,
            #[serde(borrow)]
            structured_patch: Option<&'a serde_json::value::RawValue>,
        }
        let noted = detail.and_then(|detail| serde_json::from_str::<Noted<'_>>(detail).ok());
        let Some(Noted { file_path, structured_patch: Some(patch) }) = noted else { return };
        if patch.get() == "[]" {
            return;
        }
        self.say(ExtractMode::Patches, facts, |record| {
            record.text("call_id", Some(id));
            record.text("path", file_path.as_deref());
            record.json("patch", Some(patch.get()));
        });
    }

    /// Writes a record of the line that is read.
    fn say(&mut self, mode: ExtractMode, facts: &LineFacts, fields: impl FnOnce(&mut Record)) {
        if !self.asks(mode) {
            return;
        }
        let of = (facts.session.as_deref(), self.sums.folder.as_deref());
        if !self.query.takes(facts.at, of) {
            return;
        }
        let whose = Whose {
            agent: self.format.agent(),
            session: facts.session.clone(),
            agent_id: facts.agent_id.clone(),
            turn: Some(self.sums.turns_so_far),
            at: facts.at,
        };
        let source = Source { path: &self.path, line: self.line, offset: self.offset };
        let mut record = Record::new(mode, &whose, Some(source));
        fields(&mut record);
        self.push(mode, (facts.at, self.offset, None), record);
    }

    fn put(
        &mut self,
        mode: ExtractMode,
        place: (Option<Micros>, u64, Option<u64>),
        of: (Option<&str>, Option<&str>),
        record: Record,
    ) {
        if self.asks(mode) && self.query.takes(place.0, of) {
            self.push(mode, place, record);
        }
    }

    fn push(
        &mut self,
        mode: ExtractMode,
        (at, offset, response): (Option<Micros>, u64, Option<u64>),
        record: Record,
    ) {
        let line = self.redactor.body(record.close());
        self.out.push(Told { mode, at, offset, response, line });
    }
}

fn valued(record: &mut Record, kind: &str, json: &str) {
    record.text("kind", Some(kind));
    record.json("value", Some(json));
}
