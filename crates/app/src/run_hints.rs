//! What `langley run` says before a command that will not be seen, or not whole: once, on stderr.

use std::process::{Command, Stdio};

use langley_proxy::HostList;

use crate::agent_env::BASE_URLS;
use crate::bypass::bypasses;
use crate::cli::RunMode;
use crate::config::Environment;
use crate::preset::{Forward, Preset, Reverse};
use crate::state::State;

/// What a base URL cannot do for Bedrock, whose requests are signed with their host.
const SIGNED: &str = "calls to Bedrock that are signed (SigV4) do not go by base URL: they pass by or are \
     refused; use `--mode forward`, or a bearer token (AWS_BEARER_TOKEN_BEDROCK)";

/// Variables by which the AWS tools find what they sign with.
const SIGNS: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"];

/// What is known ahead of a run.
#[derive(Debug)]
pub(crate) struct Hints<'a> {
    pub(crate) mode: RunMode,
    pub(crate) preset: Option<&'static Preset>,
    pub(crate) environment: &'a Environment,
}

impl Hints<'_> {
    /// Every hint, each one line.
    pub(crate) fn all(&self, state: &State, hosts: Option<&HostList>) -> Vec<String> {
        match self.mode {
            RunMode::Forward => {
                let ways = hosts.map(|hosts| bypasses(self.environment, hosts, Some(state.proxy)));
                let ways = ways.unwrap_or_default().into_iter();
                ways.map(|way| format!("{}: {}; {}", way.what, way.why, way.next))
                    .chain(self.node(node_version))
                    .collect()
            }
            RunMode::Reverse => self.reverse(),
        }
    }

    /// Node before 22.21 (and 23) follows no proxy by itself.
    fn node(&self, version: impl FnOnce() -> Option<(u32, u32)>) -> Option<String> {
        let by_node = self.preset.is_some_and(|preset| preset.forward == Forward::ByNode);
        let (major, minor) = by_node.then(version)??;
        let follows = major >= 24 || (major == 22 && minor >= 21);
        (!follows).then(|| {
            format!(
                "Node {major}.{minor} does not follow HTTPS_PROXY by itself, so its requests may \
                 pass by unseen; use Node 22.21, 24 or newer, or `langley run --mode reverse -- …`, \
                 or give the SDK an undici EnvHttpProxyAgent"
            )
        })
    }

    /// What a base URL cannot do, and what it takes the place of.
    fn reverse(&self) -> Vec<String> {
        let mut hints = Vec::new();
        match self.preset {
            Some(Preset { name: "claude", .. }) => hints.push(
                "with a base URL Claude Code switches some features off (tool search, 1M context, \
                 remote control); `--mode forward` keeps them"
                    .to_owned(),
            ),
            Some(Preset { name, reverse: Reverse::Nothing, .. }) => hints.push(format!(
                "{name} takes no base URL from outside, so its requests pass by unseen; use \
                 `--mode forward`"
            )),
            Some(Preset { reverse: Reverse::Opencode, .. })
                if self.environment.value("OPENCODE_CONFIG_CONTENT").is_some_and(is_no_object) =>
            {
                hints.push(
                    "OPENCODE_CONFIG_CONTENT is no JSON object, so it was left alone and opencode \
                     passes by; use `--mode forward`"
                        .to_owned(),
                );
            }
            _ => {}
        }
        if self.signs() {
            hints.push(SIGNED.to_owned());
        }
        for (name, upstream, _) in BASE_URLS {
            if self.environment.value(name).is_some() {
                hints.push(format!(
                    "your {name} is replaced; to keep going there through Langley, set \
                     `proxy.reverse.upstreams.{upstream}.base_url` to it"
                ));
            }
        }
        hints
    }

    /// Whether the command may sign calls to Bedrock: an agent where it is told to use Bedrock, anything
    /// else where there is something to sign with.
    fn signs(&self) -> bool {
        let is_set = |name: &&str| self.environment.value(name).is_some();
        let is_agent = self.preset.is_some_and(Preset::is_agent);
        !is_set(&"AWS_BEARER_TOKEN_BEDROCK")
            && (is_set(&"CLAUDE_CODE_USE_BEDROCK") || (!is_agent && SIGNS.iter().any(is_set)))
    }
}

fn is_no_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(text).is_err()
}

/// Of the `node` that would be found.
fn node_version() -> Option<(u32, u32)> {
    let mut command = Command::new("node");
    let output =
        command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    parse_version(std::str::from_utf8(&output.stdout).ok()?)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let variables = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Environment { variables, folder: "/".into() }
    }

    fn hints<'a>(mode: RunMode, command: &str, environment: &'a Environment) -> Hints<'a> {
        Hints { mode, preset: Preset::of(&[command.into()]), environment }
    }

    #[test]
    fn an_old_node_is_told_and_a_new_one_is_not() {
        let none = environment(&[]);
        let told = |command: &str, version: &str| {
            hints(RunMode::Forward, command, &none).node(|| parse_version(version)).is_some()
        };
        assert!(told("node", "v20.20.2\n") && told("npx", "v22.20.0") && told("node", "v23.11.1"));
        assert!(!told("node", "v22.21.0") && !told("node", "v24.0.0") && !told("node", "?"));
        assert!(!told("claude", "v20.0.0"), "it follows by itself");
    }

    #[test]
    fn what_a_base_url_cannot_do_is_told() {
        let told = |command: &str, pairs: &[(&str, &str)]| {
            let environment = environment(pairs);
            hints(RunMode::Reverse, command, &environment).reverse().join("\n")
        };
        assert_eq!(told("gemini", &[]), "");
        assert_eq!(told("python", &[("AWS_REGION", "eu-west-1")]), "");
        let profile = [("AWS_PROFILE", "work")];
        assert_eq!(told("python", &profile), SIGNED);
        assert_eq!(told("./agent", &profile), SIGNED);
        assert_eq!(told("gemini", &profile), "");
        assert!(!told("claude", &profile).contains("SigV4"));
        assert!(told("claude", &[]).contains("switches some features off"));
        assert!(told("curl", &[]).contains("takes no base URL"));
        assert!(told("claude", &[("CLAUDE_CODE_USE_BEDROCK", "1")]).contains("SigV4"));
        let token = [("CLAUDE_CODE_USE_BEDROCK", "1"), ("AWS_BEARER_TOKEN_BEDROCK", "t")];
        assert!(!told("claude", &token).contains("SigV4"));
        assert!(told("claude", &[("ANTHROPIC_BASE_URL", "http://x")]).contains("is replaced"));
        assert!(told("opencode", &[("OPENCODE_CONFIG_CONTENT", "{,")]).contains("left alone"));
    }
}
