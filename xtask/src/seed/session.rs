//! A session: a conversation that grows turn by turn, and is sent whole with each.

use std::ops::Range;

use langley_model::{RedactedBytes, Redactor};

use super::answer::Answer;
use super::profile::{Profile, TOOLS, profile};
use super::random::Random;
use super::words::Words;

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
    /// The tool whose result comes next.
    asked: Option<String>,
}

impl Session {
    pub(super) fn new(
        (words, random, redactor): (&Words, &mut Random, &Redactor),
        starts_at: i64,
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
        };
        it.begin(words, redactor);
        it
    }

    /// What stands before the conversation: the same in all sessions of a model, as agents have it.
    fn begin(&mut self, words: &Words, redactor: &Redactor) {
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
        (words, random, redactor): (&Words, &mut Random, &Redactor),
    ) -> (String, RedactedBytes, Vec<Range<usize>>) {
        if self.sent.len() > COMPACT_BYTES {
            self.sent.truncate(self.bare.0);
            self.pieces.truncate(self.bare.1);
            self.messages = 0;
            self.asked = None;
        }
        let length = random.of(80..900) as usize;
        let said = words.text(random, length);
        let message = match self.asked.take() {
            Some(id) => format!(
                r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"{id}","content":"{said}"}}]}}"#
            ),
            None => format!(r#"{{"role":"user","content":[{{"type":"text","text":"{said}"}}]}}"#),
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
            blocks.push(format!(r#"{{"type":"text","text":"{}"}}"#, answer.text));
        }
        if let Some((name, id, input)) = &answer.call {
            blocks.push(format!(
                r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{input}}}"#
            ));
            self.asked = Some(id.clone());
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

    use super::*;

    #[test]
    fn a_conversation_grows_is_json_and_keeps_its_earlier_pieces() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (words, mut random) = (Words::new(), Random::new(5));
        let mut session = Session::new((&words, &mut random, &redactor), 0);
        let mut earlier: Vec<Vec<u8>> = Vec::new();
        for turn in 0..4 {
            assert_eq!(session.is_new(), turn == 0);
            let (_, body, pieces) = session.request((&words, &mut random, &redactor));
            let json: serde_json::Value = serde_json::from_slice(body.as_bytes()).unwrap();
            let turns = json[session.profile.turns].as_array().unwrap().len();
            assert_eq!(turns, 2 * turn + 1);
            let now: Vec<Vec<u8>> =
                pieces.iter().map(|piece| body.as_bytes()[piece.clone()].to_vec()).collect();
            assert!(now.starts_with(&earlier) && now.len() > earlier.len());
            earlier = now;
            let flow = (FlowId::new(), session.profile.events);
            let answer = Answer::new((&words, &mut random, &redactor), flow, 20);
            session.answered(&redactor, &answer);
        }
    }
}
