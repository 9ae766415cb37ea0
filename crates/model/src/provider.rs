//! Providers: who serves a model. How a request to them is written is another matter
//! ([`DialectName`]); their hosts stand in [`crate::provider_host`].

use crate::dialect_name::DialectName;
use crate::model_call::ModelCall;

/// Who serves a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Anthropic.
    Anthropic,
    /// OpenAI.
    OpenAi,
    /// Google Gemini.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
    /// Azure OpenAI and AI Foundry.
    Azure,
    /// Cerebras.
    Cerebras,
    /// GitHub Copilot.
    Copilot,
    /// DeepSeek.
    DeepSeek,
    /// Fireworks.
    Fireworks,
    /// Groq.
    Groq,
    /// LM Studio, a server of one's own.
    LmStudio,
    /// Mistral.
    Mistral,
    /// Moonshot.
    Moonshot,
    /// Ollama, a server of one's own.
    Ollama,
    /// OpenRouter.
    OpenRouter,
    /// Perplexity.
    Perplexity,
    /// Together.
    Together,
    /// Google Vertex AI.
    Vertex,
    /// vLLM, a server of one's own.
    Vllm,
    /// xAI.
    XAi,
    /// Z.ai (Zhipu).
    Zai,
    /// Somebody who is not known and speaks OpenAI's dialect.
    Compatible,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 22] = [
        Self::Anthropic,
        Self::OpenAi,
        Self::Gemini,
        Self::Bedrock,
        Self::Azure,
        Self::Cerebras,
        Self::Copilot,
        Self::DeepSeek,
        Self::Fireworks,
        Self::Groq,
        Self::LmStudio,
        Self::Mistral,
        Self::Moonshot,
        Self::Ollama,
        Self::OpenRouter,
        Self::Perplexity,
        Self::Together,
        Self::Vertex,
        Self::Vllm,
        Self::XAi,
        Self::Zai,
        Self::Compatible,
    ];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Azure => "azure",
            Self::Cerebras => "cerebras",
            Self::Copilot => "copilot",
            Self::DeepSeek => "deepseek",
            Self::Fireworks => "fireworks",
            Self::Groq => "groq",
            Self::LmStudio => "lmstudio",
            Self::Mistral => "mistral",
            Self::Moonshot => "moonshot",
            Self::Ollama => "ollama",
            Self::OpenRouter => "openrouter",
            Self::Perplexity => "perplexity",
            Self::Together => "together",
            Self::Vertex => "vertex",
            Self::Vllm => "vllm",
            Self::XAi => "xai",
            Self::Zai => "zai",
            Self::Compatible => "openai-compatible",
        }
    }

    /// The provider that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == word)
    }

    /// The dialect it speaks where a path does not say.
    #[must_use]
    pub const fn dialect(self) -> DialectName {
        match self {
            Self::Anthropic => DialectName::Anthropic,
            Self::Gemini | Self::Vertex => DialectName::Gemini,
            Self::Bedrock => DialectName::Bedrock,
            _ => DialectName::OpenAi,
        }
    }

    /// Whose dialect it is.
    #[must_use]
    pub const fn of_dialect(dialect: DialectName) -> Self {
        match dialect {
            DialectName::Anthropic => Self::Anthropic,
            DialectName::OpenAi => Self::OpenAi,
            DialectName::Gemini => Self::Gemini,
            DialectName::Bedrock => Self::Bedrock,
        }
    }

    /// The provider to whose API a path belongs (query excluded); `None` for a path of nobody's.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let is = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let calls =
            |dialect| ModelCall::of_path(path).is_some_and(|call| call.method.dialect() == dialect);
        if is("/v1/messages") || is("/v1/complete") {
            Some(Self::Anthropic)
        } else if is("/v1/models") && calls(DialectName::Gemini) {
            Some(Self::Gemini)
        } else if is("/v1/chat/completions") || is("/v1/responses") || is("/v1/models") {
            Some(Self::OpenAi)
        } else if is("/v1beta/models") || is("/v1beta/interactions") {
            Some(Self::Gemini)
        } else if path.starts_with("/model/") && calls(DialectName::Bedrock) {
            Some(Self::Bedrock)
        } else {
            None
        }
    }

    /// What a base URL has too little or too much of, where it led to `path`, which is no provider's, and
    /// whose path was meant.
    #[must_use]
    pub fn of_mistaken_path(path: &str) -> Option<(Self, &'static str)> {
        if Self::of_path(path).is_some() {
            return None;
        }
        let lacking = |version| Self::of_path(&format!("{version}{path}"));
        // A path of nobody's that begins with a version lacks none.
        let is_versioned = path.starts_with("/v1/") || path.starts_with("/v1beta/");
        let lacking = lacking("/v1").or_else(|| lacking("/v1beta")).filter(|_| !is_versioned);
        if let Some(provider) = lacking {
            let hint = match provider {
                Self::Gemini => "the path lacks its version: add /v1beta at the base URL's end",
                _ => "the base URL lacks /v1 at its end: add it",
            };
            return Some((provider, hint));
        }
        let behind = path.strip_prefix("/v1beta").or_else(|| path.strip_prefix("/v1"))?;
        let provider = Self::of_path(behind).or_else(|| Self::of_resource(behind))?;
        let hint = match provider {
            Self::Gemini => "the path has a version twice: leave it out of the base URL",
            _ => "the path has /v1 twice: leave it out of the base URL",
        };
        Some((provider, hint))
    }

    /// A JSON error body in this provider's own shape.
    #[must_use]
    pub fn error_body(self, status: u16, message: &str) -> String {
        self.dialect().error_body(status, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_with_too_little_or_too_much_is_told_by_its_path() {
        const LACKS: &str = "the base URL lacks /v1 at its end";
        const TWICE: &str = "the path has /v1 twice";
        let told = |path: &str| {
            let (provider, hint) = Provider::of_mistaken_path(path)?;
            Some((provider, hint.split_once(':')?.0))
        };
        assert_eq!(told("/chat/completions"), Some((Provider::OpenAi, LACKS)));
        assert_eq!(told("/responses"), Some((Provider::OpenAi, LACKS)));
        assert_eq!(told("/messages"), Some((Provider::Anthropic, LACKS)));
        assert_eq!(told("/v1/v1/messages"), Some((Provider::Anthropic, TWICE)));
        assert_eq!(told("/v1/v1/embeddings"), Some((Provider::OpenAi, TWICE)));
        // Gemini's version is another, and its SDKs write it themselves.
        for path in ["/models/gemini-2.5-pro:generateContent", "/interactions"] {
            let (provider, hint) = Provider::of_mistaken_path(path).unwrap();
            assert_eq!(provider, Provider::Gemini, "{path}");
            assert!(hint.contains("add /v1beta") && !hint.contains("/v1 "), "{hint}");
        }
        for path in ["/v1beta/v1beta/models/m:countTokens", "/v1/v1beta/files"] {
            let twice = "the path has a version twice";
            assert_eq!(told(path), Some((Provider::Gemini, twice)), "{path}");
        }
        for other in ["/v1/messages", "/v1", "/", "", "/health", "/v1/embeddings", "/v1beta/models"]
        {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_names_its_provider_only_at_a_segment_boundary() {
        assert_eq!(Provider::of_path("/v1/messages"), Some(Provider::Anthropic));
        assert_eq!(Provider::of_path("/v1/messages/count_tokens"), Some(Provider::Anthropic));
        assert_eq!(Provider::of_path("/v1/messagesx"), None);
        assert_eq!(Provider::of_path("/v1/models/gpt-5"), Some(Provider::OpenAi));
        assert_eq!(Provider::of_path("/v1/models/m:generateContent"), Some(Provider::Gemini));
        assert_eq!(
            Provider::of_path("/model/anthropic.claude/invoke-with-response-stream"),
            Some(Provider::Bedrock)
        );
    }

    #[test]
    fn every_provider_is_read_by_its_own_word_and_every_dialect_is_its_owners() {
        for provider in Provider::ALL {
            assert_eq!(Provider::parse(provider.as_str()), Some(provider));
        }
        for dialect in DialectName::ALL {
            let owner = Provider::of_dialect(dialect);
            assert_eq!((owner.dialect(), owner.as_str()), (dialect, dialect.as_str()));
        }
    }
}
