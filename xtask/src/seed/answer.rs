//! One streamed answer: its events as they came, and the message they make.

use langley_model::{
    Block, Content, EventRun, EventSpan, FlowId, Message, RedactedBytes, Redactor,
};

use super::random::Random;
use super::said::{Call, Sources};
use super::stream::{At, Event, Names, Part, Wire, escaped};

/// What a model answered.
pub(super) struct Answer {
    pub(super) run: EventRun,
    pub(super) message: Message,
    pub(super) thinking: String,
    pub(super) text: String,
    pub(super) call: Option<Call>,
}

/// An answer under way.
struct Stream<'a> {
    names: Names,
    run: EventRun,
    data: String,
    at_us: u64,
    random: &'a mut Random,
}

/// A part as it is planned: what it is, and its words in as many pieces as it has deltas.
struct Planned {
    part: Part,
    words: String,
    deltas: usize,
}

impl Answer {
    /// An answer of exactly `events` events.
    pub(super) fn new(
        (sources, random, redactor): (Sources<'_>, &mut Random, &Redactor),
        (flow, wire, model): (FlowId, Wire, &'static str),
        (events, asked_tokens): (u64, u64),
    ) -> Self {
        let count = events as usize;
        let (mut opening, closing) = wire.ends();
        let framed = |part: &Part| {
            let (before, after) = wire.frame(*part);
            before + after
        };
        let parts: Vec<Part> = [
            (Part::Thinking, count > 24 && random.percent(60)),
            (Part::Text, count > opening + closing + framed(&Part::Text)),
            (Part::Call, count > 20 && random.percent(70)),
        ]
        .into_iter()
        .filter_map(|(part, has)| has.then_some(part))
        .collect();
        let frames = opening + closing + parts.iter().map(framed).sum::<usize>();
        let deltas = count.saturating_sub(frames);
        if parts.is_empty() {
            // Signs of life, and then the end.
            opening = count.saturating_sub(closing);
        }
        let (planned, call) = plan((sources, random), wire, &parts, deltas);
        let names = Names {
            wire,
            model,
            answer: match wire {
                Wire::OpenAi => random.hex(48),
                _ => random.id("msg_01", 22),
            },
            tool: call.as_ref().map_or("", |call| call.tool),
            call: call.as_ref().map_or_else(String::new, |call| call.id.clone()),
            asked_tokens,
        };
        let id = names.answer.clone();
        let run = EventRun::with_capacity(flow, 0, count);
        let at_us = random.of(300_000..4_000_000);
        let data = String::with_capacity(count * 256);
        let mut stream = Stream { names, run, data, at_us, random };
        stream.all(&planned, count, (opening, closing));
        let Stream { mut run, data, .. } = stream;
        run.text = redacted(redactor, data);
        let said = |wanted: Part| {
            let part = planned.iter().find(|planned| planned.part == wanted);
            part.map_or_else(String::new, |planned| planned.words.clone())
        };
        let (thinking, text) = (said(Part::Thinking), said(Part::Text));
        let message = message(&id, &thinking, &text, call.as_ref());
        Self { run, message, thinking, text, call }
    }
}

/// Shares `deltas` out among the parts and finds words for each.
fn plan(
    (sources, random): (Sources<'_>, &mut Random),
    wire: Wire,
    parts: &[Part],
    deltas: usize,
) -> (Vec<Planned>, Option<Call>) {
    let mut left = deltas;
    let mut call = None;
    let mut planned = Vec::with_capacity(parts.len());
    // The call first: how long it is depends on its tool.
    if parts.contains(&Part::Call) {
        let made = sources.call(random, deltas / 2 * wire.mean_step());
        let count = match wire.streams(Part::Call) {
            true => (made.input.len() / wire.mean_step()).clamp(1, (left / 2).max(1)),
            false => 0,
        };
        left = left.saturating_sub(count);
        let words = made.input.clone();
        planned.push(Planned { part: Part::Call, words, deltas: count });
        call = Some(made);
    }
    for part in [Part::Text, Part::Thinking] {
        if !parts.contains(&part) {
            continue;
        }
        let shared = part == Part::Text && parts.contains(&Part::Thinking);
        let count = if shared { left - left * 2 / 5 } else { left };
        left -= count;
        let mut words = sources.prose(random, count * wire.mean_step());
        words.truncate(count * wire.mean_step());
        planned.push(Planned { part, words, deltas: count });
    }
    planned.reverse();
    (planned, call)
}

impl Stream<'_> {
    /// All events; of a short answer as many as there is room for.
    fn all(&mut self, parts: &[Planned], count: usize, (opening, closing): (usize, usize)) {
        for number in 0..opening.min(count.saturating_sub(closing)) {
            let event = self.names.opening(number);
            self.push(event);
        }
        for (index, planned) in parts.iter().enumerate() {
            self.part(index, planned);
        }
        let whole: Vec<(Part, String)> =
            parts.iter().map(|planned| (planned.part, escaped(&planned.words))).collect();
        for number in 0..count.saturating_sub(self.run.spans.len()) {
            let event = self.names.closing(number, self.seq(), &whole);
            self.push(event);
        }
    }

    fn part(&mut self, index: usize, planned: &Planned) {
        let Planned { part, words, deltas } = planned;
        let (before, after) = self.names.wire.frame(*part);
        let at = |it: &Self| At { seq: it.seq(), index, part: *part };
        for number in 0..before {
            let event = self.names.begin(number, at(self));
            self.push(event);
        }
        let mut rest = words.as_str();
        for left in (1..=*deltas).rev() {
            // Never more than leaves something for the others, and the last takes what is left.
            let most = rest.len().saturating_sub(left - 1);
            let drawn = self.names.wire.step(self.random).min(rest.len() * 2 / left);
            let len = if left == 1 { rest.len() } else { drawn.clamp(most.min(1), most) };
            let (some, others) = rest.split_at(len);
            rest = others;
            let event = self.names.delta(at(self), &escaped(some), self.random);
            self.push(event);
        }
        // Where a call comes whole, its words are an object.
        let whole = if self.names.wire.streams(*part) { escaped(words) } else { words.clone() };
        for number in 0..after {
            let event = self.names.end(number, at(self), &whole, self.random);
            self.push(event);
        }
    }

    const fn seq(&self) -> u64 {
        self.run.spans.len() as u64
    }

    fn push(&mut self, (kind, data): Event) {
        let kind = self.run.kind(kind);
        let len = u32::try_from(data.len()).unwrap_or(0);
        let span =
            EventSpan { seq: self.seq(), offset_us: self.at_us, kind, len, original_len: len };
        self.data.push_str(&data);
        self.run.spans.push(span);
        self.at_us += self.random.of(4_000..60_000);
    }
}

/// All events at once: nothing in them is a secret, so that no length changes.
fn redacted(redactor: &Redactor, data: String) -> RedactedBytes {
    redactor.body(data.into_bytes())
}

fn message(id: &str, thinking: &str, text: &str, call: Option<&Call>) -> Message {
    let thinking = (!thinking.is_empty())
        .then(|| Content::Thinking { text: thinking.to_owned(), signature_bytes: 348 });
    let text =
        (!text.is_empty()).then(|| Content::Text { text: text.to_owned(), citations: Vec::new() });
    let call = call.map(|Call { tool, id, input }| Content::ToolUse {
        id: id.clone(),
        name: (*tool).to_owned(),
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
    use serde_json::Value;

    use super::super::project::Project;
    use super::super::words::Words;
    use super::*;

    #[test]
    fn events_are_as_many_as_asked_for_each_is_json_and_they_say_what_the_message_says() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (words, mut random) = (Words::new(), Random::new(3));
        let project = Project::new(&words, &mut random);
        let sources = Sources { words: &words, project: &project };
        let mut lengths = Vec::new();
        for wire in [Wire::Anthropic, Wire::OpenAi, Wire::Gemini] {
            let mut bytes = 0;
            for count in [0, 1, 2, 3, 5, 9, 20, 50, 50, 50, 130] {
                let with = (sources, &mut random, &redactor);
                let answer = Answer::new(with, (FlowId::new(), wire, "model"), (count, 9_000));
                assert_eq!(answer.run.spans.len() as u64, count);
                assert_eq!(
                    answer.run.iter().map(|(span, ..)| span.len).sum::<u32>(),
                    u32::try_from(answer.run.text.len()).unwrap()
                );
                let mut said = [String::new(), String::new()];
                for (_, kind, data) in answer.run.iter() {
                    let data: Value = serde_json::from_slice(data).unwrap();
                    let text = |place: &str| data.pointer(place).and_then(Value::as_str);
                    let part = &data["candidates"][0]["content"]["parts"][0];
                    match wire {
                        Wire::Anthropic => {
                            said[0].push_str(text("/delta/thinking").unwrap_or(""));
                            said[1].push_str(text("/delta/text").unwrap_or(""));
                        }
                        Wire::OpenAi if kind.ends_with("_text.delta") => {
                            said[usize::from(kind.contains("output"))]
                                .push_str(text("/delta").unwrap());
                        }
                        Wire::OpenAi => {}
                        Wire::Gemini => said[usize::from(part["thought"].is_null())]
                            .push_str(part["text"].as_str().unwrap_or("")),
                    }
                }
                assert_eq!(said, [answer.thinking.as_str(), answer.text.as_str()], "{wire:?}");
                if let Some(call) = &answer.call {
                    assert!(serde_json::from_str::<Value>(&call.input).unwrap().is_object());
                }
                if count == 50 {
                    bytes += answer.run.text.len() / 150;
                }
            }
            lengths.push(bytes);
        }
        // As much JSON around the words as the providers send.
        assert!((130..220).contains(&lengths[0]), "{lengths:?}");
        assert!((200..300).contains(&lengths[1]), "{lengths:?}");
        assert!((400..700).contains(&lengths[2]), "{lengths:?}");
    }
}
