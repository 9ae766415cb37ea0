//! What providers serve beside calls of a model: files, batches, vectors, images, sound. By base URL an
//! SDK sends these to the same address as its calls, so they have to find the same provider.
//!
//! Families: the public API references of OpenAI and of Gemini.

use crate::provider::Provider;

/// The first segments beneath `/v1/` of what OpenAI serves. Some are others' too (`files`, `skills`):
/// a request of theirs tells by its headers.
const OPENAI: [&str; 27] = [
    "assistants",
    "audio",
    "batches",
    "chat",
    "chatkit",
    "completions",
    "containers",
    "conversations",
    "edits",
    "embeddings",
    "engines",
    "evals",
    "files",
    "fine_tuning",
    "images",
    "models",
    "moderations",
    "organization",
    "projects",
    "realtime",
    "responses",
    "skills",
    "threads",
    "uploads",
    "usage",
    "vector_stores",
    "videos",
];

/// What stands before a version in paths of Gemini's: nothing, or how bytes are carried.
const CARRIERS: [&str; 3] = ["", "/upload", "/download"];

/// Gemini's Live, a WebSocket.
const LIVE: &str = "/ws/google.ai.generativelanguage.";

impl Provider {
    /// The provider that serves resources like the one at `path` (query excluded), whether or not it is
    /// a call of a model; `None` for a path that says nothing of the kind.
    #[must_use]
    pub fn of_resource(path: &str) -> Option<Self> {
        let version = CARRIERS.iter().find_map(|carrier| {
            let version = path.strip_prefix(carrier)?.strip_prefix('/')?.split('/').next()?;
            matches!(version, "v1alpha" | "v1beta").then_some(version)
        });
        if version.is_some() || path.starts_with(LIVE) {
            return Some(Self::Gemini);
        }
        let family = path.strip_prefix("/v1/")?.split('/').next()?;
        OPENAI.contains(&family).then_some(Self::OpenAi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_known_by_its_family_at_a_segment_boundary() {
        for (path, provider) in [
            ("/v1/embeddings", Some(Provider::OpenAi)),
            ("/v1/files/file-1/content", Some(Provider::OpenAi)),
            ("/v1/images/generations", Some(Provider::OpenAi)),
            ("/v1/vector_stores/vs_1/files", Some(Provider::OpenAi)),
            ("/v1/filesx", None),
            ("/v1/", None),
            ("/v1", None),
            ("/v2/embeddings", None),
            ("/embeddings", None),
            ("/v1beta/files/f:download", Some(Provider::Gemini)),
            ("/v1alpha/authTokens", Some(Provider::Gemini)),
            ("/v1beta/cachedContents", Some(Provider::Gemini)),
            ("/upload/v1beta/files", Some(Provider::Gemini)),
            ("/download/v1beta/files/f:download", Some(Provider::Gemini)),
            ("/v1betas/files", None),
            ("/upload/v2/files", None),
            (
                "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
                Some(Provider::Gemini),
            ),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(Provider::of_resource(path), provider, "{path}");
        }
    }
}
