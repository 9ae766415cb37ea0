//! What the scripted agent understands of an answer: its content blocks, to send them back.

use serde_json::{Value, json};

/// The content blocks of a streamed answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    blocks: Vec<Value>,
}

/// A tool that is to be run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Call<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) input: &'a Value,
}

impl Call<'_> {
    /// Whether it is about something that the script says is not there.
    pub(crate) fn is_bound_to_fail(&self) -> bool {
        self.input.to_string().contains("no-such")
    }
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

    /// The tools that the agent is asked to run.
    pub(crate) fn tool_calls(&self) -> impl Iterator<Item = Call<'_>> {
        self.blocks.iter().filter(|block| block["type"] == "tool_use").filter_map(|block| {
            let (id, name) = (block["id"].as_str()?, block["name"].as_str()?);
            Some(Call { id, name, input: &block["input"] })
        })
    }

    /// What it says to a person.
    pub(crate) fn text(&self) -> String {
        let texts = self.blocks.iter().filter_map(|block| block["text"].as_str());
        texts.collect::<Vec<_>>().join("\n")
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
        let input = json!({ "command": "ls" });
        let call = Call { id: "t1", name: "Bash", input: &input };
        assert_eq!(answer.tool_calls().collect::<Vec<_>>(), [call]);
        assert!(!call.is_bound_to_fail());
        assert_eq!(answer.into_blocks()[0]["input"], json!({ "command": "ls" }));
    }
}
