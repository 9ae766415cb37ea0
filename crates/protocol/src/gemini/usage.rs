//! Usage as Gemini states it: cumulative; the prompt includes what was cached, thoughts are apart
//! from candidates.

use langley_model::{Tokens, Usage};

use crate::dialect::Delta;
use crate::json::Object;

/// What is remembered of one answer's earlier reports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UsageReader {
    prompt: Option<u64>,
    tool_prompt: Option<u64>,
}

impl UsageReader {
    /// Hands out what a `usageMetadata` object says: the tokens, and what has to do with their price.
    pub(super) fn tell(&mut self, usage: &Object<'_>, out: &mut dyn FnMut(Delta<'_>)) {
        out(Delta::Usage(self.read(usage)));
        let named = ["serviceTier", "trafficType"].into_iter().find_map(|name| usage.text(name));
        if let Some(word) = named {
            out(Delta::Tier(word));
        }
    }

    /// Reads a `usageMetadata` object.
    ///
    /// What the provider's own tools put into the prompt is counted apart from the prompt; it is
    /// input all the same, so the input is the sum of both.
    fn read(&mut self, usage: &Object<'_>) -> Usage {
        self.read_named(
            usage,
            &[
                "promptTokenCount",
                "toolUsePromptTokenCount",
                "cachedContentTokenCount",
                "candidatesTokenCount",
                "thoughtsTokenCount",
            ],
        )
    }

    /// Reads the `usage` of an interaction: the same classes by other names.
    pub(super) fn read_interaction(&mut self, usage: &Object<'_>) -> Usage {
        self.read_named(
            usage,
            &[
                "total_input_tokens",
                "total_tool_use_tokens",
                "total_cached_tokens",
                "total_output_tokens",
                "total_thought_tokens",
            ],
        )
    }

    fn read_named(&mut self, usage: &Object<'_>, names: &[&str; 5]) -> Usage {
        let [prompt, tool_prompt, cached, output, thoughts] = *names;
        let stated = (usage.number(prompt), usage.number(tool_prompt));
        self.prompt = stated.0.or(self.prompt);
        self.tool_prompt = stated.1.or(self.tool_prompt);
        let has_input = stated.0.is_some() || stated.1.is_some();
        let input = self.prompt.unwrap_or(0).saturating_add(self.tool_prompt.unwrap_or(0));
        let tokens = |name| usage.number(name).map(Tokens);
        Usage {
            input: has_input.then_some(Tokens(input)),
            cache_read: tokens(cached),
            output: tokens(output),
            reasoning: tokens(thoughts),
            ..Usage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_tools_put_into_the_prompt_are_input_whenever_they_are_stated() {
        let mut reader = UsageReader::default();
        let mut read = |json: &str| reader.read(&Object::read(json.as_bytes()).expect("an object"));
        let mut usage = read(r#"{"promptTokenCount": 100, "totalTokenCount": 100}"#);
        assert_eq!(usage, Usage { input: Some(Tokens(100)), ..Usage::default() });
        usage.update(&read(r#"{"toolUsePromptTokenCount": 40, "candidatesTokenCount": 7}"#));
        usage.update(&read(r#"{"promptTokenCount": 100, "thoughtsTokenCount": 5}"#));
        assert_eq!(usage.input, Some(Tokens(140)));
        assert_eq!((usage.output, usage.reasoning), (Some(Tokens(7)), Some(Tokens(5))));
        assert_eq!(read(r#"{"candidatesTokenCount": 9}"#).input, None);
    }
}
