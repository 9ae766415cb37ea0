//! From the steps of an answer to the message, bounded, so that an endless answer cannot fill memory.

use langley_model::{Block, Content, Flow, Message, MicroUsd, ProviderError, Usage};
use langley_protocol::dialect::Delta;

use crate::cut::safe_end;
use crate::outcome::Answer;

/// What a block costs of the bound beside its text.
const BLOCK_COST: usize = 128;

/// The opening of a message that is too long is this part of what may be kept of one.
const OPENING_PART: usize = 4;

/// Bytes of a word on how an answer is served.
const TIER_MAX: usize = 32;

/// A message being put together.
#[derive(Debug)]
pub(crate) struct Assembly {
    message: Message,
    cost: Option<MicroUsd>,
    /// How it is served, each word once, with `+` between.
    tier: Option<String>,
    /// Bytes that may be kept.
    limit: usize,
    /// Bytes that may still be kept.
    room: usize,
    answer: Answer,
    stopped: bool,
    /// Pieces of text, reasoning or tool input.
    spoken: u64,
    heard: bool,
}

impl Assembly {
    /// Nothing yet; keeps at most `limit` bytes of text.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            message: Message::default(),
            cost: None,
            tier: None,
            limit,
            room: limit,
            answer: Answer::Open,
            stopped: false,
            spoken: 0,
            heard: false,
        }
    }

    /// Takes one step of the answer.
    pub(crate) fn apply(&mut self, delta: Delta<'_>) {
        let message = &mut self.message;
        match delta {
            Delta::Text { index, text } => {
                self.spoken += u64::from(!text.is_empty());
                self.append(index, Piece::Text, &text);
            }
            Delta::Thinking { index, text } => {
                self.spoken += u64::from(!text.is_empty());
                self.append(index, Piece::Thinking, &text);
            }
            Delta::InputJson { index, json } => {
                self.spoken += u64::from(!json.is_empty());
                self.append(index, Piece::Input, &json);
            }
            Delta::MessageStart { id, model, role } => {
                let own = |text: Option<std::borrow::Cow<'_, str>>| text.map(Into::into);
                message.id = own(id).or_else(|| message.id.take());
                message.model = own(model).or_else(|| message.model.take());
                message.role = own(role).or_else(|| message.role.take());
            }
            Delta::Usage(usage) => {
                // What a call cost is no answer yet.
                message.usage.update(&usage);
                return;
            }
            Delta::BlockStart { index, content } => self.start(index, content),
            Delta::Signature { index, bytes } => {
                if let Some(Content::Thinking { signature_bytes, .. }) = self.content(index) {
                    *signature_bytes = signature_bytes.saturating_add(bytes);
                }
            }
            Delta::Citation { index, json } => {
                if self.take_room(json.len()) < json.len() {
                    self.message.truncated = true;
                } else if let Some(Content::Text { citations, .. }) = self.content(index) {
                    citations.push(json.into_owned());
                }
            }
            Delta::BlockStop { index } => {
                if let Some(block) = self.block(index) {
                    block.complete = true;
                }
            }
            Delta::Stop { reason, sequence } => {
                self.stopped = true;
                message.stop_reason = reason.map(Into::into).or_else(|| message.stop_reason.take());
                message.stop_sequence =
                    sequence.map(Into::into).or_else(|| message.stop_sequence.take());
            }
            Delta::StopDetails { json } => {
                // Half of a JSON value is none; and what it does not take is left to the text.
                if let Some(left) = self.room.checked_sub(json.len()) {
                    self.room = left;
                    message.stop_details = Some(json.into());
                } else {
                    message.truncated = true;
                }
            }
            Delta::MessageStop => {
                self.stopped = true;
                if self.answer == Answer::Open {
                    self.answer = Answer::Whole;
                }
            }
            Delta::Error { kind, message: sentence } => {
                self.answer = Answer::Failed;
                message.error = Some(ProviderError {
                    kind: kind.map(Into::into),
                    message: sentence.map(Into::into),
                });
            }
            Delta::Cost(cost) => {
                self.cost = Some(cost);
                return;
            }
            Delta::Tier(word) => {
                self.serve(&word);
                return;
            }
            Delta::Served { model } => {
                self.stopped = true;
                message.model = model.map(Into::into).or_else(|| message.model.take());
                return;
            }
            Delta::TokenCount(_) | Delta::Ping | Delta::Unknown { .. } => return,
        }
        self.heard = true;
    }

    /// How many pieces of text, reasoning or tool input were seen.
    pub(crate) const fn spoken(&self) -> u64 {
        self.spoken
    }

    /// What the answer says of its own end.
    pub(crate) const fn answer(&self) -> Answer {
        self.answer
    }

    /// Parts of the answer were lost on the way.
    pub(crate) const fn mark_incomplete(&mut self) {
        self.message.truncated = true;
    }

    /// Writes what is known so far into the flow.
    pub(crate) fn describe(&self, flow: &mut Flow) {
        describe(&self.message, self.usage(), flow);
        if self.tier.is_some() && flow.service_tier != self.tier {
            flow.service_tier.clone_from(&self.tier);
        }
        if self.cost.is_some() {
            flow.cost = self.cost;
            flow.cost_source = Some(String::from("reported"));
        }
    }

    /// Notes a word on how it is served; what is no short word is left out.
    fn serve(&mut self, word: &str) {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if word.is_empty() || word.len() > TIER_MAX || !word.bytes().all(is_word) {
            return;
        }
        let word = word.to_ascii_lowercase();
        match &mut self.tier {
            None => self.tier = Some(word),
            Some(words) if words.split('+').any(|known| known == word) => {}
            Some(words) if words.len() + word.len() < 2 * TIER_MAX => {
                words.push('+');
                words.push_str(&word);
            }
            Some(_) => {}
        }
    }

    /// The message as far as it came; none when the answer said nothing.
    ///
    /// Of one that is longer than may be kept only the opening is: the whole of it is in the events.
    pub(crate) fn finish(mut self) -> Option<Message> {
        self.message.usage = self.usage();
        self.message.blocks.sort_by_key(|block| block.index);
        let is_too_long = self.message.truncated && self.room == 0;
        let mut left = if is_too_long { self.limit / OPENING_PART } else { usize::MAX };
        for block in &mut self.message.blocks {
            let Some(text) = text_of(&mut block.content) else { continue };
            let is_cut = text.len() > left || (self.message.truncated && !block.complete);
            text.truncate(text.floor_char_boundary(left));
            left -= text.len();
            if is_cut {
                // The bytes of a word are ASCII, so its start is a character's start.
                text.truncate(safe_end(text.as_bytes()));
            }
        }
        self.heard.then_some(self.message)
    }

    /// The output count of an answer that has not stopped is a placeholder: unknown, not small.
    fn usage(&self) -> Usage {
        let usage = self.message.usage;
        if self.stopped { usage } else { Usage { output: None, reasoning: None, ..usage } }
    }

    fn start(&mut self, index: u32, content: Content) {
        let size = content_size(&content);
        if self.take_room(BLOCK_COST + size) < BLOCK_COST + size {
            self.message.truncated = true;
            self.room = 0;
            return;
        }
        self.message.blocks.push(Block { index, content, complete: false });
    }

    fn append(&mut self, index: u32, piece: Piece, text: &str) {
        let kept = self.take_room(text.len());
        let mut end = kept;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end < text.len() {
            self.message.truncated = true;
            self.room = 0;
        }
        let text = &text[..end];
        if let Some(content) = self.content(index) {
            if let Some(held) = text_of(content) {
                held.push_str(text);
            }
            return;
        }
        if text.is_empty() {
            return;
        }
        // The block's start was lost: what follows of it is still worth showing.
        let text = text.to_owned();
        let content = match piece {
            Piece::Text => Content::Text { text, citations: Vec::new() },
            Piece::Thinking => Content::Thinking { text, signature_bytes: 0 },
            Piece::Input => Content::Other { kind: String::from("input_json"), json: text },
        };
        self.message.truncated = true;
        self.room = self.room.saturating_sub(BLOCK_COST);
        self.message.blocks.push(Block { index, content, complete: false });
    }

    fn take_room(&mut self, wanted: usize) -> usize {
        let given = wanted.min(self.room);
        self.room -= given;
        given
    }

    fn block(&mut self, index: u32) -> Option<&mut Block> {
        self.message.blocks.iter_mut().rev().find(|block| block.index == index)
    }

    fn content(&mut self, index: u32) -> Option<&mut Content> {
        self.block(index).map(|block| &mut block.content)
    }
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Text,
    Thinking,
    Input,
}

