//! Which provider serves a flow: by its host, by the name that the configuration gives an upstream, and
//! where neither tells, by the dialect. The same table stands in `docs/providers.md`.

use std::net::IpAddr;

use crate::dialect_name::DialectName;
use crate::provider::Provider;

/// Hosts by provider; a `*` stands for one or more labels, or the front of one.
const HOSTS: &[(Provider, &[&str])] = &[
    (Provider::Anthropic, &["api.anthropic.com"]),
    (Provider::OpenAi, &["api.openai.com", "*.api.openai.com", "chatgpt.com"]),
    (Provider::Gemini, &["generativelanguage.googleapis.com", "cloudcode-pa.googleapis.com"]),
    (
        Provider::Vertex,
        &[
            "aiplatform.googleapis.com",
            "*.aiplatform.googleapis.com",
            "*-aiplatform.googleapis.com",
        ],
    ),
    (
        Provider::Bedrock,
        &["bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com"],
    ),
    (
        Provider::Azure,
        &["*.openai.azure.com", "*.services.ai.azure.com", "*.cognitiveservices.azure.com"],
    ),
    (Provider::Cerebras, &["api.cerebras.ai"]),
    (
        Provider::Copilot,
        &["api.githubcopilot.com", "*.githubcopilot.com", "copilot-proxy.githubusercontent.com"],
    ),
    (Provider::DeepSeek, &["api.deepseek.com"]),
    (Provider::Fireworks, &["api.fireworks.ai"]),
    (Provider::Groq, &["api.groq.com"]),
    (Provider::Mistral, &["api.mistral.ai", "codestral.mistral.ai"]),
    (Provider::Moonshot, &["api.moonshot.ai", "api.moonshot.cn"]),
    (Provider::OpenRouter, &["openrouter.ai"]),
    (Provider::Perplexity, &["api.perplexity.ai"]),
    (Provider::Together, &["api.together.xyz", "api.together.ai"]),
    (Provider::XAi, &["api.x.ai", "*.api.x.ai"]),
    (Provider::Zai, &["api.z.ai", "open.bigmodel.cn"]),
];

/// Servers of one's own, by the port that is theirs on this machine or in its network.
const PORTS: &[(Provider, u16)] = &[(Provider::Ollama, 11434), (Provider::LmStudio, 1234)];

impl Provider {
    /// Who serves what is written in `dialect` at a host, which reverse mode reaches by the name of an
    /// upstream.
    ///
    /// What stands on this machine under no name is a gateway or a stand-in for the dialect's owner, and
    /// so is any host that speaks another dialect than OpenAI's, which everybody speaks.
    #[must_use]
    pub fn serving(dialect: DialectName, host: &str, port: u16, upstream: Option<&str>) -> Self {
        let known = Self::of_place(host, port).or_else(|| upstream.and_then(Self::parse));
        let owner = Self::of_dialect(dialect);
        match dialect {
            // Spoken by nobody else.
            DialectName::Bedrock => owner,
            DialectName::Gemini => known.filter(|it| *it == Self::Vertex).unwrap_or(owner),
            DialectName::Anthropic => known.unwrap_or(owner),
            DialectName::OpenAi if is_this_machine(host) => known.unwrap_or(owner),
            DialectName::OpenAi => known.unwrap_or(Self::Compatible),
        }
    }

    /// Whose host it is, or whose port in one's own network.
    #[must_use]
    pub fn of_place(host: &str, port: u16) -> Option<Self> {
        let of_host = HOSTS.iter().find(|(_, hosts)| hosts.iter().any(|known| fits(known, host)));
        let of_port = || PORTS.iter().find(|(_, own)| *own == port && is_near(host));
        of_host.map(|(provider, _)| *provider).or_else(|| Some(of_port()?.0))
    }
}

fn fits(pattern: &str, host: &str) -> bool {
    let Some((front, end)) = pattern.split_once('*') else {
        return host.eq_ignore_ascii_case(pattern);
    };
    let host = host.to_ascii_lowercase();
    let between = host.strip_prefix(front).and_then(|rest| rest.strip_suffix(end));
    between.is_some_and(|between| !between.is_empty())
}

fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether it is this machine, or one in its own network.
fn is_near(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => {
            let ends = [".localhost", ".local", ".internal", ".lan"];
            !host.contains('.') || ends.iter().any(|end| host.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/providers.md");

    #[test]
    fn a_host_names_its_provider_whatever_dialect_it_speaks() {
        for (host, port, provider) in [
            ("api.groq.com", 443, Provider::Groq),
            ("API.GROQ.COM", 443, Provider::Groq),
            ("openrouter.ai", 443, Provider::OpenRouter),
            ("eu.api.openai.com", 443, Provider::OpenAi),
            ("mine.openai.azure.com", 443, Provider::Azure),
            ("us-east5-aiplatform.googleapis.com", 443, Provider::Vertex),
            ("bedrock-runtime.eu-west-1.amazonaws.com", 443, Provider::Bedrock),
            ("127.0.0.1", 11434, Provider::Ollama),
            ("::1", 1234, Provider::LmStudio),
            ("host.docker.internal", 11434, Provider::Ollama),
            ("192.168.1.5", 11434, Provider::Ollama),
        ] {
            for dialect in [DialectName::OpenAi, DialectName::Anthropic] {
                assert_eq!(Provider::serving(dialect, host, port, None), provider, "{host}");
            }
        }
    }

    #[test]
    fn bedrocks_dialect_is_bedrocks_and_geminis_is_spoken_at_vertex_too() {
        let serving = |dialect, host| Provider::serving(dialect, host, 443, None);
        let vertex = "aiplatform.googleapis.com";
        assert_eq!(serving(DialectName::Bedrock, "api.groq.com"), Provider::Bedrock);
        assert_eq!(serving(DialectName::Gemini, "openrouter.ai"), Provider::Gemini);
        assert_eq!(serving(DialectName::Gemini, vertex), Provider::Vertex);
        assert_eq!(serving(DialectName::Anthropic, vertex), Provider::Vertex);
    }

    #[test]
    fn a_host_that_is_not_known_is_compatible_named_by_its_upstream_or_the_dialects_owner() {
        let serving = |host, upstream| Provider::serving(DialectName::OpenAi, host, 8443, upstream);
        for host in ["gateway.example", "xapi.groq.com", "api.groq.com.example", "192.168.1.5"] {
            assert_eq!(serving(host, None), Provider::Compatible, "{host}");
        }
        assert_eq!(serving("gateway.example", Some("mine")), Provider::Compatible);
        assert_eq!(serving("gateway.example", Some("openai")), Provider::OpenAi);
        assert_eq!(serving("gpu.example", Some("vllm")), Provider::Vllm);
        assert_eq!(serving("api.groq.com", Some("openai")), Provider::Groq);
        assert_eq!(serving("localhost", None), Provider::OpenAi);
        assert_eq!(serving("127.0.0.1", Some("mine")), Provider::OpenAi);
        let gateway = |dialect| Provider::serving(dialect, "gateway.example", 11434, None);
        assert_eq!(gateway(DialectName::Anthropic), Provider::Anthropic);
        assert_eq!(gateway(DialectName::Bedrock), Provider::Bedrock);
        assert_eq!(gateway(DialectName::OpenAi), Provider::Compatible);
    }

    #[test]
    fn the_document_has_every_provider_with_its_hosts() {
        let rows = HOSTS.iter().map(|(provider, hosts)| {
            let hosts: Vec<_> = hosts.iter().map(|host| format!("`{host}`")).collect();
            format!("| `{}` | {} |", provider.as_str(), hosts.join(", "))
        });
        for row in rows {
            assert!(DOCUMENT.contains(&row), "docs/providers.md lacks {row}");
        }
        for (provider, port) in PORTS {
            let row = format!("| `{}` | port {port} ", provider.as_str());
            assert!(DOCUMENT.contains(&row), "docs/providers.md lacks {row}");
        }
        for provider in Provider::ALL {
            let told = format!("| `{}` |", provider.as_str());
            assert!(DOCUMENT.contains(&told), "docs/providers.md lacks {told}");
        }
        assert_eq!(DOCUMENT.matches("\n| `").count(), Provider::ALL.len(), "rows nobody knows");
    }
}
