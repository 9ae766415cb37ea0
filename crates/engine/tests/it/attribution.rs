//! Whose flow it is.

use langley_model::{Control, DialectName, Provider, Tokens};

use serde_json::json;

use crate::kit::{Rig, Script};

const ID: &str = "0b3f6a52-8f2e-4c7c-9f1e-0a4b7c3d2e1f";

fn session(script: &Script) -> (Option<String>, Option<&'static str>, Option<&'static str>) {
    let rows = script.play();
    let flow = rows.flow(script.flow);
    (
        flow.session.as_ref().map(|session| session.id.clone()),
        flow.session.as_ref().map(|session| session.source),
        flow.task.as_ref().map(|task| task.source),
    )
}

fn with_user_id(user_id: &str) -> String {
    let user_id = serde_json::Value::from(user_id);
    format!(r#"{{"model":"m","messages":[],"metadata":{{"user_id":{user_id}}}}}"#)
}

#[test]
fn a_session_is_read_from_each_form_a_claude_code_version_sends() {
    let header = Script::post("/v1/messages?beta=true", &[("X-Claude-Code-Session-Id", ID)])
        .request(
            with_user_id("user_x_account__session_00000000-0000-0000-0000-000000000000").as_bytes(),
        )
        .request_end();
    let source = "header:x-claude-code-session-id";
    assert_eq!(session(&header), (Some(ID.into()), Some(source), Some("session")));

    let json = format!(r#"{{"device_id":"d","account_uuid":"","session_id":"{ID}"}}"#);
    let json = Script::messages(&with_user_id(&json));
    let source = "body:metadata.user_id.session_id";
    assert_eq!(session(&json), (Some(ID.into()), Some(source), Some("session")));

    let suffix = Script::messages(&with_user_id(&format!("user_ab_account__session_{ID}")));
    let source = "body:metadata.user_id._session_";
    assert_eq!(session(&suffix), (Some(ID.into()), Some(source), Some("session")));
}

#[test]
fn langleys_own_headers_come_first_and_alone_split_tasks() {
    let mut script = Script::post("/v1/messages", &[("x-claude-code-session-id", "other")]);
    script.opened.control =
        Control { session: Some(ID.into()), task: Some("t1".into()), ..Control::default() };
    let source = "header:x-langley-session";
    assert_eq!(session(&script), (Some(ID.into()), Some(source), Some("header:x-langley-task")));
}

#[test]
fn a_project_is_the_header_then_the_folder_then_the_sessions_own() {
    let rig = Rig::new();
    let play = |session: &str, header: Option<&str>, system: &str| {
        let mut script = Script::post("/v1/messages", &[("x-claude-code-session-id", session)]);
        script.opened.control.project = header.map(str::to_owned);
        let body = json!({"model": "m", "system": system, "messages": []}).to_string();
        let script = script.request(body.as_bytes()).request_end().head(200, &[]).end();
        let captures = rig.recorder.stats().captures_total + 2 + script.pieces.len() as u64;
        rig.play(&script);
        rig.until(|rig| rig.recorder.stats().captures_total == captures);
        script.flow
    };
    let env = "<env>\nWorking directory: /w/of folder/\nPlatform: linux";
    let secret = "/w/sk-ant-api03-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";
    let flows = [
        play("s-1", Some("/w/%C3%A9/"), env),
        play("s-2", None, env),
        play("s-2", None, "Name the session."),
        play("s-3", Some("bad%0Aname"), "Name the session."),
        play("s-4", Some(secret), ""),
        play("s-1", None, ""),
    ];
    let rows = rig.finish();
    let told = flows.map(|flow| rows.flow(flow).project.clone().map(|it| (it.id, it.source)));
    let is = |id: &str, source| Some((id.to_owned(), source));
    let header = "header:x-langley-project";
    assert_eq!(
        told[..4],
        [
            is("/w/é", header),
            is("/w/of folder", "body:folder"),
            is("/w/of folder", "session"),
            None
        ]
    );
    assert_eq!(told[5], is("/w/é", "session"));
    let redacted = &told[4].as_ref().unwrap().0;
    assert!(redacted.starts_with("/w/") && !redacted.contains("c4n4ry"), "{redacted}");
}

#[test]
fn a_session_of_a_body_without_a_dialect_is_its_cache_key() {
    let script = Script::post("/v1/responses", &[("user-agent", "codex_exec/0.169.0 (Debian)")])
        .request(br#"{"model":"m","input":[],"prompt_cache_key":"thread-7"}"#)
        .request_end();
    assert_eq!(session(&script).0.as_deref(), Some("thread-7"));
}

#[test]
fn the_user_agent_names_the_agent() {
    let script = Script::post(
        "/v1/messages",
        &[
            ("User-Agent", "claude-cli/2.1.329 (external, sdk-cli)"),
            ("x-claude-code-agent-id", "a-17"),
        ],
    );
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.agent.as_deref(), Some("claude-code"));
    assert_eq!(flow.agent_version.as_deref(), Some("2.1.329"));
    assert_eq!(flow.agent_id.as_deref(), Some("a-17"));
}

#[test]
fn a_path_that_is_no_models_api_is_a_flow_without_a_provider() {
    for path in ["/api/hello", "/api/event_logging/v2/batch"] {
        let script = Script::post(path, &[]).request(b"{}").request_end().head(200, &[]).end();
        let rows = script.play();
        assert_eq!(rows.flow(script.flow).provider, None);
        assert!(rows.message(script.flow).is_none());
    }
    let script = Script::messages("{}");
    assert_eq!(script.play().flow(script.flow).provider, Some(Provider::Anthropic));
}

#[test]
fn a_provider_is_told_by_its_host_or_its_upstream_and_read_in_the_dialect_of_the_path() {
    const CHAT: &str = "/openai/v1/chat/completions";
    for (host, upstream, path, provider, dialect) in [
        ("api.groq.com", None, CHAT, Provider::Groq, DialectName::OpenAi),
        ("gpu.example", Some("vllm"), CHAT, Provider::Vllm, DialectName::OpenAi),
        ("gateway.example", Some("mine"), CHAT, Provider::Compatible, DialectName::OpenAi),
        (
            "api.deepseek.com",
            None,
            "/anthropic/v1/messages",
            Provider::DeepSeek,
            DialectName::Anthropic,
        ),
    ] {
        let answer: &[u8] = match dialect {
            DialectName::OpenAi => {
                br#"{"id":"c","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}],
                    "usage":{"prompt_tokens":9,"completion_tokens":4}}"#
            }
            _ => {
                br#"{"type":"message","role":"assistant","content":[],"usage":{"output_tokens":4}}"#
            }
        };
        let mut script = Script::post(path, &[])
            .request(br#"{"model":"m","messages":[]}"#)
            .request_end()
            .head(200, &[("content-type", "application/json")])
            .data(answer)
            .end();
        (script.opened.host, script.opened.upstream) = (host.into(), upstream.map(str::to_owned));
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!((flow.provider, flow.dialect()), (Some(provider), Some(dialect)), "{host}");
        assert_eq!(flow.usage.output, Some(Tokens(4)), "{host}");
    }
}

#[test]
fn what_is_no_call_of_a_model_is_recorded_raw_with_the_provider_that_serves_it() {
    let (anthropic, openai) = (Some("anthropic"), Some("openai"));
    for (host, upstream, path, provider) in [
        ("127.0.0.1", openai, "/v1/vector_stores?limit=1", Some(Provider::OpenAi)),
        ("127.0.0.1", anthropic, "/v1/files", Some(Provider::Anthropic)),
        ("127.0.0.1", anthropic, "/v1/organizations/me", Some(Provider::Anthropic)),
        ("127.0.0.1", Some("mine"), "/v1/files", None),
        ("127.0.0.1", anthropic, "/health", None),
        ("api.anthropic.com", None, "/v1/files", Some(Provider::Anthropic)),
        ("generativelanguage.googleapis.com", None, "/upload/v1beta/files", Some(Provider::Gemini)),
        ("api.example", None, "/v1/files", None),
    ] {
        let mut script = Script::post(path, &[])
            .request(b"{}")
            .request_end()
            .head(200, &[("content-type", "application/json")])
            .data(br#"{"object":"list","data":[]}"#)
            .end();
        (script.opened.host, script.opened.upstream) = (host.into(), upstream.map(str::to_owned));
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.provider, provider, "{host} {path}");
        assert_eq!((flow.model.as_deref(), flow.usage.input), (None, None), "{path}");
        assert!(rows.message(script.flow).is_none(), "{path}");
    }
}
