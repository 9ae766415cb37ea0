//! What is kept of responses and prompts, however often files tell of them.

use super::*;

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
