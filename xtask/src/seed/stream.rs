//! How the events of an answer look on the wire, by provider: the JSON around the words, as the
//! providers' own streams have it (their order of members, ids, sequence numbers, padding and usage).

use super::random::Random;

/// Whose events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Anthropic,
    OpenAi,
    Gemini,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Thinking,
    Text,
    Call,
}

/// What the events of one answer name again and again.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) wire: Wire,
    pub(super) model: &'static str,
    pub(super) answer: String,
    pub(super) tool: &'static str,
    pub(super) call: String,
    pub(super) asked_tokens: u64,
}

/// A type and its data.
pub(super) type Event = (&'static str, String);

/// Where an event stands: its sequence number, and the part that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) seq: u64,
    pub(super) index: usize,
    pub(super) part: Part,
}

impl Wire {
    /// How many bytes of text an event carries: `OpenAI` sends token by token, the others gather some.
    pub(super) const fn step(self, random: &mut Random) -> usize {
        let range = match self {
            Self::Anthropic => 10..110,
            Self::OpenAi => 1..9,
            Self::Gemini => 40..200,
        };
        random.of(range) as usize
    }

    /// The same, on average.
    pub(super) const fn mean_step(self) -> usize {
        match self {
            Self::Anthropic => 60,
            Self::OpenAi => 5,
            Self::Gemini => 120,
        }
    }

    /// How many events an answer has, in percent of the average: the finer the steps, the more.
    pub(super) const fn events_percent(self) -> u64 {
        match self {
            Self::Anthropic => 60,
            Self::OpenAi => 230,
            Self::Gemini => 28,
        }
    }

    /// Events that open and close an answer.
    pub(super) const fn ends(self) -> (usize, usize) {
        match self {
            Self::Anthropic => (2, 2),
            Self::OpenAi => (2, 1),
            Self::Gemini => (0, 1),
        }
    }

    /// Events that open and close a part; the deltas stand between them.
    pub(super) const fn frame(self, part: Part) -> (usize, usize) {
        match (self, part) {
            (Self::Anthropic, Part::Thinking) => (1, 2),
            (Self::Anthropic, _) => (1, 1),
            (Self::OpenAi, Part::Call) => (1, 2),
            (Self::OpenAi, _) => (2, 3),
            // A call comes whole.
            (Self::Gemini, Part::Call) => (0, 1),
            (Self::Gemini, _) => (0, 0),
        }
    }

    /// Whether the words of a part come in deltas.
    pub(super) const fn streams(self, part: Part) -> bool {
        !matches!((self, part), (Self::Gemini, Part::Call))
    }
}

