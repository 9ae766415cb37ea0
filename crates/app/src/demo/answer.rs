//! What the scripted agent understands of an answer: its content blocks, to send them back.

use serde_json::{Value, json};

/// The content blocks of a streamed answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    blocks: Vec<Value>,
}

impl Answer {
    /// Reads the whole stream at once; what is not a stream of Messages events has no blocks.
    ///
    /// Source of the format: Anthropic Messages API, streaming.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut answer = Self::default();
        let mut input = String::new();
        for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let Ok(event) = serde_json::from_str::<Value>(data) else { continue };
            match event["type"].as_str() {
                Some("content_block_start") => {
                    answer.blocks.push(event["content_block"].clone());
                    input.clear();
                }
                Some("content_block_delta") => answer.add(&event["delta"], &mut input),
                Some("content_block_stop") if !input.is_empty() => {
                    if let Some(block) = answer.blocks.last_mut() {
                        block["input"] = serde_json::from_str(&input).unwrap_or(json!({}));
                    }
                }
                _ => {}
            }
        }
        answer
    }

    /// Id and name of each tool the agent is asked to run.
    pub(crate) fn tool_calls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks
            .iter()
            .filter(|block| block["type"] == "tool_use")
            .filter_map(|block| Some((block["id"].as_str()?, block["name"].as_str()?)))
    }

    /// The blocks, as the next request repeats them.
    pub(crate) fn into_blocks(self) -> Vec<Value> {
        self.blocks
    }

    fn add(&mut self, delta: &Value, input: &mut String) {
        let Some(block) = self.blocks.last_mut() else { return };
        let mut append = |field: &str| {
            let more = delta[field].as_str().unwrap_or_default();
            let whole = format!("{}{more}", block[field].as_str().unwrap_or_default());
            block[field] = Value::String(whole);
        };
        match delta["type"].as_str() {
            Some("text_delta") => append("text"),
            Some("thinking_delta") => append("thinking"),
            Some("signature_delta") => append("signature"),
            Some("input_json_delta") => {
                input.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streamed_tool_call_is_put_together() {
        let stream = concat!(
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Bash\",\"input\":{}}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"command\\\":\"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"ls\\\"}\"}}\n\n",
            "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        );
        let answer = Answer::read(stream.as_bytes());
        assert_eq!(answer.tool_calls().collect::<Vec<_>>(), [("t1", "Bash")]);
        assert_eq!(answer.into_blocks()[0]["input"], json!({ "command": "ls" }));
    }
}