/// Writes what a message says into its flow.
fn describe(message: &Message, usage: Usage, flow: &mut Flow) {
    let copy = |to: &mut Option<String>, from: &Option<String>| {
        if from.is_some() && to != from {
            to.clone_from(from);
        }
    };
    copy(&mut flow.message_id, &message.id);
    copy(&mut flow.model, &message.model);
    copy(&mut flow.stop_reason, &message.stop_reason);
    if let Some(error) = &message.error {
        copy(&mut flow.error_kind, &error.kind);
        copy(&mut flow.error_message, &error.message);
    }
    flow.usage = usage;
    flow.tool_names.clear();
    flow.tool_names.extend(message.tool_names().map(str::to_owned));
}

fn content_size(content: &Content) -> usize {
    match content {
        Content::Text { text, citations } => {
            text.len() + citations.iter().map(String::len).sum::<usize>()
        }
        Content::Thinking { text, .. } => text.len(),
        Content::RedactedThinking { .. } => 0,
        Content::ToolUse { id, name, input } | Content::ServerToolUse { id, name, input } => {
            id.len() + name.len() + input.len()
        }
        Content::ServerToolResult { kind, tool_use_id, json } => {
            kind.len() + tool_use_id.len() + json.len()
        }
        Content::Other { kind, json } => kind.len() + json.len(),
    }
}

