//! Every client that is tried: a row each.

use super::case::{Case, Package, Proof, Reverse};
use super::scripts::{self, CLOSING, NOTE};

const CLAUDE: &str = "claude-opus-5-5";
const GPT: &str = "gpt-6.1-sol";
const GEMINI: &str = "gemini-3-pro-preview";
const BEDROCK_CLAUDE: &str = "us.anthropic.claude-opus-5-5-v1:0";
const NOVA: &str = "amazon.nova-pro-v1:0";

const SAYS: Proof = Proof::Says(CLOSING);
const LEAVES: Proof = Proof::Leaves("langley-note.txt", NOTE);

const ANTHROPIC_BASE: Reverse = Reverse::By(&[("ANTHROPIC_BASE_URL", "{entry}")], &[]);
const OPENAI_BASE: Reverse = Reverse::By(&[("OPENAI_BASE_URL", "{entry}/v1")], &[]);
const GEMINI_BASE: Reverse = Reverse::By(&[("GOOGLE_GEMINI_BASE_URL", "{entry}")], &[]);
const SIGNED: Reverse =
    Reverse::Not("a SigV4 signature covers the host, so Bedrock needs the forward proxy");

const CLAUDE_ALONE: &[(&str, &str)] =
    &[("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"), ("IS_SANDBOX", "1")];

