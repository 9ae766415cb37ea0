//! The clients that `langley run` knows: how each follows a proxy, and how it takes a base URL.
//!
//! A table, measured with the real clients. Unknown commands get the same environment; a preset only
//! adds what an environment cannot do, and says what will not work.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

/// Where a base URL goes in [`Reverse`]'s texts.
pub(crate) const URL: &str = "{url}";

/// One client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    /// The word it is listed by.
    pub(crate) name: &'static str,
    /// Whether it is an agent by itself.
    kind: Kind,
    /// What it is.
    pub(crate) client: &'static str,
    /// Names of its command, without ending and version.
    programs: &'static [&'static str],
    /// Names of its package, for `npx`, `uvx` and scripts below `node_modules`.
    packages: &'static [&'static str],
    /// How it follows a proxy.
    pub(crate) forward: Forward,
    /// How it takes a base URL.
    pub(crate) reverse: Reverse,
}

/// What kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An agent.
    Agent,
    /// What agents are written with, or what people call providers with.
    Tool,
}

/// How a client follows a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forward {
    /// By the environment; the variable by which it trusts our certificate.
    Trusts(&'static str),
    /// Only when Node does it: from 22.21 and 24 on.
    ByNode,
}

impl Forward {
    /// On what it depends, for people who set the variables by hand.
    pub(crate) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Trusts(_) => None,
            Self::ByNode => Some(
                "Only Node 22.21, 24 or newer follows these variables; with an older one take the base URL.",
            ),
        }
    }
}

/// How a client takes a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reverse {
    /// By these variables of the environment.
    Variables(&'static str),
    /// By these arguments, put before its own.
    Arguments(&'static [&'static str]),
    /// By configuration inside `OPENCODE_CONFIG_CONTENT`.
    Opencode,
    /// Not from outside.
    Nothing,
}

const ANTHROPIC: &str = "ANTHROPIC_BASE_URL";
const SDKS: &str = "ANTHROPIC_BASE_URL, OPENAI_BASE_URL, GOOGLE_GEMINI_BASE_URL";

/// Every client, by name. The last ones are not agents but what agents are written with.
pub(crate) const PRESETS: &[Preset] = &[
    Preset {
        name: "claude",
        kind: Kind::Agent,
        client: "Claude Code",
        programs: &["claude"],
        packages: &["@anthropic-ai/claude-code"],
        forward: Forward::Trusts("NODE_EXTRA_CA_CERTS"),
        reverse: Reverse::Variables("ANTHROPIC_BASE_URL, ANTHROPIC_BEDROCK_BASE_URL"),
    },
    Preset {
        name: "codex",
        kind: Kind::Agent,
        client: "Codex",
        programs: &["codex"],
        packages: &["@openai/codex"],
        forward: Forward::Trusts("CODEX_CA_CERTIFICATE"),
        reverse: Reverse::Arguments(&["-c", "openai_base_url=\"{url}/v1\""]),
    },
    Preset {
        name: "gemini",
        kind: Kind::Agent,
        client: "Gemini CLI",
        programs: &["gemini"],
        packages: &["@google/gemini-cli"],
        forward: Forward::Trusts("NODE_EXTRA_CA_CERTS"),
        reverse: Reverse::Variables("GOOGLE_GEMINI_BASE_URL"),
    },
    Preset {
        name: "opencode",
        kind: Kind::Agent,
        client: "opencode",
        programs: &["opencode"],
        packages: &["opencode-ai"],
        forward: Forward::Trusts("NODE_EXTRA_CA_CERTS"),
        reverse: Reverse::Opencode,
    },
    Preset {
        name: "aider",
        kind: Kind::Agent,
        client: "aider",
        programs: &["aider"],
        packages: &["aider-chat", "aider-install"],
        forward: Forward::Trusts("SSL_CERT_FILE"),
        reverse: Reverse::Variables("ANTHROPIC_BASE_URL, OPENAI_API_BASE"),
    },
    Preset {
        name: "aws",
        kind: Kind::Tool,
        client: "AWS command line",
        programs: &["aws"],
        packages: &["awscli"],
        forward: Forward::Trusts("AWS_CA_BUNDLE"),
        reverse: Reverse::Nothing,
    },
    Preset {
        name: "curl",
        kind: Kind::Tool,
        client: "curl",
        programs: &["curl"],
        packages: &[],
        forward: Forward::Trusts("CURL_CA_BUNDLE"),
        reverse: Reverse::Nothing,
    },
    Preset {
        name: "python",
        kind: Kind::Tool,
        client: "Python: anthropic, openai, google-genai, litellm, boto3",
        programs: &["python", "pypy", "ipython", "jupyter"],
        packages: &[],
        forward: Forward::Trusts("SSL_CERT_FILE, REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE"),
        reverse: Reverse::Variables(SDKS),
    },
    Preset {
        name: "bun",
        kind: Kind::Tool,
        client: "Bun",
        programs: &["bun"],
        packages: &[],
        forward: Forward::Trusts("NODE_EXTRA_CA_CERTS"),
        reverse: Reverse::Variables(SDKS),
    },
    Preset {
        name: "deno",
        kind: Kind::Tool,
        client: "Deno",
        programs: &["deno"],
        packages: &[],
        forward: Forward::Trusts("DENO_CERT"),
        reverse: Reverse::Variables(ANTHROPIC),
    },
    Preset {
        name: "node",
        kind: Kind::Tool,
        client: "Node: the SDKs of Anthropic, OpenAI and Google",
        programs: &["node", "npx", "npm", "pnpm", "yarn", "tsx", "ts-node"],
        packages: &[],
        forward: Forward::ByNode,
        reverse: Reverse::Variables(SDKS),
    },
];