/// The text of a block that may be long.
const fn text_of(content: &mut Content) -> Option<&mut String> {
    match content {
        Content::Text { text, .. }
        | Content::Thinking { text, .. }
        | Content::ToolUse { input: text, .. }
        | Content::ServerToolUse { input: text, .. }
        | Content::Other { json: text, .. } => Some(text),
        Content::RedactedThinking { .. } | Content::ServerToolResult { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use langley_model::Tokens;

    use super::*;

    fn text(index: u32, text: &str) -> Delta<'_> {
        Delta::Text { index, text: text.into() }
    }

    fn text_block(index: u32) -> Delta<'static> {
        let content = Content::Text { text: String::new(), citations: Vec::new() };
        Delta::BlockStart { index, content }
    }

    fn usage(input: u64, output: u64) -> Delta<'static> {
        Delta::Usage(Usage {
            input: Some(Tokens(input)),
            output: Some(Tokens(output)),
            ..Usage::default()
        })
    }

    fn assembled(room: usize, deltas: Vec<Delta<'_>>) -> Assembly {
        let mut assembly = Assembly::new(room);
        deltas.into_iter().for_each(|delta| assembly.apply(delta));
        assembly
    }

    #[test]
    fn interleaved_fragments_join_by_block() {
        let tool = Content::ToolUse { id: "t".into(), name: "Bash".into(), input: String::new() };
        let message = assembled(
            1_000,
            vec![
                Delta::MessageStart { id: Some("m".into()), model: Some("x".into()), role: None },
                text_block(0),
                Delta::BlockStart { index: 1, content: tool },
                text(0, "a"),
                Delta::InputJson { index: 1, json: "{\"c\"".into() },
                text(0, "b"),
                Delta::InputJson { index: 1, json: ":1}".into() },
                Delta::BlockStop { index: 1 },
                Delta::BlockStop { index: 0 },
                usage(3, 9),
                Delta::Stop { reason: Some("tool_use".into()), sequence: None },
                Delta::MessageStop,
            ],
        )
        .finish()
        .unwrap();
        assert_eq!(message.id.as_deref(), Some("m"));
        assert_eq!(message.usage.output, Some(Tokens(9)));
        assert_eq!(message.tool_names().collect::<Vec<_>>(), ["Bash"]);
        assert!(message.blocks.iter().all(|block| block.complete));
        let expected = [
            Content::Text { text: "ab".into(), citations: Vec::new() },
            Content::ToolUse { id: "t".into(), name: "Bash".into(), input: "{\"c\":1}".into() },
        ];
        let contents: Vec<_> = message.blocks.into_iter().map(|block| block.content).collect();
        assert_eq!(contents, expected);
    }

    #[test]
    fn an_answer_that_did_not_stop_has_no_output_count() {
        let assembly = assembled(1_000, vec![usage(25, 1), text_block(0), text(0, "half ")]);
        assert_eq!(assembly.spoken(), 1);
        assert_eq!(assembly.answer(), Answer::Open);
        let message = assembly.finish().unwrap();
        assert_eq!(message.usage.input, Some(Tokens(25)));
        assert_eq!(message.usage.output, None);
        assert!(!message.blocks[0].complete);
    }

    #[test]
    fn an_error_after_the_start_is_the_answers_end() {
        let error = Delta::Error { kind: Some("overloaded_error".into()), message: None };
        let assembly = assembled(1_000, vec![usage(25, 1), error]);
        assert_eq!(assembly.answer(), Answer::Failed);
        assert_eq!(
            assembly.finish().unwrap().error.unwrap().kind.as_deref(),
            Some("overloaded_error")
        );
    }

    #[test]
    fn the_bound_cuts_and_says_so_without_half_a_word() {
        let assembly = assembled(
            BLOCK_COST + 20,
            vec![text_block(0), text(0, "keep sk-half-a-key-and-more, and more, and even more")],
        );
        let message = assembly.finish().unwrap();
        assert!(message.truncated);
        assert_eq!(
            message.blocks[0].content,
            Content::Text { text: "keep ".into(), citations: Vec::new() }
        );
    }

    #[test]
    fn of_a_message_that_is_too_long_only_the_opening_is_kept() {
        let limit = 4_000;
        let mut assembly = assembled(limit, vec![text_block(0), text_block(1)]);
        for word in 0..1_000 {
            assembly.apply(text(word % 2, "a word é "));
        }
        let message = assembly.finish().unwrap();
        let lengths: Vec<usize> = message.blocks.iter().map(|b| content_size(&b.content)).collect();
        assert!(message.truncated);
        assert!((990..=1_000).contains(&(lengths[0] + lengths[1])), "{lengths:?}");
        let fits = assembled(limit, vec![text_block(0), text(0, &"x ".repeat(1_500))]);
        let message = fits.finish().unwrap();
        assert_eq!((message.truncated, content_size(&message.blocks[0].content)), (false, 3_000));
    }

    #[test]
    fn many_blocks_cannot_pass_the_bound() {
        let mut assembly = Assembly::new(10 * BLOCK_COST);
        for index in 0..1_000 {
            assembly.apply(text_block(index));
        }
        let message = assembly.finish().unwrap();
        assert_eq!((message.blocks.len(), message.truncated), (10, true));
    }

    #[test]
    fn what_is_said_beside_the_end_counts_and_is_left_out_whole() {
        let details = |len| Delta::StopDetails { json: format!("\"{}\"", "x".repeat(len)).into() };
        let body = "y".repeat(600);
        let said = || vec![text_block(0), text(0, &body), details(200)];
        let message = assembled(1_000, said()).finish().unwrap();
        assert_eq!(message.stop_details.map(|json| json.len()), Some(202));
        assert!(!message.truncated);

        let mut second = assembled(1_000, said());
        second.apply(text(0, &"z".repeat(71)));
        assert!(second.finish().unwrap().truncated, "what was said has taken room");

        let message = assembled(1_000, vec![text_block(0), details(2_000), text(0, "all of it")])
            .finish()
            .unwrap();
        assert_eq!((message.stop_details, message.truncated), (None, true));
        assert_eq!(
            message.blocks[0].content,
            Content::Text { text: "all of it".into(), citations: Vec::new() },
            "what was left out takes no room"
        );
    }

    #[test]
    fn a_fragment_of_a_block_whose_start_was_lost_is_kept() {
        let message = assembled(
            1_000,
            vec![text(3, "tail "), Delta::InputJson { index: 4, json: "1}".into() }],
        )
        .finish()
        .unwrap();
        assert!(message.truncated);
        assert_eq!(message.blocks.len(), 2);
        assert_eq!(message.tool_names().count(), 0);
    }

    #[test]
    fn pings_and_unknown_events_are_no_answer() {
        let assembly = assembled(1_000, vec![Delta::Ping, Delta::Unknown { kind: "new".into() }]);
        assert_eq!(assembly.finish(), None);
    }
}
