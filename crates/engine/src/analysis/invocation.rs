//! A tool call with its arguments and its result, read from the answer and the request that have them.

use langley_model::{Block, Content, FlowId, Message, Stored};
use langley_protocol::tools::{digest, result_of};
use langley_store::{Invocation, KeptCall, STRAY, Store, StoreError};

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
    let input = input_of(blocks, &invocation.call).map(str::to_owned);
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

/// How the arguments of each call begin, as JSON text of `most` bytes at most; none where the answer is not kept, or
/// cannot be read.
///
/// # Errors
/// A failure of the file that is not of one answer alone.
pub fn input_heads(
    store: &Store,
    calls: &[KeptCall],
    most: usize,
) -> Result<Vec<Option<String>>, StoreError> {
    // Calls of one answer stand beside each other.
    let mut read: Option<(FlowId, Option<Stored<Message>>)> = None;
    let mut heads = Vec::with_capacity(calls.len());
    for call in calls {
        if read.as_ref().is_none_or(|(flow, _)| *flow != call.flow) {
            let message = match store.message(call.flow) {
                Err(error) if error.is_of_one_place() => None,
                message => message?,
            };
            read = Some((call.flow, message));
        }
        let message = read.as_ref().and_then(|(_, message)| message.as_ref());
        let input = message.and_then(|message| input_of(&message.blocks, call));
        heads.push(input.map(|input| input[..input.floor_char_boundary(most)].to_owned()));
    }
    Ok(heads)
}

/// The arguments of a call among the blocks of its answer.
fn input_of<'a>(blocks: &'a [Block], kept: &KeptCall) -> Option<&'a str> {
    let call = kept.call.as_ref().filter(|_| kept.position < STRAY)?;
    let block = blocks.iter().find(|block| Some(block.index) == call.block)?;
    match &block.content {
        Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => Some(input),
        _ => None,
    }
}
