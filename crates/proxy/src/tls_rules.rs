//! Whose TLS hello a provider sees, by host.

use std::fmt;
use std::str::FromStr;

use crate::host_list::{HostList, HostPatternError};
use crate::mirror::{Acknowledgements, Fingerprint};

/// How the hello to a provider is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsProvider {
    /// The library's own.
    #[default]
    Native,
    /// The agent's (or a profile's); the library's own where the provider does not take that.
    Mirror,
    /// The agent's (or a profile's), or none at all.
    MirrorStrict,
}

impl TlsProvider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Native, Self::Mirror, Self::MirrorStrict];

    /// The word for it in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Mirror => "mirror",
            Self::MirrorStrict => "mirror-strict",
        }
    }

    /// The provider of that name; `utls` is an older word for `mirror`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word = if word == "utls" { "mirror" } else { word };
        Self::ALL.into_iter().find(|provider| provider.as_str() == word)
    }
}

/// Whose hello is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsChoice {
    /// How it is made.
    pub provider: TlsProvider,
    /// The profile to mirror in place of the agent; counts for nothing with [`TlsProvider::Native`].
    pub fingerprint: Option<Fingerprint>,
}

impl TlsChoice {
    /// Whether it is the agent's own hello that is to be seen.
    #[must_use]
    pub fn copies_agent(self) -> bool {
        self.provider != TlsProvider::Native && self.fingerprint.is_none()
    }
}

impl fmt::Display for TlsChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.provider.as_str())?;
        self.fingerprint.map_or(Ok(()), |fingerprint| write!(f, ":{fingerprint}"))
    }
}

/// The choice for every host.
#[derive(Clone, Debug, Default)]
pub struct TlsRules {
    /// For hosts without a rule.
    pub default: TlsChoice,
    /// Looked through in order; the first that matches counts.
    pub hosts: Vec<HostRule>,
    /// What happens to acknowledgements of what only the mirrored hello asks for.
    pub acknowledgements: Acknowledgements,
}

/// The choice for the hosts of one pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    hosts: HostList,
    choice: TlsChoice,
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostRuleError {
    /// There is no `=`, or something unknown behind it.
    #[error(
        "`{0}` is no rule; write HOST=native, HOST=mirror, HOST=mirror-strict, or HOST=PROFILE with \
         the profile chrome, electron, bun or node (HOST=mirror-strict:PROFILE for both)"
    )]
    Form(String),
    /// The host in front is no pattern.
    #[error(transparent)]
    Host(#[from] HostPatternError),
}

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, HostRuleError> {
        let form = || HostRuleError::Form(text.trim().to_owned());
        let (pattern, word) = text.split_once('=').ok_or_else(form)?;
        let hosts = HostList::parse(&[pattern])?;
        let choice = choice(word.trim()).ok_or_else(form)?;
        Ok(Self { hosts, choice })
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host: String = self.hosts.patterns().collect();
        write!(f, "{host}={}", self.choice)
    }
}

/// A provider, a profile, or both with a colon between.
fn choice(word: &str) -> Option<TlsChoice> {
    if let Some(provider) = TlsProvider::parse(word) {
        return Some(TlsChoice { provider, fingerprint: None });
    }
    let (provider, fingerprint) = word.split_once(':').unwrap_or(("mirror", word));
    let provider = TlsProvider::parse(provider).filter(|it| *it != TlsProvider::Native)?;
    Some(TlsChoice { provider, fingerprint: Some(Fingerprint::parse(fingerprint)?) })
}

impl TlsRules {
    /// The choice for `host` (normalised).
    pub(crate) fn of(&self, host: &str) -> TlsChoice {
        let rule = self.hosts.iter().find(|rule| rule.hosts.matches(host));
        rule.map_or(self.default, |rule| rule.choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_counts_whole() {
        let rule = |text: &str| text.parse::<HostRule>().unwrap();
        let rules = TlsRules {
            default: TlsChoice {
                provider: TlsProvider::MirrorStrict,
                fingerprint: Some(Fingerprint::Bun),
            },
            hosts: vec![
                rule("a.example.com = native"),
                rule("*.example.com=chrome"),
                rule("10.0.0.1=mirror-strict:node"),
                rule("api.openai.com=utls"),
            ],
            acknowledgements: Acknowledgements::Break,
        };
        let of = |host| rules.of(host).to_string();
        assert_eq!(of("a.example.com"), "native");
        assert_eq!(of("b.example.com"), "mirror:chrome");
        assert_eq!(of("10.0.0.1"), "mirror-strict:node");
        assert_eq!(of("api.openai.com"), "mirror");
        assert_eq!(of("example.com"), "mirror-strict:bun");
        assert_eq!(rules.hosts[1].to_string(), "*.example.com=mirror:chrome");
    }

    #[test]
    fn a_rule_of_another_form_is_refused() {
        for text in ["", "a.example", "a.example=", "a.example=firefox", "a.example=native:node"] {
            assert!(matches!(text.parse::<HostRule>(), Err(HostRuleError::Form(_))), "{text}");
        }
        assert!(matches!("*=mirror".parse::<HostRule>(), Err(HostRuleError::Host(_))));
    }
}
