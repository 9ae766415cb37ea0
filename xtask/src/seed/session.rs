//! A session: a conversation that grows turn by turn, and is sent whole with each.

use std::ops::Range;

use langley_model::{RedactedBytes, Redactor};

use super::answer::Answer;
use super::profile::{Profile, profile};
use super::random::Random;
use super::said::{Call, Sources, TOOLS};
use super::stream::escaped;

/// Beyond this an agent sums its conversation up and begins anew with the summary.
const COMPACT_BYTES: usize = 200 * 1024;

/// A session under way.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) profile: &'static Profile,
    pub(super) id: String,
    pub(super) task: Option<String>,
    pub(super) model: &'static str,
    /// Flows that are still to come.
    pub(super) left: u64,
    /// When the next one starts, in microseconds.
    pub(super) next_at: i64,
    /// The request up to here, and where its pieces lie.
    sent: RedactedBytes,
    pieces: Vec<Range<usize>>,
    /// Length and pieces before the first message.
    bare: (usize, usize),
    messages: usize,
    /// The call whose result comes next.
    asked: Option<Call>,
    /// Which project it works on.
    pub(super) project: usize,
}

impl Session {
    pub(super) fn new(
        (sources, random, redactor): (Sources<'_>, &mut Random, &Redactor),
        (starts_at, project): (i64, usize),
    ) -> Self {
        let profile = profile(random.of(0..100));
        let id = random.id("", 8) + "-" + &random.id("", 4) + "-" + &random.id("", 12);
        let task = random.percent(30).then(|| format!("task-{}", random.of(1..400)));
        // Three of ten are long, most are short.
        let left = if random.percent(30) { random.of(80..200) } else { random.of(20..80) };
        let model = random.one(profile.models).copied().unwrap_or("unknown");
        let mut it = Self {
            profile,
            id,
            task,
            model,
            left,
            next_at: starts_at,
            sent: RedactedBytes::new(),
            pieces: Vec::new(),
            bare: (0, 0),
            messages: 0,
            asked: None,
            project,
        };
        it.begin(sources, redactor);
        it
    }

    /// What stands before the conversation: the same in all sessions of a model, as agents have it, but
    /// for what is said about the place.
    fn begin(&mut self, Sources { words, project }: Sources<'_>, redactor: &Redactor) {
        let mut same = Random::new(self.model.len() as u64 * 31 + self.profile.share);
        let put = |it: &mut Self, text: String, piece: bool| {
            let bytes = redactor.body(text.into_bytes());
            let start = it.sent.len();
            it.sent.append(&bytes);
            if piece {
                it.pieces.push(start..it.sent.len());
            }
        };
        put(self, format!(r#"{{"model":"{}","{}":["#, self.model, self.profile.system), false);
        let text = words.text(&mut same, 9_000);
        put(self, format!(r#"{{"type":"text","text":"{text}"}}"#), true);
        put(self, String::from(","), false);
        let place = format!(
            r#"{{"type":"text","text":"<env>\nWorking directory: {}\nIs directory a git repo: Yes\nPlatform: linux\nToday's date: 2026-03-14\nSession: {}\n</env>"}}"#,
            project.root(),
            self.id,
        );
        put(self, place, true);
        put(self, String::from(r#"],"tools":["#), false);
        for (position, tool) in TOOLS.iter().enumerate() {
            if position > 0 {
                put(self, String::from(","), false);
            }
            let about = words.text(&mut same, 700);
            put(self, format!(r#"{{"name":"{tool}","description":"{about}"}}"#), true);
        }
        put(self, format!(r#"],"{}":["#, self.profile.turns), false);
        self.bare = (self.sent.len(), self.pieces.len());
    }

    /// The next request: its text that is new, its body, and where the body's pieces lie.
    pub(super) fn request(
        &mut self,
        (sources, random, redactor): (Sources<'_>, &mut Random, &Redactor),
    ) -> (String, RedactedBytes, Vec<Range<usize>>) {
        if self.sent.len() > COMPACT_BYTES {
            self.sent.truncate(self.bare.0);
            self.pieces.truncate(self.bare.1);
            self.messages = 0;
            self.asked = None;
        }
        // What is new in a turn: the result of the tool that was called, or the next prompt.
        let (said, message) = match self.asked.take() {
            Some(Call { tool, id, .. }) => {
                let said = sources.result(random, tool);
                let content = escaped(&said);
                let message = format!(
                    r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"{id}","content":"{content}"}}]}}"#
                );
                (said, message)
            }
            None => {
                let length = random.of(40..700) as usize;
                let said = sources.prose(random, length);
                let text = escaped(&said);
                let message =
                    format!(r#"{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}"#);
                (said, message)
            }
        };
        self.add(redactor, message);
        let mut body = RedactedBytes::with_capacity(self.sent.len() + 64);
        body.append(&self.sent);
        body.append(&redactor.body(br#"],"max_tokens":32000,"stream":true}"#.to_vec()));
        (said, body, self.pieces.clone())
    }

    /// Takes an answer into the conversation; agents leave thoughts out.
    pub(super) fn answered(&mut self, redactor: &Redactor, answer: &Answer) {
        let mut blocks = Vec::new();
        if !answer.text.is_empty() {
            let text = escaped(&answer.text);
            blocks.push(format!(r#"{{"type":"text","text":"{text}"}}"#));
        }
        if let Some(call) = &answer.call {
            let Call { tool, id, input } = call;
            blocks.push(format!(
                r#"{{"type":"tool_use","id":"{id}","name":"{tool}","input":{input}}}"#
            ));
            self.asked = Some(call.clone());
        }
        let message = format!(r#"{{"role":"assistant","content":[{}]}}"#, blocks.join(","));
        self.add(redactor, message);
    }

    /// Whether the whole conversation is new.
    pub(super) const fn is_new(&self) -> bool {
        self.messages == 0
    }

    fn add(&mut self, redactor: &Redactor, message: String) {
        if self.messages > 0 {
            self.sent.append(&redactor.body(b",".to_vec()));
        }
        self.messages += 1;
        let start = self.sent.len();
        self.sent.append(&redactor.body(message.into_bytes()));
        self.pieces.push(start..self.sent.len());
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{FlowId, RedactorOptions};

    use super::super::project::Project;
    use super::super::words::Words;
    use super::*;

    #[test]
    fn a_conversation_grows_is_json_and_keeps_its_earlier_pieces() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (words, mut random) = (Words::new(), Random::new(5));
        let project = Project::new(&words, &mut random);
        let sources = Sources { words: &words, project: &project };
        let mut session = Session::new((sources, &mut random, &redactor), (0, 0));
        let mut earlier: Vec<Vec<u8>> = Vec::new();
        for turn in 0..4 {
            assert_eq!(session.is_new(), turn == 0);
            let (_, body, pieces) = session.request((sources, &mut random, &redactor));
            let json: serde_json::Value = serde_json::from_slice(body.as_bytes()).unwrap();
            let turns = json[session.profile.turns].as_array().unwrap().len();
            assert_eq!(turns, 2 * turn + 1);
            let now: Vec<Vec<u8>> =
                pieces.iter().map(|piece| body.as_bytes()[piece.clone()].to_vec()).collect();
            assert!(now.starts_with(&earlier) && now.len() > earlier.len());
            earlier = now;
            let flow = (FlowId::new(), session.profile.wire, session.model);
            let answer = Answer::new((sources, &mut random, &redactor), flow, (30, 9_000));
            session.answered(&redactor, &answer);
        }
    }
}
