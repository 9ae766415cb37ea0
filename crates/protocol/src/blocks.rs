//! Blocks of an answer whose provider numbers its parts in its own way: each part gets the next index
//! when it is first spoken of.

use langley_model::{Content, EventText, Few, LiveKind};

use crate::dialect::{Delta, place};
use crate::json::unescape;

/// Open blocks that are remembered; beyond it the oldest counts as ended.
const OPEN_MAX: usize = 256;

/// Where the decoder hands its deltas.
pub(crate) type Out<'o> = &'o mut dyn FnMut(Delta<'_>);

/// The open blocks, by the provider's own name `K` of their part.
#[derive(Debug)]
pub(crate) struct Blocks<K> {
    open: Vec<Open<K>>,
    next: u32,
}

#[derive(Debug)]
struct Open<K> {
    key: K,
    index: u32,
    /// Whether any of its text came.
    said: bool,
}

impl<K> Default for Blocks<K> {
    fn default() -> Self {
        Self { open: Vec::new(), next: 0 }
    }
}

impl<K: Copy + PartialEq> Blocks<K> {
    /// Whether the part's block is open.
    pub(crate) fn is_open(&self, key: K) -> bool {
        self.open.iter().any(|block| block.key == key)
    }

    /// The index of the part's open block.
    pub(crate) fn index(&self, key: K) -> Option<u32> {
        self.open.iter().find(|block| block.key == key).map(|block| block.index)
    }

    /// Whether any of the part's text came.
    pub(crate) fn has_said(&self, key: K) -> bool {
        self.open.iter().any(|block| block.key == key && block.said)
    }

    /// The part's block, begun with `content` when it is not open.
    pub(crate) fn start(&mut self, key: K, content: impl FnOnce() -> Content, out: Out<'_>) -> u32 {
        if let Some(block) = self.open.iter().find(|block| block.key == key) {
            return block.index;
        }
        if self.open.len() >= OPEN_MAX {
            let oldest = self.open.remove(0);
            out(Delta::BlockStop { index: oldest.index });
        }
        let index = self.next;
        self.next = self.next.saturating_add(1);
        self.open.push(Open { key, index, said: false });
        out(Delta::BlockStart { index, content: content() });
        index
    }

    /// A piece of the part's text: `escaped` as it stands in the JSON of `data`. None when it cannot be
    /// unescaped.
    pub(crate) fn say(
        &mut self,
        key: K,
        kind: LiveKind,
        escaped: &str,
        data: &[u8],
        out: Out<'_>,
    ) -> Option<EventText> {
        let block = self.open.iter_mut().find(|block| block.key == key)?;
        let text = unescape(escaped)?;
        block.said |= !text.is_empty();
        let index = block.index;
        out(Delta::fragment(index, kind, text));
        Some(place(index, kind, data, escaped))
    }

    /// Ends the blocks of which `ends` is true; returns their indices.
    pub(crate) fn stop(&mut self, ends: impl Fn(K) -> bool, out: Out<'_>) -> Few<u32> {
        let mut stopped = Few::None;
        self.open.retain(|block| {
            let ended = ends(block.key);
            if ended {
                out(Delta::BlockStop { index: block.index });
                stopped.push(block.index);
            }
            !ended
        });
        stopped
    }
}

/// An empty text.
pub(crate) const fn text() -> Content {
    Content::Text { text: String::new(), citations: Vec::new() }
}

/// Empty reasoning.
pub(crate) const fn thinking() -> Content {
    Content::Thinking { text: String::new(), signature_bytes: 0 }
}
