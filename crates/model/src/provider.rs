//! Providers and the shapes in which they say no, so that Langley's own refusals read like theirs.

use crate::model_call::ModelCall;

/// Whose API a flow speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions and Responses, and compatible hosts.
    OpenAi,
    /// Google Gemini.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::OpenAi, Self::Gemini, Self::Bedrock];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }

    /// The provider that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == word)
    }

    /// Guesses from a path (query excluded); `None` for a path that no provider's API uses.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let is = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let calls = |provider| {
            ModelCall::of_path(path).is_some_and(|call| call.method.provider() == provider)
        };
        if is("/v1/messages") || is("/v1/complete") {
            Some(Self::Anthropic)
        } else if is("/v1/models") && calls(Self::Gemini) {
            Some(Self::Gemini)
        } else if is("/v1/chat/completions") || is("/v1/responses") || is("/v1/models") {
            Some(Self::OpenAi)
        } else if is("/v1beta/models") || is("/v1beta/interactions") {
            Some(Self::Gemini)
        } else if path.starts_with("/model/") && calls(Self::Bedrock) {
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
        let lacking = Self::of_path(&format!("/v1{path}"));
        let doubled = || path.strip_prefix("/v1").and_then(Self::of_path);
        match lacking {
            Some(provider) if !path.starts_with("/v1/") => {
                Some((provider, "the base URL lacks /v1 at its end: add it"))
            }
            _ => Some((doubled()?, "the path has /v1 twice: leave it out of the base URL")),
        }
    }

    /// A JSON error body in this provider's own shape.
    ///
    /// Shapes: the error objects documented in each provider's API reference.
    #[must_use]
    pub fn error_body(self, status: u16, message: &str) -> String {
        use serde_json::json;
        match self {
            Self::Anthropic => json!({
                "type": "error",
                "error": {"type": "api_error", "message": message},
            }),
            Self::OpenAi => json!({
                "error": {"message": message, "type": "server_error", "param": null, "code": "langley"},
            }),
            Self::Gemini => json!({
                "error": {"code": status, "message": message, "status": "UNAVAILABLE"},
            }),
            Self::Bedrock => json!({ "message": message }),
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_with_too_little_or_too_much_is_told_by_its_path() {
        let told = |path: &str| {
            let found = Provider::of_mistaken_path(path);
            found.map(|(provider, hint)| (provider, hint.contains("lacks /v1")))
        };
        assert_eq!(told("/chat/completions"), Some((Provider::OpenAi, true)));
        assert_eq!(told("/responses"), Some((Provider::OpenAi, true)));
        assert_eq!(told("/messages"), Some((Provider::Anthropic, true)));
        assert_eq!(told("/v1/v1/messages"), Some((Provider::Anthropic, false)));
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
}
