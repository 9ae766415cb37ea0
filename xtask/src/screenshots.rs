//! The visual tour: a database filled through the real proxy, then each screen of the dashboard as a picture.
//!
//! What is shown is made here, turn by turn, as an agent makes it: sessions with subagents and tools, of which some
//! fail, models with a price and one without, projects, and text that tries to be more than text.

mod written;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use langley_fixture::{Fixture, FixtureOptions};
use langley_testkit::{Client, Request};
use serde_json::{Value, json};

use crate::e2e::{Set, playwright};
use crate::langley::build;
use crate::provision::{chromium, packages};
use written::Written;

/// Where the pictures go.
#[derive(Debug, Args)]
pub(crate) struct ScreenshotOptions {
    /// The folder they are written to; it is made where there is none
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only screens whose name contains this, such as `spend`
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
}

/// A session that is played.
#[derive(Clone, Copy, Debug)]
struct Scene {
    id: &'static str,
    project: &'static str,
    model: &'static str,
    prompt: &'static str,
    /// What the provider is asked for, turn by turn.
    turns: &'static [Turn],
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    /// A subagent's id; the session's own agent asks where it is empty.
    lane: &'static str,
    /// The provider's behaviour.
    wish: &'static str,
    /// Whether the tools that it called come back as failed.
    fails: bool,
}

const fn turn(lane: &'static str, wish: &'static str) -> Turn {
    Turn { lane, wish, fails: false }
}

const fn failing(lane: &'static str, wish: &'static str) -> Turn {
    Turn { lane, wish, fails: true }
}

const SCENES: [Scene; 5] = [
    Scene {
        id: "0190f0c4-7e2a-7000-8000-5e5510a00001",
        project: "/home/ada/parser",
        model: "claude-opus-5-5",
        prompt: "Fix the header parser: values with a colon are cut.",
        turns: &[
            turn("", "say=thinking"),
            failing("", "say=tools"),
            turn("", "say=tools"),
            turn("a-tests", "say=tools"),
            failing("a-tests", "say=tools"),
            turn("a-docs", "say=tools"),
            turn("a-tests", "say=text"),
            turn("a-docs", "say=text"),
            turn("", "status=529"),
            turn("", "say=server"),
            failing("", "say=tools"),
            turn("", "say=text"),
        ],
    },
    Scene {
        id: "0190f0c4-7e2a-7000-8000-5e5510a00002",
        project: "/home/ada/parser",
        model: "claude-sonnet-4-5",
        prompt: "Write the change log of this week, and tell me what is missing in it.",
        turns: &[turn("", "say=tools"), turn("", "say=tools"), turn("", "say=text")],
    },
    Scene {
        id: "0190f0c4-7e2a-7000-8000-5e5510a00003",
        project: "/home/ada/site",
        model: "claude-opus-5-5",
        prompt: "<img src=x onerror=alert(1)> \u{202e}only text\u{202c} \u{1b}[31mand not red",
        turns: &[turn("", "say=unicode"), turn("", "say=text;error_after=4"), turn("", "say=text")],
    },
    Scene {
        id: "0190f0c4-7e2a-7000-8000-5e5510a00004",
        project: "/home/ada/site",
        model: "claude-of-nobody",
        prompt: "Which of our pages are slow?",
        turns: &[turn("", "say=tools"), turn("", "say=text")],
    },
    Scene {
        id: "0190f0c4-7e2a-7000-8000-5e5510a00005",
        project: "/home/ada/notes",
        model: "claude-sonnet-4-5",
        prompt: "Translate the last note.",
        turns: &[turn("", "say=unicode")],
    },
];

