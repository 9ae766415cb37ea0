//! The rules by name, and how often each has struck.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often a rule has struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule's name.
    pub rule: &'static str,
    /// Times it replaced something.
    pub count: u64,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal,)*) => {
        /// Why something was replaced.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule, in the order of declaration.
            pub(super) const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// The word used in placeholders, JSON and the dashboard.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// What stands where the secret stood. No rule hits it, so redacting twice is harmless,
            /// and it needs no escape in JSON.
            pub(super) const fn placeholder(self) -> &'static str {
                match self {
                    $(Self::$rule => concat!("[redacted:", $name, "]"),)*
                }
            }
        }
    };
}

rules! {
    /// `sk-ant-…`
    AnthropicKey = "anthropic_key",
    /// `AKIA…`, `ASIA…`
    AwsKey = "aws_key",
    /// An image as base64 text.
    Base64Image = "base64_image",
    /// `Bearer …`
    BearerToken = "bearer_token",
    /// `ABSK…`, `bedrock-api-key-…`
    BedrockKey = "bedrock_key",
    /// `NAME_KEY=…`, `password: …`, a line of credentials such as `Cookie: …`.
    CredentialAssignment = "credential_assignment",
    /// `"api_key": "…"`, and the part of a form of that name.
    CredentialField = "credential_field",
    /// `curl -u user:…`
    CurlPassword = "curl_password",
    /// `dop_v1_…`, `doo_v1_…`, `dor_v1_…`
    DigitalOceanToken = "digitalocean_token",
    /// `discord.com/api/webhooks/…`
    DiscordWebhook = "discord_webhook",
    /// `fw_…`
    FireworksKey = "fireworks_key",
    /// `ghp_…`, `gho_…`, `ghu_…`, `ghs_…`, `ghr_…`, `github_pat_…`
    GithubToken = "github_token",
    /// `glpat-…`
    GitlabToken = "gitlab_token",
    /// `AIza…`
    GoogleKey = "google_key",
    /// `GOCSPX-…`
    GoogleSecret = "google_client_secret",
    /// `ya29.…`
    GoogleToken = "google_token",
    /// `gsk_…`
    GroqKey = "groq_key",
    /// A header whose value is never kept.
    Header = "header",
    /// `hf_…`
    HuggingFaceToken = "huggingface_token",
    /// `eyJ….eyJ….…`
    Jwt = "jwt",
    /// `lin_api_…`
    LinearKey = "linear_key",
    /// `npm_…`
    NpmToken = "npm_token",
    /// `sk-…`, also of providers that copied the shape.
    OpenAiKey = "openai_key",
    /// `pplx-…`
    PerplexityKey = "perplexity_key",
    /// The body of a PEM private key.
    PrivateKey = "private_key",
    /// `pypi-…`
    PypiToken = "pypi_token",
    /// `r8_…`
    ReplicateToken = "replicate_token",
    /// `SG.….…`
    SendgridKey = "sendgrid_key",
    /// `shpat_…`, `shpca_…`, `shppa_…`, `shpss_…`
    ShopifyToken = "shopify_token",
    /// `xoxb-…`, `xapp-…`
    SlackToken = "slack_token",
    /// `hooks.slack.com/services/…`
    SlackWebhook = "slack_webhook",
    /// `sk_live_…`, `rk_live_…`
    StripeKey = "stripe_key",
    /// `123456789:AA…`
    TelegramToken = "telegram_token",
    /// `….atlasv1.…`
    TerraformToken = "terraform_token",
    /// `tgp_v1_…`
    TogetherKey = "together_key",
    /// `?api_key=…`
    UrlParameter = "url_parameter",
    /// `scheme://user:password@`
    UrlPassword = "url_password",
    /// `hvs.…`
    VaultToken = "vault_token",
    /// `xai-…`
    XaiKey = "xai_key",
}

/// How every placeholder begins.
pub(super) const OPENING: &[u8] = b"[redacted:";

/// Whether there is a placeholder in `text`: what it is a part of was judged before, and was no secret then.
pub(super) fn has_placeholder(text: &[u8]) -> bool {
    memchr::memmem::find(text, OPENING).is_some()
}

/// Whether `text` is exactly one placeholder.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    text.strip_prefix(OPENING)
        .and_then(|rest| rest.strip_suffix(b"]"))
        .is_some_and(|inner| !inner.contains(&b']'))
}

/// One counter per rule.
#[derive(Debug)]
pub(super) struct Counters([AtomicU64; Rule::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Counters {
    pub(super) fn add(&self, rule: Rule) {
        if let Some(counter) = self.0.get(rule as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The rules that have struck.
    pub(super) fn counts(&self) -> Vec<RuleCount> {
        Rule::ALL
            .iter()
            .zip(&self.0)
            .map(|(rule, counter)| RuleCount {
                rule: rule.name(),
                count: counter.load(Ordering::Relaxed),
            })
            .filter(|counted| counted.count > 0)
            .collect()
    }
}