/// Commands that run another one named by a word behind them.
const RUNNERS: &[(&str, &[&str])] = &[
    ("npx", &[]),
    ("bunx", &[]),
    ("uvx", &[]),
    ("pnpx", &[]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["dlx", "exec"]),
    ("yarn", &["dlx", "exec"]),
    ("bun", &["x", "run"]),
    ("pipx", &["run"]),
    ("uv", &["run", "tool"]),
];

/// Commands whose first plain word is a script.
const INTERPRETERS: &[&str] = &["node", "bun", "deno", "python", "pypy", "tsx"];

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusts(variables) => write!(f, "HTTPS_PROXY, {variables}"),
            Self::ByNode => {
                f.write_str("NODE_USE_ENV_PROXY=1 on Node 22.21, 24 or newer; else none")
            }
        }
    }
}

impl fmt::Display for Reverse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables(variables) => f.write_str(variables),
            Self::Arguments(words) => f.write_str(&words.join(" ").replace(URL, "URL")),
            Self::Opencode => f.write_str("OPENCODE_CONFIG_CONTENT"),
            Self::Nothing => f.write_str("-"),
        }
    }
}

impl Preset {
    /// For scripts.
    pub(crate) fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "client": self.client,
            "programs": self.programs,
            "packages": self.packages,
            "forward": self.forward.to_string(),
            "reverse": (self.reverse != Reverse::Nothing).then(|| self.reverse.to_string()),
        })
    }

    /// The client that `command` starts, by the name of its file; seen through `env`, through runners
    /// as `npx`, and through interpreters as `node …/claude`, where that is plain.
    pub(crate) fn of(command: &[OsString]) -> Option<&'static Self> {
        let mut words: Vec<String> =
            command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        if stem(words.first()?) == "env" {
            let plain = |word: &String| !word.starts_with('-') && !word.contains('=');
            let at = words.iter().skip(1).position(plain)?;
            words.drain(..=at);
        }
        let (program, rest) = words.split_first()?;
        let program = stem(program);
        let behind = || rest.iter().find(|word| !word.starts_with('-'));
        let runner = RUNNERS.iter().find(|(name, _)| *name == program);
        let inner = match runner {
            Some((_, [])) => behind().and_then(|word| Self::of_package(word)),
            Some((_, verbs)) => {
                let mut plain = rest.iter().filter(|word| !word.starts_with('-'));
                let verb = plain.next().filter(|word| verbs.contains(&word.as_str()));
                // `uv tool run NAME`, `npm exec NAME`.
                let named = verb.and_then(|_| plain.find(|word| *word != "run"));
                named.and_then(|word| Self::of_package(word))
            }
            None => None,
        };
        let script = || {
            let is_module = rest.first().is_some_and(|word| word == "-m");
            let word = if is_module { rest.get(1) } else { behind() };
            INTERPRETERS.contains(&program.as_str()).then(|| Self::of_script(word?))?
        };
        inner.or_else(script).or_else(|| Self::named(&program))
    }

    /// Whether it is an agent, and not what agents are written with.
    pub(crate) fn is_agent(&self) -> bool {
        self.kind == Kind::Agent
    }

    /// Whether `word` is this client's own command, and no runner or interpreter in front of it.
    pub(crate) fn is_command(&self, word: &OsStr) -> bool {
        self.programs.contains(&stem(&word.to_string_lossy()).as_str())
    }

    fn named(program: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.programs.contains(&program))
    }

    /// By a package with or without version (`@openai/codex@latest`, `aider-chat==0.86`), or a command.
    fn of_package(word: &str) -> Option<&'static Self> {
        let version = word.char_indices().skip(1).find(|(_, c)| matches!(c, '@' | '='));
        let bare = version.map_or(word, |(at, _)| &word[..at]);
        let fits = |preset: &&Self| preset.packages.contains(&bare);
        PRESETS.iter().find(fits).or_else(|| Self::named(&stem(bare)))
    }

    /// By the path of a script: its own name, or the package it lies in.
    fn of_script(word: &str) -> Option<&'static Self> {
        let inside = |package: &&str| word.contains(&format!("/node_modules/{package}/"));
        let of_path = PRESETS.iter().find(|preset| preset.packages.iter().any(inside));
        of_path.or_else(|| Self::named(&stem(word)).filter(|preset| preset.is_agent()))
    }
}

