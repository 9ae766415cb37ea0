//! The families of dialects: how a provider's API is spoken, whoever serves it. Many hosts speak
//! OpenAI's, and several speak two, so the path tells, and not the host.

use crate::model_call::{ModelCall, ModelMethod};

/// How a flow's request and answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialectName {
    /// Anthropic Messages, by itself and at Vertex AI.
    Anthropic,
    /// OpenAI Chat Completions, Responses, and calls whose answer is no message.
    OpenAi,
    /// Google Gemini, by itself and at Vertex AI.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
}

impl DialectName {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::OpenAi, Self::Gemini, Self::Bedrock];

    /// The word used in JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }

    /// The family of a call to a model, whatever stands before the last part of its path; a query and a
    /// trailing slash are ignored.
    #[must_use]
    pub fn of_call(path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        if ends(&["/v1/messages", "/v1/messages/count_tokens"])
            || (path.contains("/publishers/anthropic/models/")
                && ends(&[":rawPredict", ":streamRawPredict"]))
        {
            Some(Self::Anthropic)
        } else if ends(&["/chat/completions"])
            || ends(&["/v1/responses", "/openai/responses", "/codex/responses"])
            || ((path.contains("/v1/") || path.contains("/openai/")) && ends(&SILENT))
        {
            Some(Self::OpenAi)
        } else if is_interaction(path) {
            Some(Self::Gemini)
        } else {
            ModelCall::of_path(path).map(|call| call.method.dialect())
        }
    }

    /// Whether a call asks only how many tokens something would be, which nobody bills.
    #[must_use]
    pub fn only_counts(path: &str) -> bool {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let counts = |call: ModelCall<'_>| call.method == ModelMethod::CountTokens;
        path.ends_with("/messages/count_tokens") || ModelCall::of_path(path).is_some_and(counts)
    }

    /// A JSON error body in this family's own shape.
    ///
    /// Shapes: the error objects documented in each provider's API reference. A 402 says that no money is
    /// left, in the word each has for that; agents do not try such a call again.
    #[must_use]
    pub fn error_body(self, status: u16, message: &str) -> String {
        use serde_json::json;
        let [anthropic, openai, gemini] = match status {
            402 => ["billing_error", "insufficient_quota", "RESOURCE_EXHAUSTED"],
            _ => ["api_error", "server_error", "UNAVAILABLE"],
        };
        match self {
            Self::Anthropic => json!({
                "type": "error",
                "error": {"type": anthropic, "message": message},
            }),
            Self::OpenAi => json!({
                "error": {"message": message, "type": openai, "param": null, "code": "langley"},
            }),
            Self::Gemini => json!({
                "error": {"code": status, "message": message, "status": gemini},
            }),
            Self::Bedrock => json!({ "message": message }),
        }
        .to_string()
    }
}

/// Calls of OpenAI's whose answer is no message: vectors, images, sound.
const SILENT: [&str; 8] = [
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/moderations",
];

/// Gemini's Interactions.
fn is_interaction(path: &str) -> bool {
    path.strip_suffix("/interactions").is_some_and(|before| {
        let version = before.rsplit('/').next().unwrap_or_default();
        matches!(version, "v1" | "v1alpha" | "v1beta") || before.contains("/locations/")
    })
}
