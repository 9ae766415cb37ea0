//! What an answer used that its provider did not tell, by how much text passed: a stream that was cut, or one
//! of which usage was not asked for. An estimate stands beside the provider's numbers and never among them.

use langley_model::{EstimateSource, Flow, Message, Tokens, UsageEstimate};

/// What the model says in an answer, as far as it is shown.
pub(crate) fn shown(message: &Message) -> impl Iterator<Item = &str> {
    message.blocks.iter().flat_map(|block| block.content.said())
}

/// How much text of an exchange a model read and wrote.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    /// Bytes of the request, as they are kept: an image is as long as what stands in its place. None where they
    /// are not known, or where the provider has the rest of the conversation.
    asked: Option<u64>,
    /// Bytes of what the model said, as far as it is shown.
    said: u64,
}

impl Weight {
    /// A request of so many bytes; `goes_on` where it names an earlier answer in the place of the conversation.
    pub(crate) fn asked(&mut self, bytes: u64, goes_on: bool) {
        self.asked = (!goes_on).then_some(bytes);
    }

    /// The model's answer, as far as it came.
    pub(crate) fn said(&mut self, message: &Message) {
        self.said = shown(message).map(|text| text.len() as u64).sum();
    }

    /// What is estimated of a flow that has ended; none where the provider told all, or said nothing that it
    /// would bill.
    pub(crate) fn estimate(self, flow: &Flow) -> Option<UsageEstimate> {
        if self.said == 0 {
            return None;
        }
        let input = flow.usage.input.is_none().then_some(self.asked).flatten();
        let output = flow.usage.output.is_none().then_some(self.said);
        let tokens = |bytes: Option<u64>| bytes.map(Tokens::of_bytes);
        UsageEstimate::of(EstimateSource::Bytes, tokens(input), tokens(output))
    }
}
