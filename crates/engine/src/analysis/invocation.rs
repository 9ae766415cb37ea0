//! A tool call with its arguments and its result, read from the answer and the request that have them.

use langley_model::{Content, FlowId, Stored};
use langley_protocol::tools::{digest, result_of};
use langley_store::{Invocation, STRAY, Store, StoreError};

use super::reading::told;

/// A call as it is shown by itself.
#[derive(Clone, Debug)]
pub struct ReadInvocation {
    /// What is kept of it.
    pub invocation: Stored<Invocation>,
    /// Its arguments as JSON text, as far as they came; none where the answer is not kept.
    pub input: Option<String>,
    /// Its result as JSON text; none where there is none, or its request is not kept.
    pub result: Option<String>,
}

/// Reads a call; none when there is no such flow, or no such call in it.
///
/// # Errors
/// A failure of the file.
pub fn read_invocation(
    store: &Store,
    id: FlowId,
    position: u32,
) -> Result<Option<ReadInvocation>, StoreError> {
    let Some(invocation) = store.invocation(id, position)? else { return Ok(None) };
    let call = invocation.call.call.as_ref();
    let message = store.message(id)?;
    let blocks = message.as_ref().map_or(&[][..], |message| &message.blocks[..]);
    let input = call.filter(|_| position < STRAY).and_then(|call| {
        let block = blocks.iter().find(|block| Some(block.index) == call.block)?;
        match &block.content {
            Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => {
                Some(input.clone())
            }
            _ => None,
        }
    });
    let result = match call {
        Some(call) if call.server => {
            let later = match invocation.result_flow.filter(|flow| *flow != id) {
                Some(flow) => store.message(flow)?,
                None => None,
            };
            let blocks = later.as_ref().map_or(blocks, |message| &message.blocks[..]);
            blocks.iter().find_map(|block| match &block.content {
                Content::ServerToolResult { tool_use_id, json, .. }
                    if digest(tool_use_id.as_bytes()) == call.key =>
                {
                    Some(json.clone())
                }
                _ => None,
            })
        }
        Some(call) => match invocation.result_flow {
            Some(flow) => result_of(&told(store, flow)?, call.key).map(str::to_owned),
            None => None,
        },
        None => None,
    };
    Ok(Some(ReadInvocation { invocation, input, result }))
}
