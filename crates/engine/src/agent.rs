//! Which agent sends a request, read from its `User-Agent`.
//!
//! The names before the slash were observed on the wire (see the project's notes on wire formats);
//! an agent that is not in the table keeps its `User-Agent` and has no kind.

/// A kind of agent and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agent<'a> {
    pub(crate) kind: &'static str,
    pub(crate) version: Option<&'a str>,
}

/// Product name (lower case) in the `User-Agent`, and the kind it stands for. Earlier rows win: an
/// agent that is built on an SDK names both.
///
/// A `-*` at the end stands for a surface of the product, as in `GeminiCLI-tui/0.61.0`.
const PRODUCTS: [(&str, &str); 24] = [
    ("claude-cli", "claude-code"),
    ("claude-code", "claude-code"),
    ("codex_exec", "codex"),
    ("codex_cli_rs", "codex"),
    ("codex-tui", "codex"),
    ("codex", "codex"),
    ("geminicli", "gemini-cli"),
    ("geminicli-*", "gemini-cli"),
    ("gemini-cli", "gemini-cli"),
    ("opencode", "opencode"),
    ("aider", "aider"),
    ("litellm", "litellm"),
    ("anthropic/python", "anthropic-python"),
    ("asyncanthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-js"),
    ("openai/python", "openai-python"),
    ("asyncopenai/python", "openai-python"),
    ("openai/js", "openai-js"),
    ("google-genai-sdk", "google-genai"),
    ("boto3", "boto3"),
    ("aws-sdk-js", "aws-sdk-js"),
    ("curl", "curl"),
    ("python-httpx", "python-httpx"),
    ("python-requests", "python-requests"),
];

/// The agent that a `User-Agent` names.
pub(crate) fn agent(user_agent: &str) -> Option<Agent<'_>> {
    PRODUCTS.iter().find_map(|&(product, kind)| {
        words(user_agent).find_map(|word| named(word, product)).map(|version| Agent {
            kind,
            version: version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit())),
        })
    })
}

/// `Name/version` words; an SDK writes `Anthropic/Python 1.2.3`, which reads as one word here.
fn words(user_agent: &str) -> impl Iterator<Item = &str> {
    user_agent.split_inclusive(' ').scan(0, move |start, word| {
        let from = *start;
        *start += word.len();
        Some(&user_agent[from..])
    })
}

/// The version behind `product` at the start of `text`; none when `text` starts otherwise.
fn named<'a>(text: &'a str, product: &str) -> Option<Option<&'a str>> {
    let any_surface = product.ends_with("-*");
    let product = product.trim_end_matches('*');
    let head = text.get(..product.len())?;
    let rest = &text[product.len()..];
    if !head.eq_ignore_ascii_case(product) {
        return None;
    }
    let surface = if any_surface { rest.find(['/', ' ']).unwrap_or(rest.len()) } else { 0 };
    let rest = &rest[surface..];
    if rest.is_empty() {
        return Some(None);
    }
    let version = rest.strip_prefix(['/', ' '])?;
    let end = version.find([' ', '/', ';', '(', ',']).unwrap_or(version.len());
    Some(Some(&version[..end]).filter(|version| !version.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_names_its_agent_and_version() {
        let table = [
            ("claude-cli/2.1.329 (external, sdk-cli)", "claude-code", Some("2.1.329")),
            (
                "claude-cli/2.1.9 (external, sdk-py, agent-sdk/0.2.186)",
                "claude-code",
                Some("2.1.9"),
            ),
            ("codex_exec/0.169.0 (Debian 12; x86_64)", "codex", Some("0.169.0")),
            ("GeminiCLI/0.61.0/gemini-pro (linux; x64)", "gemini-cli", Some("0.61.0")),
            ("GeminiCLI-tui/0.61.0/gemini-3 (linux; x64; terminal)", "gemini-cli", Some("0.61.0")),
            ("GeminiCLI-acp-zed/0.61.0", "gemini-cli", Some("0.61.0")),
            ("opencode/1.18.33 ai-sdk/anthropic/2.0", "opencode", Some("1.18.33")),
            ("ai-sdk/anthropic/2.0 opencode/1.18.33", "opencode", Some("1.18.33")),
            ("Anthropic/Python 0.70.1", "anthropic-python", Some("0.70.1")),
            ("AsyncAnthropic/Python 0.70.1", "anthropic-python", Some("0.70.1")),
            ("Anthropic/JS 0.60.0", "anthropic-js", Some("0.60.0")),
            ("aider/0.86.0 litellm/1.75", "aider", Some("0.86.0")),
            ("aws-sdk-js/3.1111.0 ua/2.1 os/linux", "aws-sdk-js", Some("3.1111.0")),
            ("curl/8.5.0", "curl", Some("8.5.0")),
            ("curl", "curl", None),
        ];
        for (user_agent, kind, version) in table {
            assert_eq!(agent(user_agent), Some(Agent { kind, version }), "{user_agent}");
        }
    }

    #[test]
    fn a_name_inside_another_name_is_not_an_agent() {
        for user_agent in ["", "mycurl/1", "curlish/1.0", "x/curl", "Mozilla/5.0 (curl)", "é"] {
            assert_eq!(agent(user_agent), None, "{user_agent}");
        }
    }
}
