//! Who talks with whom: an agent, a provider, its models, and how requests and events look there.

use langley_model::Provider;

use super::stream::Wire;

/// One way of talking.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) provider: Provider,
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    pub(super) models: &'static [&'static str],
    pub(super) agent: &'static str,
    pub(super) user_agent: &'static str,
    pub(super) session_source: &'static str,
    /// Where requests hold the system's words, and where the conversation.
    pub(super) system: &'static str,
    pub(super) turns: &'static str,
    pub(super) wire: Wire,
    /// How many sessions of a hundred.
    pub(super) share: u64,
}

/// All of them; the shares make a hundred.
pub(super) const PROFILES: [Profile; 5] = [
    Profile {
        provider: Provider::Anthropic,
        host: "api.anthropic.com",
        path: "/v1/messages?beta=true",
        models: &["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5"],
        agent: "claude-code",
        user_agent: "claude-cli/2.1.4 (external, cli)",
        session_source: "header:x-claude-code-session-id",
        system: "system",
        turns: "messages",
        wire: Wire::Anthropic,
        share: 46,
    },
    Profile {
        provider: Provider::OpenAi,
        host: "api.openai.com",
        path: "/v1/responses",
        models: &["gpt-6-codex", "gpt-6-mini"],
        agent: "codex",
        user_agent: "codex_cli_rs/0.61.0 (Debian 12.0.0; x86_64)",
        session_source: "header:session_id",
        system: "instructions",
        turns: "input",
        wire: Wire::OpenAi,
        share: 26,
    },
    Profile {
        provider: Provider::Gemini,
        host: "generativelanguage.googleapis.com",
        path: "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
        models: &["gemini-3-pro", "gemini-3-flash"],
        agent: "gemini-cli",
        user_agent: "GeminiCLI/0.20.0/gemini-3-pro (linux; x64)",
        session_source: "body:session_id",
        system: "systemInstruction",
        turns: "contents",
        wire: Wire::Gemini,
        share: 12,
    },
    Profile {
        provider: Provider::Bedrock,
        host: "bedrock-runtime.us-east-1.amazonaws.com",
        path: "/model/anthropic.claude-sonnet-5-5/invoke-with-response-stream",
        models: &["anthropic.claude-sonnet-5-5"],
        agent: "claude-code",
        user_agent: "claude-cli/2.1.4 (external, cli)",
        session_source: "header:x-claude-code-session-id",
        system: "system",
        turns: "messages",
        wire: Wire::Anthropic,
        share: 8,
    },
    Profile {
        provider: Provider::Anthropic,
        host: "llm-gateway.internal.example",
        path: "/v1/messages",
        models: &["claude-sonnet-5-5", "claude-haiku-5"],
        agent: "sdk-python",
        user_agent: "Anthropic/Python 0.77.0",
        session_source: "body:metadata.user_id",
        system: "system",
        turns: "messages",
        wire: Wire::Anthropic,
        share: 8,
    },
];

/// The profile at a number below a hundred.
pub(super) fn profile(number: u64) -> &'static Profile {
    let mut reached = 0;
    let found = PROFILES.iter().find(|profile| {
        reached += profile.share;
        number < reached
    });
    found.unwrap_or(&PROFILES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_its_share() {
        assert_eq!(PROFILES.iter().map(|profile| profile.share).sum::<u64>(), 100);
        let hosts: std::collections::HashSet<_> = (0..100).map(|n| profile(n).host).collect();
        assert_eq!(hosts.len(), PROFILES.len());
    }
}
