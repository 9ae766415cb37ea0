//! Cache breaks: each cause by itself, and what only looks like one.

use langley_model::{FindingKind, MicroUsd, Severity, Tokens};
use serde_json::{Value, json};

use super::rig::{Rig, cached, kinds, request};
use crate::findings::Facts;

/// What a request shows that comes a minute after one that made 50,000 tokens readable.
fn after_one(now: &Facts, request_now: &Value) -> Vec<langley_model::Finding> {
    let mut rig = Rig::new();
    assert_eq!(kinds(&rig.ask(&cached(0, 0, 50_000), &request(3))), []);
    rig.ask(now, request_now)
}

/// Nothing was read again.
fn broken() -> Facts {
    cached(60, 0, 52_000)
}

#[test]
fn a_request_that_goes_on_and_reads_the_cache_shows_nothing() {
    assert_eq!(kinds(&after_one(&cached(60, 50_000, 2_000), &request(5))), []);
    // What is missing is less than a block's worth.
    assert_eq!(kinds(&after_one(&cached(60, 49_500, 2_500), &request(5))), []);
}

#[test]
fn a_tool_that_comes_late_is_named_with_what_it_cost() {
    let mut now = request(5);
    now["tools"].as_array_mut().unwrap().push(json!({"name": "mcp__late__one"}));
    let found = after_one(&broken(), &now);
    assert_eq!(kinds(&found), [FindingKind::CacheBreak]);
    let found = &found[0];
    assert_eq!(found.subject, "tools_changed tool mcp__late__one");
    assert_eq!(found.why.as_deref(), Some("The tools changed: mcp__late__one was added."));
    assert_eq!(found.number("wasted"), Some(50_000));
    // 50,000 × (3.75 − 0.30) dollars a million.
    assert_eq!(found.cost, Some(MicroUsd(172_500)));
    assert_eq!(found.severity, Severity::Warning);
    assert_eq!(found.beside.len(), 1);
}

#[test]
fn a_break_that_is_looked_at_again_has_the_price_that_is_known_by_then() {
    let mut rig = Rig::new();
    rig.world.book.is_empty = true;
    let first = cached(0, 0, 50_000);
    assert_eq!(kinds(&rig.ask(&first, &request(3))), []);
    let broken = broken();
    let found = rig.ask(&broken, &request(5));
    assert_eq!((kinds(&found), found[0].cost), (vec![FindingKind::CacheBreak], None));
    assert_eq!(kinds(&rig.ask(&cached(120, 52_000, 2_000), &request(7))), []);
    rig.world.book.is_empty = false;
    (rig.world.shown, rig.world.earlier) = (vec![broken.flow.id], vec![first]);
    let again = rig.see(&broken);
    assert_eq!(again[0].key(), found[0].key());
    assert_eq!(again[0].cost, Some(MicroUsd(172_500)));
    // What is remembered of the session is as it was.
    let next = rig.ask(&cached(180, 0, 54_000), &request(9));
    assert_eq!(next[0].number("wasted"), Some(54_000));
}

#[test]
fn a_clock_in_the_system_prompt_is_one_finding_however_often_it_ticks() {
    let mut rig = Rig::new();
    let mut keys = Vec::new();
    for turn in 0..4_u32 {
        let mut now = request(1 + 2 * turn as usize);
        now["system"][0]["text"] = json!(format!("It is 12:0{turn}."));
        let found = rig.ask(&cached(i64::from(turn) * 60, 0, 50_000), &now);
        keys.extend(found.iter().map(langley_model::Finding::key));
    }
    assert_eq!(keys.len(), 3, "the first request breaks nothing");
    keys.dedup();
    assert_eq!(keys, ["cache_break\ns\nsystem_changed system[0]"]);
}

#[test]
fn an_edited_history_is_named_by_its_entry() {
    let mut now = request(5);
    now["messages"][1]["content"] = json!("something else");
    let found = after_one(&broken(), &now);
    assert_eq!(found[0].subject, "history_edited");
    assert_eq!(
        found[0].why.as_deref(),
        Some("The history was edited: messages[1] is not what it was.")
    );
}

