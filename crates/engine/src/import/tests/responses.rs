//! What is kept of responses and prompts, however often files tell of them.

use super::*;
use langley_store::Conversation;

fn conversations(rig: &Rig) -> Vec<Conversation> {
    rig.store.conversations(&ConversationFilter::default(), None, 10).unwrap().items
}

#[test]
fn a_response_without_a_request_is_kept_once_as_other_readings_count_it() {
    let mut rig = Rig::new();
    let answer = |uuid: &str, second: u32, output: u32| {
        format!(
            r#"{{"type":"assistant","uuid":"{uuid}","sessionId":"S","timestamp":"2025-08-01T00:00:0{second}Z","message":{{"id":"msg_bdrk_1","model":"claude-opus-4-1-20250805","content":[],"usage":{{"input_tokens":10,"output_tokens":{output}}}}}}}"#
        ) + "\n"
    };
    rig.append("S.jsonl", &(answer("u1", 1, 3) + &answer("u2", 2, 8)));
    assert_eq!(rig.import().responses, 1);
    let told = rig.store.told_responses("S", 10).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].told.usage.output.map(|tokens| tokens.0), Some(8));
}

fn import_codexs(rig: &mut Rig) {
    let path = rig.folder.path().join("projects");
    let root = TranscriptRoot { format: TranscriptFormat::Codex, path };
    rig.importer.look(&[root], true, Micros::now()).unwrap();
    while rig.importer.step().unwrap() {}
}

/// Codex's of some time, with that id in the name.
fn rollout(id: char) -> String {
    let id = |len| String::from(id).repeat(len);
    let id = [id(8), id(4), id(4), id(4), id(12)].join("-");
    format!("rollout-2025-07-01T10-00-00-{id}.jsonl")
}

#[test]
fn codexs_oldest_files_are_conversations_of_their_own_by_their_first_line_or_their_name() {
    let mut rig = Rig::new();
    let asked = r#"{"type":"message","id":null,"role":"user","content":[{"type":"input_text","text":"list it"}]}"#;
    let head = r#"{"id":"first","timestamp":"2025-07-01T10:00:00.000Z","instructions":null}"#;
    rig.append(&rollout('a'), &format!("{head}\n{asked}\n"));
    // A file whose beginning is lost, and which nothing but its place tells to be Codex's.
    rig.append(&rollout('b'), &format!("{asked}\n"));
    import_codexs(&mut rig);
    let kept: Vec<_> = conversations(&rig)
        .into_iter()
        .map(|it| (it.session, it.prompts, it.prompt, it.records))
        .collect();
    let of = |session: &str, records| (session.to_owned(), 1, Some("list it".to_owned()), records);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.contains(&of("first", 2)), "{kept:?}");
    assert!(kept.contains(&of("bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb", 1)), "{kept:?}");
}

#[test]
fn a_conversations_model_is_the_last_that_answered_and_not_what_the_agent_wrote_itself() {
    let mut rig = Rig::new();
    let answer = |session: &str, second: u32, model: &str| {
        format!(
            r#"{{"type":"assistant","uuid":"{session}{second}","sessionId":"{session}","timestamp":"2025-08-01T00:00:0{second}Z","message":{{"id":"{session}{second}","model":"{model}","content":[]}}}}"#
        ) + "\n"
    };
    let models = |rig: &Rig| {
        let all = conversations(rig).into_iter().map(|it| (it.session, it.model));
        all.collect::<BTreeMap<_, _>>()
    };
    let synthetic = "<synthetic>";
    rig.append("S.jsonl", &(answer("S", 1, "claude-opus-4-1") + &answer("S", 2, synthetic)));
    rig.append("E.jsonl", &answer("E", 1, synthetic));
    rig.import();
    let of = |model: &str| Some(model.to_owned());
    assert_eq!(models(&rig)["S"], of("claude-opus-4-1"));
    assert_eq!(models(&rig)["E"], of(synthetic), "there is no other");
    rig.append("S.jsonl", &answer("S", 3, synthetic));
    rig.append("E.jsonl", &answer("E", 2, "claude-haiku-4-5"));
    rig.import();
    assert_eq!(models(&rig)["S"], of("claude-opus-4-1"));
    assert_eq!(models(&rig)["E"], of("claude-haiku-4-5"));
}

#[test]
fn what_a_forked_session_copied_is_kept_and_counts_as_none_of_its_prompts() {
    let mut rig = Rig::new();
    let line = |ms: u32, kind: &str, payload: &str| {
        let at = format!("2025-08-01T00:00:{:02}.{:03}Z", ms / 1_000, ms % 1_000);
        format!(r#"{{"timestamp":"{at}","type":"{kind}","payload":{payload}}}"#) + "\n"
    };
    let asked = |ms, text: &str| {
        let content = format!(r#"[{{"type":"input_text","text":"{text}"}}]"#);
        let payload = format!(r#"{{"type":"message","role":"user","content":{content}}}"#);
        line(ms, "response_item", &payload)
    };
    let copied = [
        line(0, "session_meta", r#"{"id":"F","forked_from_id":"P"}"#),
        line(1, "session_meta", r#"{"id":"P"}"#),
        asked(2, "what the parent was asked"),
        line(3, "compacted", r#"{"message":"so far"}"#),
    ];
    rig.append(&rollout('f'), &(copied.concat() + &asked(9_000, "what the fork was asked")));
    import_codexs(&mut rig);
    let all = conversations(&rig);
    let [fork] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((fork.session.as_str(), fork.records), ("F", 5));
    assert_eq!((fork.prompts, fork.compactions), (1, 0));
    assert_eq!(fork.prompt.as_deref(), Some("what the fork was asked"));
}