/// The rows.
pub(crate) fn catalog() -> Vec<Case> {
    let sdk = Case {
        client: "",
        variant: "",
        package: Package::System(""),
        provider: "anthropic",
        model: CLAUDE,
        recorded_model: None,
        script: scripts::lookup,
        proof: SAYS,
        command: &[],
        environment: &[],
        settings: None,
        reverse: ANTHROPIC_BASE,
        names_session: false,
        writes_transcripts: false,
        version: "http/1.1",
    };
    let openai = Case { provider: "openai", model: GPT, reverse: OPENAI_BASE, ..sdk.clone() };
    let gemini = Case { provider: "gemini", model: GEMINI, reverse: GEMINI_BASE, ..sdk.clone() };
    let bedrock = Case { provider: "bedrock", model: NOVA, reverse: SIGNED, ..sdk.clone() };
    let agent = Case { proof: LEAVES, names_session: true, ..sdk.clone() };

    let claude_code = Case {
        client: "Claude Code",
        package: Package::Npm("@anthropic-ai/claude-code", &[]),
        script: scripts::claude,
        command: &[
            "{bin}/claude",
            "-p",
            "Write the note.",
            "--model",
            "{model}",
            "--dangerously-skip-permissions",
        ],
        environment: CLAUDE_ALONE,
        writes_transcripts: true,
        ..agent.clone()
    };
    let codex = Case {
        client: "Codex CLI",
        package: Package::Npm("@openai/codex", &[]),
        script: scripts::codex,
        provider: "openai",
        model: GPT,
        command: &[
            "{bin}/codex",
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            "-m",
            "{model}",
            "Write the note.",
        ],
        environment: &[("CODEX_HOME", "{work}/home")],
        writes_transcripts: true,
        ..agent.clone()
    };
    let python_anthropic = Case {
        client: "anthropic (Python)",
        package: Package::PyPi("anthropic", "sdk"),
        command: &["{py}/python", "{drivers}/sdk_anthropic.py", "h1"],
        ..sdk.clone()
    };
    let python_openai = Case {
        client: "openai (Python)",
        package: Package::PyPi("openai", "sdk"),
        command: &["{py}/python", "{drivers}/sdk_openai.py", "responses"],
        ..openai.clone()
    };
    let boto3 = Case {
        client: "boto3",
        package: Package::PyPi("boto3", "sdk"),
        command: &["{py}/python", "{drivers}/sdk_bedrock.py", "converse"],
        ..bedrock.clone()
    };
    let node_openai = Case {
        client: "openai (Node)",
        package: Package::Npm("openai", &[]),
        command: &["node", "{drivers}/sdk_openai.mjs", "responses"],
        ..openai.clone()
    };
    let curl = Case {
        client: "curl",
        package: Package::System("curl"),
        command: &["sh", "{drivers}/curl.sh", "http1.1"],
        ..sdk.clone()
    };

    vec![
        claude_code.clone(),
        Case {
            variant: "WebSocket",
            reverse: Reverse::By(&[], &["-c", "openai_base_url=\"{entry}/v1\""]),
            ..codex.clone()
        },
        Case {
            variant: "HTTP",
            command: &[
                "{bin}/codex",
                "exec",
                "--skip-git-repo-check",
                "--dangerously-bypass-approvals-and-sandbox",
                "-m",
                "{model}",
                "Write the note.",
                "-c",
                "model_provider=\"plain\"",
                "-c",
                "model_providers.plain={name=\"Plain\",base_url=\"https://api.openai.com/v1\",\
                 env_key=\"OPENAI_API_KEY\",wire_api=\"responses\"}",
            ],
            reverse: Reverse::By(&[], &["-c", "model_providers.plain.base_url=\"{entry}/v1\""]),
            version: "h2",
            ..codex
        },
        Case {
            client: "Gemini CLI",
            // It replaces older preview models by their successors.
            model: "gemini-3.1-pro-preview",
            package: Package::Npm("@google/gemini-cli", &[]),
            script: scripts::gemini,
            proof: LEAVES,
            command: &[
                "{bin}/gemini",
                "-p",
                "Write the note.",
                "--yolo",
                "--skip-trust",
                "-m",
                "{model}",
            ],
            settings: Some((
                ".gemini/settings.json",
                r#"{"security":{"auth":{"selectedType":"gemini-api-key"}}}"#,
            )),
            ..gemini.clone()
        },
        Case {
            client: "opencode",
            package: Package::Npm("opencode-ai", &[]),
            script: scripts::opencode,
            command: &["{bin}/opencode", "run", "Write the note.", "-m", "anthropic/{model}"],
            reverse: Reverse::By(
                &[(
                    "OPENCODE_CONFIG_CONTENT",
                    "{\"provider\":{\"anthropic\":{\"options\":{\"baseURL\":\"{entry}/v1\"}}}}",
                )],
                &[],
            ),
            ..agent
        },
        Case {
            client: "aider",
            package: Package::PyPi("aider-chat", "aider"),
            script: scripts::aider,
            proof: LEAVES,
            command: &[
                "{py}/aider",
                "--model",
                "anthropic/{model}",
                "--edit-format",
                "diff",
                "--yes-always",
                "--no-git",
                "--no-check-update",
                "--no-analytics",
                "--no-show-model-warnings",
                "--message",
                "Change the note.",
                "langley-note.txt",
            ],
            ..sdk.clone()
        },
        python_anthropic.clone(),
        Case {
            variant: "HTTP/2",
            command: &["{py}/python", "{drivers}/sdk_anthropic.py", "h2"],
            version: "h2",
            ..python_anthropic
        },
        Case { variant: "Responses", ..python_openai.clone() },
        Case {
            variant: "Chat Completions",
            command: &["{py}/python", "{drivers}/sdk_openai.py", "chat"],
            ..python_openai
        },
        Case {
            client: "google-genai (Python)",
            package: Package::PyPi("google-genai", "sdk"),
            command: &["{py}/python", "{drivers}/sdk_google.py"],
            ..gemini.clone()
        },
        Case { variant: "ConverseStream", ..boto3.clone() },
        Case {
            variant: "InvokeModelWithResponseStream",
            model: BEDROCK_CLAUDE,
            recorded_model: Some(CLAUDE),
            command: &["{py}/python", "{drivers}/sdk_bedrock.py", "invoke"],
            ..boto3
        },
        Case {
            client: "litellm",
            variant: "Anthropic",
            package: Package::PyPi("litellm", "sdk"),
            model: "anthropic/claude-opus-5-5",
            recorded_model: Some(CLAUDE),
            command: &["{py}/python", "{drivers}/sdk_litellm.py"],
            ..sdk.clone()
        },
        Case {
            client: "claude-agent-sdk (Python)",
            package: Package::PyPi("claude-agent-sdk", "sdk"),
            command: &["{py}/python", "{drivers}/agent_sdk.py"],
            ..claude_code
        },
        Case {
            client: "@anthropic-ai/sdk (Node)",
            package: Package::Npm("@anthropic-ai/sdk", &[]),
            command: &["node", "{drivers}/sdk_anthropic.mjs"],
            ..sdk
        },
        Case { variant: "Responses", ..node_openai.clone() },
        Case {
            variant: "Chat Completions",
            command: &["node", "{drivers}/sdk_openai.mjs", "chat"],
            ..node_openai
        },
        Case {
            client: "@google/genai (Node)",
            package: Package::Npm("@google/genai", &[]),
            command: &["node", "{drivers}/sdk_google.mjs"],
            ..gemini
        },
        Case {
            client: "AWS SDK for JavaScript",
            package: Package::Npm(
                "@aws-sdk/client-bedrock-runtime",
                &["@smithy/node-http-handler", "https-proxy-agent"],
            ),
            command: &["node", "{drivers}/sdk_bedrock.mjs"],
            reverse: Reverse::By(
                &[("ANTHROPIC_BEDROCK_BASE_URL", "{entry}"), ("AWS_BEARER_TOKEN_BEDROCK", "{key}")],
                &[],
            ),
            ..bedrock
        },
        Case { variant: "HTTP/1.1", ..curl.clone() },
        Case {
            variant: "HTTP/2",
            command: &["sh", "{drivers}/curl.sh", "http2"],
            version: "h2",
            ..curl.clone()
        },
        Case {
            client: "libcurl (curl_cffi)",
            variant: "WebSocket",
            package: Package::PyPi("curl_cffi", "sdk"),
            command: &["{py}/python", "{drivers}/sdk_curl.py"],
            ..openai
        },
    ]
}
