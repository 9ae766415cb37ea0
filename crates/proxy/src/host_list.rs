//! Which hosts are intercepted: exact names, or wildcards at a dot boundary, never substrings.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The hosts of the LLM providers that are intercepted unless configured otherwise.
pub const LLM_HOSTS: &[&str] = &[
    "api.anthropic.com",
    "api.openai.com",
    "*.api.openai.com",
    "chatgpt.com",
    "generativelanguage.googleapis.com",
    "cloudcode-pa.googleapis.com",
    "aiplatform.googleapis.com",
    "*.aiplatform.googleapis.com",
    "*-aiplatform.googleapis.com",
    "bedrock-runtime.*.amazonaws.com",
    "bedrock-runtime-fips.*.amazonaws.com",
    "openrouter.ai",
    "*.openai.azure.com",
    "*.services.ai.azure.com",
    "api.mistral.ai",
    "codestral.mistral.ai",
    "api.x.ai",
    "api.deepseek.com",
    "api.moonshot.ai",
    "api.moonshot.cn",
    "api.z.ai",
    "open.bigmodel.cn",
    "api.groq.com",
    "api.together.xyz",
    "api.together.ai",
    "api.fireworks.ai",
    "api.githubcopilot.com",
    "*.githubcopilot.com",
    "copilot-proxy.githubusercontent.com",
];

