//! When the blocks of a streamed answer began and ended, read from its stored events.

use std::collections::HashMap;

use langley_model::{DialectName, Flow};
use langley_protocol::dialect::{Delta, Dialect, ResponseDecoder};
use langley_protocol::sse::SseEvent;
use langley_store::StoredEvent;

/// A block of an answer, in microseconds since the flow began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockTimes {
    pub(crate) began_us: i64,
    pub(crate) ended_us: Option<i64>,
    /// It went on after its end.
    pub(crate) went_on: bool,
    /// Another block began under its index.
    pub(crate) was_reused: bool,
    /// It, or the one under its index, has begun and not ended.
    is_open: bool,
}

/// The blocks of an answer, by their indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks(HashMap<u32, BlockTimes>);

/// Reads blocks from events.
pub(super) struct BlockReader {
    decoder: Box<dyn ResponseDecoder>,
    blocks: Blocks,
    has_some: bool,
}

impl BlockReader {
    pub(super) fn new(dialect: &dyn Dialect) -> Self {
        Self { decoder: dialect.response(), blocks: Blocks::default(), has_some: false }
    }

    /// Takes the next event.
    pub(super) fn see(&mut self, event: &StoredEvent) {
        let Self { decoder, blocks, has_some } = self;
        *has_some = true;
        let at = event.offset_us.cast_signed();
        let event = SseEvent { name: &event.kind, data: &event.data, id: None, retry: None };
        decoder.event(&event, &mut |delta| blocks.see(&delta, at));
    }

    /// The blocks of this flow; none without an event.
    pub(super) fn end(self, flow: &Flow) -> Option<Blocks> {
        let mut blocks = self.blocks;
        // Indexes that a dialect gives itself are never wrong.
        let has_indexes =
            matches!(flow.dialect(), Some(DialectName::Anthropic | DialectName::Bedrock));
        if !has_indexes {
            for block in blocks.0.values_mut() {
                (block.went_on, block.was_reused) = (false, false);
            }
        }
        self.has_some.then_some(blocks)
    }
}

impl Blocks {
    /// A block by its index.
    pub(crate) fn get(&self, index: u32) -> Option<&BlockTimes> {
        self.0.get(&index)
    }

    fn see(&mut self, delta: &Delta<'_>, at: i64) {
        match delta {
            Delta::BlockStart { index, .. } => {
                let fresh = BlockTimes { began_us: at, ..BlockTimes::default() };
                let block = self.0.entry(*index).or_insert(fresh);
                if block.began_us != at || block.ended_us.is_some() {
                    block.was_reused = true;
                }
                block.is_open = true;
            }
            Delta::InputJson { index, .. }
            | Delta::Text { index, .. }
            | Delta::Thinking { index, .. } => {
                if let Some(block) = self.0.get_mut(index) {
                    block.went_on |= !block.is_open;
                }
            }
            Delta::BlockStop { index } => {
                if let Some(block) = self.0.get_mut(index) {
                    block.ended_us.get_or_insert(at);
                    block.is_open = false;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use langley_model::Content;

    use super::*;

    fn start(index: u32) -> Delta<'static> {
        let (id, name) = (String::from("t"), String::from("f"));
        Delta::BlockStart { index, content: Content::ToolUse { id, name, input: String::new() } }
    }

    #[test]
    fn a_block_that_goes_on_or_comes_again_is_told_from_one_that_does_not() {
        let mut blocks = Blocks::default();
        let more = |index| Delta::InputJson { index, json: "{".into() };
        for (delta, at) in [
            (start(0), 5),
            (more(0), 6),
            (Delta::BlockStop { index: 0 }, 7),
            (start(1), 8),
            (Delta::BlockStop { index: 1 }, 9),
            (more(1), 10),
            (start(2), 11),
            (start(2), 12),
            (start(3), 13),
            (Delta::BlockStop { index: 3 }, 14),
            (start(3), 15),
            (more(3), 16),
            (Delta::BlockStop { index: 3 }, 17),
        ] {
            blocks.see(&delta, at);
        }
        let fine = BlockTimes { began_us: 5, ended_us: Some(7), ..BlockTimes::default() };
        assert_eq!(blocks.get(0), Some(&fine));
        assert!(blocks.get(1).unwrap().went_on && !blocks.get(1).unwrap().was_reused);
        assert!(blocks.get(2).unwrap().was_reused && !blocks.get(2).unwrap().went_on);
        let again = blocks.get(3).unwrap();
        assert!(again.was_reused && !again.went_on, "what came was the second one's");
    }
}