impl Names {
    /// The `number`th event that opens an answer.
    pub(super) fn opening(&self, number: usize) -> Event {
        let Self { model, answer, asked_tokens, .. } = self;
        match (self.wire, number) {
            (Wire::Anthropic, 0) => (
                "message_start",
                format!(
                    r#"{{"type":"message_start","message":{{"model":"{model}","id":"{answer}","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":4,"cache_creation_input_tokens":{},"cache_read_input_tokens":{asked_tokens},"cache_creation":{{"ephemeral_5m_input_tokens":{},"ephemeral_1h_input_tokens":0}},"output_tokens":1,"service_tier":"standard"}}}}}}"#,
                    asked_tokens % 997,
                    asked_tokens % 997,
                ),
            ),
            (Wire::Anthropic, _) => ("ping", String::from(r#"{"type": "ping"}"#)),
            _ => {
                let kind = if number == 0 { "response.created" } else { "response.in_progress" };
                (kind, self.response(kind, number as u64, "in_progress", "[]", "null"))
            }
        }
    }

    /// `OpenAI`'s whole response, as three of its events repeat it.
    fn response(&self, kind: &str, seq: u64, status: &str, output: &str, usage: &str) -> String {
        let Self { model, answer, .. } = self;
        format!(
            r#"{{"type":"{kind}","sequence_number":{seq},"response":{{"id":"resp_{answer}","object":"response","created_at":1773480413,"status":"{status}","background":false,"error":null,"incomplete_details":null,"max_output_tokens":null,"model":"{model}","output":{output},"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":"medium","summary":"auto"}},"service_tier":"default","store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","top_p":1.0,"truncation":"disabled","usage":{usage},"metadata":{{}}}}}}"#
        )
    }

    /// The `number`th event that opens a part.
    pub(super) fn begin(&self, number: usize, at: At) -> Event {
        let Self { tool, call, .. } = self;
        let At { index, part, seq } = at;
        if self.wire == Wire::Anthropic {
            let block = match part {
                Part::Thinking => r#"{"type":"thinking","thinking":"","signature":""}"#.to_owned(),
                Part::Text => r#"{"type":"text","text":""}"#.to_owned(),
                Part::Call => {
                    format!(r#"{{"type":"tool_use","id":"{call}","name":"{tool}","input":{{}}}}"#)
                }
            };
            let data = format!(
                r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#
            );
            return ("content_block_start", data);
        }
        let item = self.item(index);
        match (number, part) {
            (0, _) => {
                let begun = self.output(at, "in_progress", "");
                (
                    "response.output_item.added",
                    format!(
                        r#"{{"type":"response.output_item.added","sequence_number":{seq},"output_index":{index},"item":{begun}}}"#
                    ),
                )
            }
            (_, Part::Thinking) => (
                "response.reasoning_summary_part.added",
                format!(
                    r#"{{"type":"response.reasoning_summary_part.added","sequence_number":{seq},"item_id":"{item}","output_index":{index},"summary_index":0,"part":{{"type":"summary_text","text":""}}}}"#
                ),
            ),
            _ => (
                "response.content_part.added",
                format!(
                    r#"{{"type":"response.content_part.added","sequence_number":{seq},"item_id":"{item}","output_index":{index},"content_index":0,"part":{{"type":"output_text","annotations":[],"logprobs":[],"text":""}}}}"#
                ),
            ),
        }
    }

    /// An event that carries words, escaped as JSON wants them.
    pub(super) fn delta(&self, at: At, words: &str, random: &mut Random) -> Event {
        let Self { answer, model, asked_tokens, .. } = self;
        let At { seq, index, part } = at;
        match self.wire {
            Wire::Anthropic => {
                let delta = match part {
                    Part::Thinking => r#""thinking_delta","thinking"#,
                    Part::Text => r#""text_delta","text"#,
                    Part::Call => r#""input_json_delta","partial_json"#,
                };
                let data = format!(
                    r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":{delta}":"{words}"}}}}"#
                );
                ("content_block_delta", data)
            }
            Wire::OpenAi => {
                let (kind, within) = match part {
                    Part::Thinking => {
                        ("response.reasoning_summary_text.delta", r#","summary_index":0"#)
                    }
                    Part::Text => ("response.output_text.delta", r#","content_index":0"#),
                    Part::Call => ("response.function_call_arguments.delta", ""),
                };
                let probabilities = if part == Part::Text { r#","logprobs":[]"# } else { "" };
                let item = self.item(index);
                // What pads the words, so that their length does not show on an encrypted wire.
                let padding = random.padding(16 - words.len() % 16);
                let data = format!(
                    r#"{{"type":"{kind}","sequence_number":{seq},"item_id":"{item}","output_index":{index}{within},"delta":"{words}"{probabilities},"obfuscation":"{padding}"}}"#
                );
                (kind, data)
            }
            Wire::Gemini => {
                let thought = if part == Part::Thinking { r#","thought":true"# } else { "" };
                let (told, thoughts) = (seq * 28 + 11, asked_tokens % 400);
                let data = format!(
                    r#"{{"candidates": [{{"content": {{"parts": [{{"text": "{words}"{thought}}}],"role": "model"}},"index": 0}}],"usageMetadata": {{"promptTokenCount": {asked_tokens},"candidatesTokenCount": {told},"totalTokenCount": {},"cachedContentTokenCount": {},"promptTokensDetails": [{{"modality": "TEXT","tokenCount": {asked_tokens}}}],"thoughtsTokenCount": {thoughts}}},"modelVersion": "{model}","responseId": "{answer}"}}"#,
                    asked_tokens + told + thoughts,
                    asked_tokens * 4 / 5,
                );
                ("chunk", data)
            }
        }
    }

    /// The `number`th event that closes a part, of which `words` is the whole.
    pub(super) fn end(&self, number: usize, at: At, words: &str, random: &mut Random) -> Event {
        let Self { tool, answer, model, asked_tokens, .. } = self;
        let At { seq, index, part } = at;
        let item = self.item(index);
        match (self.wire, part, number) {
            (Wire::Anthropic, Part::Thinking, 0) => {
                // Signatures are some hundred bytes of Base64.
                let signature = random.padding(348);
                (
                    "content_block_delta",
                    format!(
                        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"signature_delta","signature":"{signature}"}}}}"#
                    ),
                )
            }
            (Wire::Anthropic, ..) => (
                "content_block_stop",
                format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
            ),
            (Wire::OpenAi, Part::Call, 0) => (
                "response.function_call_arguments.done",
                format!(
                    r#"{{"type":"response.function_call_arguments.done","sequence_number":{seq},"item_id":"{item}","output_index":{index},"arguments":"{words}"}}"#
                ),
            ),
            (Wire::OpenAi, Part::Thinking, 0) => (
                "response.reasoning_summary_text.done",
                format!(
                    r#"{{"type":"response.reasoning_summary_text.done","sequence_number":{seq},"item_id":"{item}","output_index":{index},"summary_index":0,"text":"{words}"}}"#
                ),
            ),
            (Wire::OpenAi, Part::Text, 0) => (
                "response.output_text.done",
                format!(
                    r#"{{"type":"response.output_text.done","sequence_number":{seq},"item_id":"{item}","output_index":{index},"content_index":0,"text":"{words}","logprobs":[]}}"#
                ),
            ),
            (Wire::OpenAi, Part::Thinking, 1) => (
                "response.reasoning_summary_part.done",
                format!(
                    r#"{{"type":"response.reasoning_summary_part.done","sequence_number":{seq},"item_id":"{item}","output_index":{index},"summary_index":0,"part":{{"type":"summary_text","text":"{words}"}}}}"#
                ),
            ),
            (Wire::OpenAi, Part::Text, 1) => (
                "response.content_part.done",
                format!(
                    r#"{{"type":"response.content_part.done","sequence_number":{seq},"item_id":"{item}","output_index":{index},"content_index":0,"part":{{"type":"output_text","annotations":[],"logprobs":[],"text":"{words}"}}}}"#
                ),
            ),
            (Wire::OpenAi, ..) => {
                let done = self.output(at, "completed", words);
                (
                    "response.output_item.done",
                    format!(
                        r#"{{"type":"response.output_item.done","sequence_number":{seq},"output_index":{index},"item":{done}}}"#
                    ),
                )
            }
            // Only calls have an end here, and are one event; their words are an object, unescaped.
            (Wire::Gemini, ..) => (
                "chunk",
                format!(
                    r#"{{"candidates": [{{"content": {{"parts": [{{"functionCall": {{"name": "{tool}","args": {words}}}}}],"role": "model"}},"index": 0}}],"usageMetadata": {{"promptTokenCount": {asked_tokens},"totalTokenCount": {asked_tokens}}},"modelVersion": "{model}","responseId": "{answer}"}}"#
                ),
            ),
        }
    }

    /// The `number`th event that closes an answer; `parts` are its parts with their words.
    pub(super) fn closing(&self, number: usize, seq: u64, parts: &[(Part, String)]) -> Event {
        let Self { answer, model, asked_tokens, .. } = self;
        let told: usize = parts.iter().map(|(_, words)| words.len() / 4 + 1).sum();
        match (self.wire, number) {
            (Wire::Anthropic, 0) => {
                let calls = parts.iter().any(|(part, _)| *part == Part::Call);
                let why = if calls { "tool_use" } else { "end_turn" };
                (
                    "message_delta",
                    format!(
                        r#"{{"type":"message_delta","delta":{{"stop_reason":"{why}","stop_sequence":null}},"usage":{{"input_tokens":4,"cache_creation_input_tokens":{},"cache_read_input_tokens":{asked_tokens},"output_tokens":{told}}}}}"#,
                        asked_tokens % 997,
                    ),
                )
            }
            (Wire::Anthropic, _) => ("message_stop", String::from(r#"{"type":"message_stop"}"#)),
            (Wire::OpenAi, _) => {
                let outputs: Vec<String> = (0..)
                    .zip(parts)
                    .map(|(index, (part, words))| {
                        self.output(At { seq, index, part: *part }, "completed", words)
                    })
                    .collect();
                let output = format!("[{}]", outputs.join(","));
                let usage = format!(
                    r#"{{"input_tokens":{asked_tokens},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{told},"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{}}}"#,
                    asked_tokens * 4 / 5,
                    asked_tokens + told as u64,
                );
                let kind = "response.completed";
                (kind, self.response(kind, seq, "completed", &output, &usage))
            }
            (Wire::Gemini, _) => (
                "chunk",
                format!(
                    r#"{{"candidates": [{{"content": {{"parts": [{{"text": ""}}],"role": "model"}},"finishReason": "STOP","index": 0}}],"usageMetadata": {{"promptTokenCount": {asked_tokens},"candidatesTokenCount": {told},"totalTokenCount": {}}},"modelVersion": "{model}","responseId": "{answer}"}}"#,
                    asked_tokens + told as u64,
                ),
            ),
        }
    }

    /// `OpenAI`'s name of an item: each has its own.
    fn item(&self, index: usize) -> String {
        format!("msg_{index:02}{}", self.answer)
    }

    /// An item of `OpenAI`'s output.
    fn output(&self, at: At, status: &str, words: &str) -> String {
        let Self { tool, call, .. } = self;
        let item = self.item(at.index);
        match at.part {
            Part::Thinking if words.is_empty() => {
                format!(r#"{{"id":"{item}","type":"reasoning","summary":[]}}"#)
            }
            Part::Thinking => format!(
                r#"{{"id":"{item}","type":"reasoning","summary":[{{"type":"summary_text","text":"{words}"}}]}}"#
            ),
            Part::Text if words.is_empty() => format!(
                r#"{{"id":"{item}","type":"message","status":"{status}","content":[],"role":"assistant"}}"#
            ),
            Part::Text => format!(
                r#"{{"id":"{item}","type":"message","status":"{status}","content":[{{"type":"output_text","annotations":[],"logprobs":[],"text":"{words}"}}],"role":"assistant"}}"#
            ),
            Part::Call => format!(
                r#"{{"id":"{item}","type":"function_call","status":"{status}","arguments":"{words}","call_id":"{call}","name":"{tool}"}}"#
            ),
        }
    }
}

/// A text as it stands between the quotes of a JSON string.
pub(super) fn escaped(text: &str) -> String {
    let mut quoted = serde_json::Value::from(text).to_string();
    quoted.pop();
    quoted.split_off(1.min(quoted.len()))
}