/// A list of host patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostList {
    patterns: Vec<HostPattern>,
}

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{pattern}` is not a host pattern: {why}; write a host name (api.example.com), an address, \
     or a name with `*` for whole labels or a label's front (*.example.com, *-api.example.com)"
)]
pub struct HostPatternError {
    pattern: String,
    why: &'static str,
}

/// One pattern: labels from left to right, `*` for a label (a leading `*` for one or
/// more) or for the front of one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Address(IpAddr),
    Name { labels: Vec<Label>, text: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    Exact(String),
    /// This, with something in front of it.
    Ending(String),
    Any,
}

impl HostList {
    /// Parses patterns.
    ///
    /// # Errors
    /// The first pattern that is empty, holds a `*` elsewhere than at a label's front, a scheme, a
    /// port or a path, or would match every host.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Self, HostPatternError> {
        let patterns = patterns.iter().map(|pattern| HostPattern::parse(pattern.as_ref()));
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// Whether `host` (normalised: lower-case, no brackets, no trailing dot) is on the list.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok();
        self.patterns.iter().any(|pattern| match (pattern, address) {
            (HostPattern::Address(listed), Some(asked)) => *listed == asked,
            (HostPattern::Name { labels, .. }, None) => name_matches(labels, host),
            (HostPattern::Address(_), None) | (HostPattern::Name { .. }, Some(_)) => false,
        })
    }

    /// The DNS suffixes that the certificate authority must be allowed to sign for, sorted.
    ///
    /// A name constraint is a suffix (RFC 5280 §4.2.1.10), so everything up to the last `*` goes.
    #[must_use]
    pub fn dns_suffixes(&self) -> BTreeSet<String> {
        let suffix = |pattern: &HostPattern| match pattern {
            HostPattern::Address(_) => None,
            HostPattern::Name { labels, .. } => {
                let mut exact: Vec<&str> = labels
                    .iter()
                    .rev()
                    .map_while(|label| match label {
                        Label::Exact(text) => Some(text.as_str()),
                        Label::Ending(_) | Label::Any => None,
                    })
                    .collect();
                exact.reverse();
                Some(exact.join("."))
            }
        };
        self.patterns.iter().filter_map(suffix).collect()
    }

    /// The addresses on the list, sorted.
    #[must_use]
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let address = |pattern: &HostPattern| match pattern {
            HostPattern::Address(address) => Some(*address),
            HostPattern::Name { .. } => None,
        };
        self.patterns.iter().filter_map(address).collect()
    }

    /// The patterns as written, normalised.
    pub fn patterns(&self) -> impl Iterator<Item = String> {
        self.patterns.iter().map(|pattern| match pattern {
            HostPattern::Address(address) => address.to_string(),
            HostPattern::Name { text, .. } => text.clone(),
        })
    }
}

impl HostPattern {
    fn parse(pattern: &str) -> Result<Self, HostPatternError> {
        let text = pattern.trim().trim_end_matches('.').to_ascii_lowercase();
        let fail = |why| Err(HostPatternError { pattern: pattern.to_owned(), why });
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(&text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Address(address));
        }
        if text.is_empty() {
            return fail("it is empty");
        }
        if text.contains(['/', ':', '@', ' ']) {
            return fail("it holds a scheme, port, path or space");
        }
        let mut labels = Vec::new();
        for label in text.split('.') {
            labels.push(match label {
                "" => return fail("a label is empty"),
                "*" => Label::Any,
                label => match label.strip_prefix('*') {
                    Some(ending) if !ending.contains('*') => Label::Ending(ending.to_owned()),
                    None if !label.contains('*') => Label::Exact(label.to_owned()),
                    _ => return fail("`*` must be a whole label or its front"),
                },
            });
        }
        if !matches!(labels.last(), Some(Label::Exact(_))) {
            return fail("it would match every host under any domain");
        }
        Ok(Self::Name { labels, text })
    }
}

fn name_matches(labels: &[Label], host: &str) -> bool {
    let mut asked: Vec<&str> = host.split('.').collect();
    // A leading `*` stands for one label or more.
    if labels.first() == Some(&Label::Any) && asked.len() > labels.len() {
        asked.drain(..asked.len() - labels.len());
    }
    asked.len() == labels.len()
        && labels.iter().zip(asked).all(|(label, asked)| match label {
            Label::Exact(text) => text == asked,
            Label::Ending(text) => {
                asked.strip_suffix(text.as_str()).is_some_and(|front| !front.is_empty())
            }
            Label::Any => !asked.is_empty(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_at_dot_boundaries_only() -> Result<(), HostPatternError> {
        let list = HostList::parse(&["api.anthropic.com", "*.azure.com", "rt.*.aws.com", "::1"])?;
        for host in ["api.anthropic.com", "x.azure.com", "x.y.azure.com", "rt.eu-1.aws.com", "::1"]
        {
            assert!(list.matches(host), "{host}");
        }
        for host in [
            "evilapi.anthropic.com",
            "api.anthropic.com.evil.example",
            "azure.com",
            "xazure.com",
            "rt.a.b.aws.com",
            "127.0.0.1",
        ] {
            assert!(!list.matches(host), "{host}");
        }
        Ok(())
    }

    #[test]
    fn the_front_of_a_label_may_be_a_wildcard() -> Result<(), HostPatternError> {
        let list = HostList::parse(&["*-ai.example.com"])?;
        assert!(list.matches("us-central1-ai.example.com"));
        for host in ["-ai.example.com", "ai.example.com", "a.us-ai.example.com", "us-ai.x.com"] {
            assert!(!list.matches(host), "{host}");
        }
        assert_eq!(list.dns_suffixes().into_iter().collect::<Vec<_>>(), ["example.com"]);
        Ok(())
    }

    #[test]
    fn constraints_are_the_suffixes_behind_the_last_wildcard() -> Result<(), HostPatternError> {
        let list = HostList::parse(&["rt.*.aws.com", "api.x.ai", "127.0.0.1"])?;
        let suffixes: Vec<_> = list.dns_suffixes().into_iter().collect();
        assert_eq!(suffixes, ["api.x.ai", "aws.com"]);
        assert_eq!(list.addresses().len(), 1);
        Ok(())
    }

    #[test]
    fn useless_patterns_are_refused_with_a_reason() {
        for pattern in
            ["", "*", "a.*", "https://a.b", "a.b:443", "a..b", "api*.b", "**.a.b", "a.*b"]
        {
            assert!(HostList::parse(&[pattern]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_default_list_is_valid() {
        assert!(HostList::parse(LLM_HOSTS).is_ok());
    }

    #[test]
    fn the_default_list_knows_regional_and_older_names() -> Result<(), HostPatternError> {
        let list = HostList::parse(LLM_HOSTS)?;
        for host in [
            "us-central1-aiplatform.googleapis.com",
            "eu.api.openai.com",
            "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
            "codestral.mistral.ai",
            "api.together.ai",
            "open.bigmodel.cn",
            "copilot-proxy.githubusercontent.com",
        ] {
            assert!(list.matches(host), "{host}");
        }
        for host in ["storage.googleapis.com", "s3.us-east-1.amazonaws.com", "openai.com"] {
            assert!(!list.matches(host), "{host}");
        }
        Ok(())
    }

    #[test]
    fn every_host_of_a_provider_names_its_provider() {
        for pattern in LLM_HOSTS {
            let host = pattern.replace('*', "one");
            assert!(langley_model::Provider::of_place(&host, 443).is_some(), "{host}");
        }
    }
}
