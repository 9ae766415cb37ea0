//! A corpus of transcripts as Claude Code writes them, of any size, with what it must come to.
//!
//! In it is what real folders have: a response in several lines whose output grows, sessions that begin with a copy
//! of another one's lines, subagents' files, compactions, results that are written twice, and where it is asked for
//! lines of 20 MB, texts cut within a character and a last line that was torn.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::fuzz::Random;

/// Models, and how often of ten they are asked.
const MODELS: [(&str, usize); 3] = [
    ("claude-sonnet-4-5-20250929", 7),
    ("claude-opus-4-1-20250805", 2),
    ("claude-haiku-4-5-20251001", 1),
];

const WORDS: [&str; 24] = [
    "the",
    "handler",
    "returns",
    "an",
    "error",
    "when",
    "fn",
    "parse(",
    "&self)",
    "->",
    "Result<",
    "Ok(())",
    "\n    ",
    "config",
    "\"usage\":{",
    "\\",
    "test",
    "passes",
    "naïve",
    "✓",
    "src/main.rs:42",
    "TODO",
    "let",
    "=",
];

/// The first moment: 2025-09-01, in milliseconds since 1970.
const START_MS: u64 = 1_756_684_800_000;

/// Bytes of a very long line.
const LONG: usize = 20 << 20;

/// What is made.
#[derive(Clone, Copy, Debug)]
pub struct CorpusOptions {
    /// Files of sessions; subagents' files come beside them.
    pub sessions: usize,
    /// Bytes, about.
    pub bytes: u64,
    /// The same seed makes the same.
    pub seed: u64,
    /// Whether there are lines of 20 MB, texts that are no UTF-8, and a torn last line.
    pub is_hard: bool,
}

/// Tokens: input, read from the cache, written to it for five minutes, output.
pub type CorpusTokens = [u64; 4];

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corpus {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// Lines.
    pub lines: u64,
    /// Responses.
    pub responses: u64,
    /// What they used, by day (2025-09-01) and model.
    pub used: BTreeMap<(String, String), CorpusTokens>,
}

/// Writes a corpus beneath `folder`, which stands for `~/.claude`.
///
/// # Errors
/// A file cannot be written.
pub fn write_corpus(folder: &Path, options: CorpusOptions) -> io::Result<Corpus> {
    let mut maker = Maker { random: Random::from(options.seed), ids: 0, corpus: Corpus::default() };
    let of_one = options.bytes / options.sessions.max(1) as u64;
    let mut last: Vec<String> = Vec::new();
    for session in 0..options.sessions {
        let project = folder.join(format!("projects/-home-dev-project-{}", session % 12));
        fs::create_dir_all(&project)?;
        // A few are long and most are short.
        let share = [of_one / 2, of_one / 2, of_one, of_one * 2][session % 4];
        let is_hard = options.is_hard && session == 0;
        last = maker.session(&project, session, (share, is_hard), &last)?;
    }
    Ok(maker.corpus)
}

struct Maker {
    random: Random,
    ids: u64,
    corpus: Corpus,
}

struct Session {
    out: BufWriter<File>,
    name: String,
    cwd: String,
    agent: Option<String>,
    written: u64,
    lines: u64,
    /// Lines with usage, of which a later session may begin with a copy.
    told: Vec<String>,
}

impl Session {
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.write_all(line)?;
        self.out.write_all(b"\n")?;
        self.written += line.len() as u64 + 1;
        self.lines += 1;
        Ok(())
    }

    fn put_json(&mut self, mut line: Value, at_ms: u64) -> io::Result<String> {
        line["sessionId"] = self.name.as_str().into();
        line["cwd"] = self.cwd.as_str().into();
        line["timestamp"] = time(at_ms).into();
        line["isSidechain"] = self.agent.is_some().into();
        if let Some(agent) = &self.agent {
            line["agentId"] = agent.as_str().into();
        }
        let text = line.to_string();
        self.put(text.as_bytes())?;
        Ok(text)
    }
}

