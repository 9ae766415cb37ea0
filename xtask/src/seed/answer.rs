//! One streamed answer: its events as they came, and the message they make.

use langley_model::{
    Block, Content, EventRun, EventSpan, FlowId, Message, RedactedBytes, Redactor,
};

use super::profile::{Events, TOOLS};
use super::random::Random;
use super::words::Words;

/// Bytes of an event's data.
const EVENT_BYTES: usize = 220;

/// What a model answered.
pub(super) struct Answer {
    pub(super) run: EventRun,
    pub(super) message: Message,
    pub(super) thinking: String,
    pub(super) text: String,
    /// Name, id and arguments of a tool's call.
    pub(super) call: Option<(&'static str, String, String)>,
}

/// An answer under way.
struct Stream<'a> {
    events: Events,
    item: String,
    run: EventRun,
    data: String,
    at_us: u64,
    random: &'a mut Random,
}

impl Answer {
    /// An answer of exactly `events` events.
    pub(super) fn new(
        (words, random, redactor): (&Words, &mut Random, &Redactor),
        (flow, events): (FlowId, Events),
        count: u64,
    ) -> Self {
        let (first, last) = events.ends();
        let calls = count > 8 && random.percent(70);
        let item = random.id("msg_01", 22);
        let run = EventRun::with_capacity(flow, 0, count as usize);
        let data = String::with_capacity(count as usize * (EVENT_BYTES + 16));
        let at_us = random.of(300_000..4_000_000);
        let mut stream = Stream { events, item, run, data, at_us, random };
        let (mut thinking, mut text, mut call) = (String::new(), String::new(), None);
        if count > 0 {
            stream.plain(first, count);
        }
        let middle = count.saturating_sub(2);
        let thoughts = if stream.random.percent(60) { middle * 2 / 5 } else { 0 };
        let arguments = if calls { (middle / 6).max(1) } else { 0 };
        for _ in 0..thoughts {
            stream.delta(words, true, &mut thinking);
        }
        for _ in thoughts..middle - arguments {
            stream.delta(words, false, &mut text);
        }
        if calls {
            let mut said = String::new();
            for _ in 0..arguments {
                stream.delta(words, false, &mut said);
            }
            // Zipf once more: halved and halved again.
            let rank = (stream.random.next() | 1 << 13).trailing_zeros() as usize;
            let tool = TOOLS.get(rank).copied().unwrap_or(TOOLS[0]);
            let id = stream.random.id("toolu_01", 22);
            call = Some((tool, id, format!(r#"{{"command":"{}"}}"#, said.trim_end())));
        }
        if count > 1 {
            stream.plain(last, count);
        }
        let Stream { mut run, data, item, .. } = stream;
        run.text = redacted(redactor, data);
        let message = message(&item, &thinking, &text, call.as_ref());
        Self { run, message, thinking, text, call }
    }
}

impl Stream<'_> {
    /// An event that carries text.
    fn delta(&mut self, words: &Words, thinking: bool, said: &mut String) {
        let seq = self.run.spans.len() as u64;
        let (kind, before, after) = self.events.delta(&self.item, seq, thinking);
        let start = self.data.len();
        self.data.push_str(&before);
        let begin = self.data.len();
        let room = EVENT_BYTES.saturating_sub(before.len() + after.len() + 4).max(8);
        words.write(self.random, room, &mut self.data);
        said.push_str(&self.data[begin..]);
        self.data.push_str(&after);
        self.push(kind, start);
    }

    /// The first or the last event.
    fn plain(&mut self, kind: &str, count: u64) {
        let start = self.data.len();
        let event = format!(
            r#"{{"type":"{kind}","message":{{"id":"{}","usage":{{"input_tokens":{},"output_tokens":{}}}}}}}"#,
            self.item,
            self.random.of(3..900),
            count * 24
        );
        self.data.push_str(&event);
        self.push(kind, start);
    }

    fn push(&mut self, kind: &str, start: usize) {
        let kind = self.run.kind(kind);
        let len = u32::try_from(self.data.len() - start).unwrap_or(0);
        let seq = self.run.spans.len() as u64;
        let span = EventSpan { seq, offset_us: self.at_us, kind, len, original_len: len };
        self.run.spans.push(span);
        self.at_us += self.random.of(4_000..60_000);
    }
}

/// All events at once: nothing in them is a secret, so that no length changes.
fn redacted(redactor: &Redactor, data: String) -> RedactedBytes {
    redactor.body(data.into_bytes())
}

fn message(
    id: &str,
    thinking: &str,
    text: &str,
    call: Option<&(&'static str, String, String)>,
) -> Message {
    let thinking = (!thinking.is_empty())
        .then(|| Content::Thinking { text: thinking.to_owned(), signature_bytes: 348 });
    let text =
        (!text.is_empty()).then(|| Content::Text { text: text.to_owned(), citations: Vec::new() });
    let call = call.map(|(name, id, input)| Content::ToolUse {
        id: id.clone(),
        name: (*name).to_owned(),
        input: input.clone(),
    });
    let stop = if call.is_some() { "tool_use" } else { "end_turn" };
    let blocks = (0..)
        .zip([thinking, text, call].into_iter().flatten())
        .map(|(index, content)| Block { index, content, complete: true })
        .collect();
    Message {
        id: Some(id.to_owned()),
        role: Some(String::from("assistant")),
        blocks,
        stop_reason: Some(stop.to_owned()),
        ..Message::default()
    }
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;

    use super::*;

    #[test]
    fn events_are_as_many_and_as_long_as_asked_for_and_each_is_json() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (words, mut random) = (Words::new(), Random::new(3));
        for events in [Events::Anthropic, Events::OpenAi, Events::Gemini] {
            for count in [0, 1, 2, 3, 9, 50, 130] {
                let with = (&words, &mut random, &redactor);
                let answer = Answer::new(with, (FlowId::new(), events), count);
                assert_eq!(answer.run.spans.len() as u64, count);
                for (_, _, data) in answer.run.iter() {
                    serde_json::from_slice::<serde_json::Value>(data).unwrap();
                }
                if count == 130 {
                    let each = answer.run.text.len() / 130;
                    assert!((200..240).contains(&each), "{each} bytes");
                }
            }
        }
    }
}