/// A command's name without folder, ending and version: `claude`, `python`.
fn stem(word: &str) -> String {
    let name = Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned());
    let mut name = name.unwrap_or_default().to_ascii_lowercase();
    for ending in [".exe", ".cmd", ".ps1", ".js", ".mjs", ".cjs", ".py"] {
        if let Some(bare) = name.strip_suffix(ending) {
            name.truncate(bare.len());
        }
    }
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    name.truncate(unversioned);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(command: &str) -> &'static str {
        let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        Preset::of(&words).map_or("-", |preset| preset.name)
    }

    #[test]
    fn a_client_is_known_by_its_file_through_runners_and_interpreters() {
        for (command, expected) in [
            ("claude -p hi", "claude"),
            ("/usr/local/bin/claude", "claude"),
            ("CLAUDE.exe", "claude"),
            ("env -i A=b claude", "claude"),
            ("npx @anthropic-ai/claude-code@2.1.0 --help", "claude"),
            ("npx -y @openai/codex@latest", "codex"),
            ("npm exec @google/gemini-cli", "gemini"),
            ("pnpm dlx opencode-ai", "opencode"),
            ("bunx opencode", "opencode"),
            ("bun x opencode-ai@1.2", "opencode"),
            ("uvx aider-chat==0.86", "aider"),
            ("uv tool run aider", "aider"),
            ("uv run python app.py", "python"),
            ("pipx run aider-chat", "aider"),
            ("python3.11 -m aider --model x", "aider"),
            (
                "node --max-old-space-size=9 /x/node_modules/@google/gemini-cli/dist/index.js",
                "gemini",
            ),
            ("node /opt/bin/claude", "claude"),
            ("node app.js", "node"),
            ("node /home/me/curl.js", "node"),
            ("npm run dev", "node"),
            ("python3 agent.py", "python"),
            ("bun run start", "bun"),
            ("sh -c claude", "-"),
            ("env", "-"),
            ("my-claude", "-"),
        ] {
            assert_eq!(name(command), expected, "{command}");
        }
    }

    #[test]
    fn every_row_is_reached_by_its_own_name() {
        for preset in PRESETS {
            assert_eq!(name(preset.name), preset.name);
        }
    }
}