impl Maker {
    fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}_01{:022}", self.ids)
    }

    fn text(&mut self, least: usize) -> String {
        let mut text = String::with_capacity(least + 16);
        while text.len() < least {
            text.push_str(WORDS[self.random.below(WORDS.len())]);
            text.push(' ');
        }
        text
    }

    fn open(&self, path: &Path, session: usize, agent: Option<&str>) -> io::Result<Session> {
        Ok(Session {
            out: BufWriter::with_capacity(1 << 20, File::create(path)?),
            name: format!("00000000-0000-4000-8000-{session:012}"),
            cwd: format!("/home/dev/project-{}", session % 12),
            agent: agent.map(str::to_owned),
            written: 0,
            lines: 0,
            told: Vec::new(),
        })
    }

    /// Writes a session, and answers lines of which another one may begin with a copy.
    fn session(
        &mut self,
        project: &Path,
        number: usize,
        (bytes, is_hard): (u64, bool),
        before: &[String],
    ) -> io::Result<Vec<String>> {
        let name = format!("00000000-0000-4000-8000-{number:012}");
        let mut file = self.open(&project.join(format!("{name}.jsonl")), number, None)?;
        if number % 5 == 4 {
            for line in before.iter().take(40) {
                file.put(
                    line.replace("00000000-0000-4000-8000", "10000000-0000-4000-8000").as_bytes(),
                )?;
            }
        }
        let mut now = START_MS + self.random.below(60 * 86_400) as u64 * 1000;
        if is_hard {
            self.hard(&mut file, &mut now)?;
        }
        let mut context = 14_000;
        while file.written < bytes {
            self.turn(&mut file, &mut now, &mut context)?;
        }
        if number % 7 == 3 {
            let folder = project.join(&name).join("subagents");
            fs::create_dir_all(&folder)?;
            let mut side = self.open(&folder.join("agent-a1.jsonl"), number, Some("a1"))?;
            self.turn(&mut side, &mut now, &mut 2_000)?;
            self.close(side, false)?;
        }
        let told = std::mem::take(&mut file.told);
        self.close(file, is_hard)?;
        Ok(told)
    }

    fn close(&mut self, mut file: Session, is_torn: bool) -> io::Result<()> {
        if is_torn {
            let torn =
                br#"{"type":"assistant","message":{"id":"msg_torn","usage":{"input_tokens":1,"out"#;
            file.out.write_all(torn)?;
            file.written += torn.len() as u64;
        }
        file.out.flush()?;
        self.corpus.bytes += file.written;
        self.corpus.lines += file.lines;
        self.corpus.files += 1;
        Ok(())
    }

    /// What a person asks, and all that comes of it.
    fn turn(&mut self, file: &mut Session, now: &mut u64, context: &mut u64) -> io::Result<()> {
        let least = 60 + self.random.below(400);
        let prompt = self.text(least);
        file.put_json(
            json!({ "type": "user", "message": { "role": "user", "content": prompt } }),
            *now,
        )?;
        for _ in 0..1 + self.random.below(10) {
            *now += 2_000 + self.random.below(20_000) as u64;
            let tool = self.answer(file, *now, context)?;
            *now += 200 + self.random.below(9_000) as u64;
            let least = [200, 900, 4_000, 30_000][self.random.below(4)];
            let result = self.text(least);
            let line = json!({
                "type": "user",
                "message": { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": tool, "content": result },
                ]},
                "toolUseResult": { "stdout": result, "stderr": "", "interrupted": false },
            });
            file.put_json(line, *now)?;
            if *context > 180_000 {
                *context = 14_000;
                let line = json!({ "type": "system", "subtype": "compact_boundary", "content": "Conversation compacted" });
                file.put_json(line, *now)?;
            }
        }
        *now += self.random.below(1_800) as u64 * 1_000;
        Ok(())
    }

    /// An answer in one to three lines, and the id of its tool call.
    fn answer(&mut self, file: &mut Session, now: u64, context: &mut u64) -> io::Result<String> {
        let (message, request) = (self.id("msg"), self.id("req"));
        let pick = self.random.below(10);
        let mut upto = 0;
        let model = MODELS.iter().find(|(_, share)| {
            upto += share;
            pick < upto
        });
        let model = model.map_or(MODELS[0].0, |(name, _)| name);
        let (written, output) =
            (self.random.below(3_000) as u64, 4 + self.random.below(900) as u64);
        let tool = self.id("toolu");
        let least = 100 + self.random.below(800);
        let mut blocks = vec![
            json!({ "type": "text", "text": self.text(least) }),
            json!({ "type": "tool_use", "id": tool, "name": "Bash", "input": {
                "command": self.text(60), "usage": { "input_tokens": 1 },
            }}),
        ];
        if pick.is_multiple_of(3) {
            blocks.insert(
                0,
                json!({ "type": "thinking", "thinking": self.text(least), "signature": "c2ln" }),
            );
        }
        let last = blocks.len() - 1;
        let mut told_at = now;
        for (place, block) in blocks.into_iter().enumerate() {
            told_at = now + place as u64 * 700;
            let tokens = if place == last { output } else { output / 4 };
            let line = json!({ "type": "assistant", "requestId": request, "message": {
                "id": message, "type": "message", "role": "assistant", "model": model, "content": [block],
                "usage": {
                    "input_tokens": 6, "cache_creation_input_tokens": written,
                    "cache_read_input_tokens": *context, "output_tokens": tokens,
                    "cache_creation": { "ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0 },
                    "service_tier": "standard",
                },
            }});
            let line = file.put_json(line, told_at)?;
            if file.told.len() < 60 {
                file.told.push(line);
            }
        }
        self.count(told_at, model, [6, *context, written, output]);
        *context += written + output;
        Ok(tool)
    }

    fn count(&mut self, at_ms: u64, model: &str, used: CorpusTokens) {
        let key = (time(at_ms)[..10].to_owned(), model.to_owned());
        let sums = self.corpus.used.entry(key).or_default();
        for (sum, more) in sums.iter_mut().zip(used) {
            *sum += more;
        }
        self.corpus.responses += 1;
    }

    /// A line of 20 MB that tells nothing, one that tells usage, and one with a text that is no UTF-8.
    fn hard(&mut self, file: &mut Session, now: &mut u64) -> io::Result<()> {
        let long = self.text(LONG);
        file.put_json(
            json!({ "type": "user", "message": { "role": "user", "content": long } }),
            *now,
        )?;
        for (place, text) in [long.as_str(), "bad"].into_iter().enumerate() {
            let id = self.id("msg");
            let line = json!({ "type": "assistant", "requestId": self.id("req"), "timestamp": time(*now),
                "sessionId": file.name, "message": { "id": id, "model": MODELS[0].0,
                "content": [{ "type": "text", "text": text }],
                "usage": { "input_tokens": 3, "output_tokens": 9 } } });
            let mut line = line.to_string().into_bytes();
            if place == 1 {
                let at = line.windows(5).position(|it| it == b"\"bad\"").expect("the text") + 2;
                line[at] = 0xe2;
            }
            file.put(&line)?;
            self.count(*now, MODELS[0].0, [3, 0, 0, 9]);
        }
        *now += 1_000;
        Ok(())
    }
}

/// A time as RFC 3339, in milliseconds.
fn time(at_ms: u64) -> String {
    // From the first moment on: September has 30 days, October 31, November 30.
    let mut day = (at_ms - START_MS) / 86_400_000;
    let mut month = 9;
    for days in [30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let rest = at_ms % 86_400_000;
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, millis) = (rest / 1_000 % 60, rest % 1_000);
    format!("2025-{month:02}-{:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z", day + 1)
}