/// Fills a database, starts the dashboard, and saves each screen in both themes at three widths.
pub(crate) fn screenshots(options: &ScreenshotOptions) -> Result<()> {
    packages()?;
    let Some(chromium) = chromium() else {
        bail!("no Chromium was found; run the provision step");
    };
    fs::create_dir_all(&options.out)
        .with_context(|| format!("{} could not be made", options.out.display()))?;
    let out = fs::canonicalize(&options.out)?;
    let binary = build(false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no runtime")?;
    let fixture = runtime.block_on(Fixture::start(FixtureOptions::default()))?;
    let shown = tour(&binary, &chromium, &runtime, &fixture, &out, &options.only);
    runtime.block_on(fixture.stop());
    if !shown? {
        bail!("some screens are at fault: see above; the pictures are in {}", out.display());
    }
    println!("The pictures are in {}", out.display());
    Ok(())
}

fn tour(
    binary: &Path,
    chromium: &Path,
    runtime: &tokio::runtime::Runtime,
    fixture: &Fixture,
    out: &Path,
    only: &str,
) -> Result<bool> {
    let set = Set::start(binary, fixture)?;
    let mut settings = runtime.block_on(async {
        fs::create_dir_all(set.transcripts())?;
        for scene in SCENES {
            let written = play(&set.entry, &scene).await?;
            fs::write(set.transcripts().join(format!("{}.jsonl", scene.id)), written.file())?;
        }
        set.bring_in().await?;
        set.settings().await
    })?;
    settings.push(("LANGLEY_SHOTS", out.display().to_string()));
    settings.push(("LANGLEY_TOUR", only.to_owned()));
    Ok(playwright(chromium, &["screenshots"], &settings)?.0)
}

/// Plays one session, each lane with a conversation of its own; answers what the agent writes of it.
async fn play(entry: &str, scene: &Scene) -> Result<Written> {
    let mut connection = Client::direct(entry).connect().await?;
    let mut lanes: Vec<(&str, Vec<Value>)> = Vec::new();
    let mut written = Written::new(scene.id, scene.project);
    for turn in scene.turns {
        let at = lanes.iter().position(|(lane, _)| *lane == turn.lane).unwrap_or_else(|| {
            lanes.push((turn.lane, vec![json!({"role": "user", "content": scene.prompt})]));
            lanes.len() - 1
        });
        let messages = &mut lanes[at].1;
        messages.last().into_iter().for_each(|asked| written.ask(turn.lane, asked));
        let body = json!({
            "model": scene.model,
            "max_tokens": 4_096,
            "stream": true,
            "system": [{
                "type": "text",
                "text": "You are a coding agent. ".repeat(200),
                "cache_control": {"type": "ephemeral"},
            }],
            "messages": messages,
        });
        let mut request = Request::post("/v1/messages", body.to_string())
            .header("content-type", "application/json")
            .header("x-api-key", "sk-ant-api03-not-a-real-key")
            .header("anthropic-version", "2023-06-01")
            .header("user-agent", "claude-cli/2.1.329 (external, cli)")
            .header("X-Claude-Code-Session-Id", scene.id)
            .header("X-Langley-Project", scene.project)
            .fixture(turn.wish);
        if !turn.lane.is_empty() {
            request = request.header("X-Claude-Code-Agent-Id", turn.lane);
        }
        let answer = connection.fetch(request).await?;
        if answer.status == 200 {
            let events = events(&String::from_utf8_lossy(&answer.body));
            let said = next(&events, turn.fails);
            if let Some(answered) = said.first() {
                let request = answer.headers.value("request-id");
                written.answer(turn.lane, (&events, request), &answered["content"]);
            }
            messages.extend(said);
        }
    }
    Ok(written)
}

fn events(stream: &str) -> Vec<Value> {
    let events = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    events.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// The answer as the agent sends it back, and the results of what it called; nothing where it broke off.
fn next(events: &[Value], fails: bool) -> Vec<Value> {
    if !events.iter().any(|event| event["type"] == "message_stop") {
        return Vec::new();
    }
    let calls: Vec<&Value> =
        events.iter().filter(|event| event["content_block"]["type"] == "tool_use").collect();
    if calls.is_empty() {
        return vec![
            json!({"role": "assistant", "content": "That is done."}),
            json!({"role": "user", "content": "Go on with the next one."}),
        ];
    }
    let used = calls.iter().map(|call| {
        let mut block = call["content_block"].clone();
        let pieces = events.iter().filter(|event| event["index"] == call["index"]);
        let input: String =
            pieces.filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
        if let Ok(input) = serde_json::from_str(&input) {
            block["input"] = input;
        }
        block
    });
    let results = calls.iter().map(|call| {
        let id = &call["content_block"]["id"];
        let content =
            if fails { "No such file or directory (os error 2)" } else { "ok: 214 lines" };
        json!({"type": "tool_result", "tool_use_id": id, "is_error": fails, "content": content})
    });
    vec![
        json!({"role": "assistant", "content": used.collect::<Vec<_>>()}),
        json!({"role": "user", "content": results.collect::<Vec<_>>()}),
    ]
}