#[test]
fn a_parameter_that_the_cache_compares_is_named() {
    let mut now = request(5);
    now["thinking"] = json!({"type": "enabled", "budget_tokens": 4_000});
    let found = after_one(&broken(), &now);
    assert_eq!(found[0].subject, "parameters_changed parameter thinking");
}

#[test]
fn an_expired_cache_is_told_from_one_that_the_provider_gave_up() {
    let found = after_one(&cached(301, 0, 52_000), &request(5));
    assert_eq!((found[0].subject.as_str(), found[0].severity), ("ttl_expired", Severity::Info));
    assert_eq!(found[0].number("idle"), Some(301_000));
    let found = after_one(&cached(299, 0, 52_000), &request(5));
    assert_eq!(found[0].subject, "provider_evicted");
}

#[test]
fn what_was_written_for_an_hour_lives_for_an_hour_also_once_it_was_only_read() {
    let mut rig = Rig::new();
    let mut first = cached(0, 0, 0);
    first.flow.usage.cache_write_1h = Some(Tokens(50_000));
    rig.ask(&first, &request(3));
    rig.ask(&cached(1_000, 50_000, 0), &request(5));
    let found = rig.ask(&cached(3_000, 0, 52_000), &request(7));
    assert_eq!(found[0].subject, "provider_evicted", "{found:?}");
    let found = rig.ask(&cached(9_000, 0, 52_000), &request(9));
    assert_eq!(found[0].subject, "ttl_expired");
}

#[test]
fn a_part_that_was_still_read_is_not_wasted() {
    let mut now = request(5);
    now["system"][0]["text"] = json!("be better");
    let found = after_one(&cached(60, 20_000, 32_000), &now);
    assert_eq!(found[0].number("wasted"), Some(30_000));
}

#[test]
fn a_compacted_conversation_breaks_nothing() {
    let mut now = request(1);
    now["messages"][0]["content"] = json!("This session is being continued from a previous one.");
    assert_eq!(kinds(&after_one(&cached(60, 0, 3_000), &now)), []);
    // One that keeps its first entry, and of the rest a summary.
    let mut now = request(3);
    now["messages"] =
        json!([now["messages"][0], {"role": "user", "content": "summary ".repeat(50)}]);
    assert_eq!(kinds(&after_one(&cached(60, 2_000, 1_500), &now)), []);
}

#[test]
fn a_conversation_that_is_taken_up_at_an_earlier_place_breaks_nothing() {
    let mut rig = Rig::new();
    rig.ask(&cached(0, 0, 50_000), &request(41));
    let mut now = request(21);
    now["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": "other way"}));
    assert_eq!(kinds(&rig.ask(&cached(60, 25_000, 300), &now)), []);
}

#[test]
fn another_agent_another_model_or_a_side_question_breaks_nothing() {
    assert_eq!(kinds(&after_one(&broken().of("sub"), &request(5))), []);
    let mut other = broken();
    other.flow.model = Some(String::from("claude-small"));
    assert_eq!(kinds(&after_one(&other, &request(5))), []);
    let mut side = request(1);
    side["messages"][0]["content"] = json!("Name this session.");
    assert_eq!(kinds(&after_one(&broken(), &side)), []);
}

#[test]
fn a_request_of_the_same_moment_could_not_read_what_the_other_wrote() {
    let mut rig = Rig::new();
    let mut slow = cached(0, 0, 50_000);
    slow.flow.ttfb = Some(std::time::Duration::from_secs(30));
    rig.ask(&slow, &request(3));
    assert_eq!(kinds(&rig.ask(&cached(10, 0, 50_000), &request(3))), []);
}

#[test]
fn a_provider_that_does_not_tell_of_its_cache_breaks_nothing() {
    let mut silent = broken();
    silent.flow.usage.cache_read = None;
    assert_eq!(kinds(&after_one(&silent, &request(5))), []);
}

#[test]
fn without_prices_the_waste_is_in_tokens_alone() {
    let mut rig = Rig::new();
    rig.world.book.is_empty = true;
    rig.ask(&cached(0, 0, 50_000), &request(3));
    let found = rig.ask(&broken(), &request(5));
    assert_eq!((found[0].number("wasted"), found[0].cost), (Some(50_000), None));
}
