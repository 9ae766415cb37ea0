//! Which model reads text by which vocabulary.
//!
//! Source of the names: OpenAI's `tiktoken`, `tiktoken/model.py`; models that are newer than that file are taken for
//! what their forerunners are.

use langley_model::Flow;
use tiktoken_rs::CoreBPE;

use crate::price::candidates;

/// A vocabulary, with the rules that cut text into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Cl100k,
    O200k,
}

/// How names begin of models that read by an encoding; the first that fits holds.
const MODELS: [(Encoding, &[&str]); 2] = [
    (
        Encoding::O200k,
        &[
            "chatgpt-4o",
            "codex",
            "gpt-4.1",
            "gpt-4.5",
            "gpt-4o",
            "gpt-5",
            "gpt-6",
            "gpt-oss",
            "o1",
            "o3",
            "o4",
        ],
    ),
    (Encoding::Cl100k, &["gpt-3.5", "gpt-35", "gpt-4", "text-embedding"]),
];

impl Encoding {
    /// That of the model which answered, or was asked; none where nobody knows it.
    pub(crate) fn of(flow: &Flow) -> Option<Self> {
        Self::of_model(flow.model.as_deref().or(flow.model_requested.as_deref())?)
    }

    fn of_model(model: &str) -> Option<Self> {
        // A model that was tuned reads as the one it was made of.
        let model = model.strip_prefix("ft:").unwrap_or(model);
        let names = candidates(model);
        let is_one = |start: &&str| {
            let behind = names.iter().filter_map(|name| name.strip_prefix(start));
            behind.into_iter().any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        MODELS.iter().find(|(_, starts)| starts.iter().any(is_one)).map(|(encoding, _)| *encoding)
    }

    /// Reads the vocabulary, which lies in the program.
    pub(super) fn load(self) -> Option<CoreBPE> {
        let read = match self {
            Self::Cl100k => tiktoken_rs::cl100k_base(),
            Self::O200k => tiktoken_rs::o200k_base(),
        };
        read.inspect_err(|error| tracing::warn!(%error, "a tokenizer's vocabulary cannot be read"))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_how_its_name_begins_wherever_it_is_served() {
        let o200k = [
            "gpt-4o",
            "gpt-4o-mini-2024-07-18",
            "gpt-4.1-nano",
            "gpt-4.5-preview",
            "chatgpt-4o-latest",
            "gpt-5",
            "gpt-5.4-codex",
            "gpt-6",
            "GPT-6.1-mini",
            "openai/gpt-5-mini",
            "openai.gpt-oss-120b-1:0",
            "gpt-oss:20b",
            "o1-preview",
            "o3",
            "o4-mini",
            "codex-mini-latest",
            "ft:gpt-4o:org:name:id",
        ];
        for model in o200k {
            assert_eq!(Encoding::of_model(model), Some(Encoding::O200k), "{model}");
        }
        for model in [
            "gpt-4",
            "gpt-4-0613",
            "gpt-4-turbo",
            "gpt-3.5-turbo",
            "gpt-35-turbo-16k",
            "text-embedding-3-small",
        ] {
            assert_eq!(Encoding::of_model(model), Some(Encoding::Cl100k), "{model}");
        }
        for model in [
            "claude-opus-5-5",
            "gemini-3-pro",
            "gpt-7",
            "gpt-40",
            "o10",
            "codexes",
            "qwen3-coder",
            "",
            "ft:",
        ] {
            assert_eq!(Encoding::of_model(model), None, "{model}");
        }
    }
}
