//! Requests: large, growing, dear, repeated, failing; and what is wrong with their record.

use std::time::Duration;

use langley_model::{Finding, FindingKind, MicroUsd, Outcome, Severity, Violation};

use super::rig::{Rig, answered, cached, failed, kinds, request};
use crate::findings::{Limits, Pause, Secret, SecretPlace, Usual, Watch, violation};
use crate::price::Lack;

#[test]
fn a_quiet_session_shows_nothing() {
    let mut rig = Rig::new();
    for turn in 0..30_u32 {
        let (second, read) = (i64::from(turn) * 20, u64::from(turn) * 1_000);
        let call = u64::from(turn);
        let mut facts = cached(second, read, 1_000).calls(&[(call, "Read", call)]);
        facts.body = Some(i64::from(turn));
        if turn > 0 {
            facts = facts.results(&[(call - 1, turn % 7 == 0)]);
        }
        let found = rig.ask(&facts, &request(1 + 2 * turn as usize));
        assert_eq!(kinds(&found), [], "turn {turn}: {found:?}");
    }
}

#[test]
fn a_large_context_is_measured_with_what_the_cache_had() {
    let mut rig = Rig::new();
    assert_eq!(kinds(&rig.see(&cached(0, 90_000, 9_989))), []);
    let found = rig.see(&cached(9, 90_000, 9_990));
    assert_eq!(kinds(&found), [FindingKind::LargeContext]);
    assert_eq!(found[0].number("context"), Some(100_000));
    rig.world.book.window = Some(200_000);
    assert_eq!(rig.see(&cached(10, 120_000, 0))[0].severity, Severity::Warning);
    assert_eq!(rig.see(&cached(11, 160_000, 0))[0].severity, Severity::Critical);
    rig.world.book.window = Some(32_000);
    assert_eq!(kinds(&rig.see(&cached(12, 25_590, 0))), [FindingKind::LargeContext]);
}

#[test]
fn a_spike_is_a_jump_within_one_conversation() {
    let mut rig = Rig::new();
    rig.ask(&cached(0, 0, 20_000), &request(3));
    let found = rig.ask(&cached(10, 20_000, 40_000), &request(5));
    assert_eq!(kinds(&found), [FindingKind::ContextSpike]);
    assert_eq!(found[0].baseline.as_ref().map(|number| number.value), Some(20_010));
    // Twice as long, but no more than the bound.
    let mut rig = Rig::new();
    rig.ask(&cached(0, 0, 9_000), &request(3));
    assert_eq!(kinds(&rig.ask(&cached(10, 9_000, 15_000), &request(5))), []);
    // A side question before a long conversation is taken up.
    let mut rig = Rig::new();
    let mut side = request(1);
    side["messages"][0]["content"] = serde_json::json!("Name this session.");
    rig.ask(&cached(0, 0, 1_000), &side);
    assert_eq!(kinds(&rig.ask(&cached(10, 0, 60_000), &request(5))), []);
}

#[test]
fn what_costs_much_is_one_finding_for_each_model_and_each_exchange_its_evidence() {
    let mut rig = Rig::new();
    let mut dear = answered(0);
    dear.flow.cost = Some(MicroUsd(999_999));
    assert_eq!(kinds(&rig.see(&dear)), []);
    dear.flow.cost = Some(MicroUsd(1_000_000));
    let found = rig.see(&dear);
    assert_eq!(kinds(&found), [FindingKind::ExpensiveRequest]);
    assert_eq!(
        (found[0].cost, found[0].title.as_str()),
        (Some(MicroUsd(1_000_000)), "One exchange cost $1.00")
    );
    let mut next = answered(10);
    next.flow.cost = Some(MicroUsd(2_000_000));
    let again = rig.see(&next);
    assert_eq!((again[0].key(), again[0].flow), (found[0].key(), next.flow.id), "a mute holds");
    next = answered(20).of("sub");
    next.flow.cost = Some(MicroUsd(2_000_000));
    assert_ne!(rig.see(&next)[0].key(), found[0].key(), "a subagent's is another");
    let mut none = Rig::with(Limits { request_cost: MicroUsd(0), ..Limits::default() });
    assert_eq!(kinds(&none.see(&dear)), [], "no bound");
}

#[test]
fn a_days_budget_is_found_when_it_is_spent_and_not_again() {
    let mut rig = Rig::with(Limits { daily_cost: Some(MicroUsd(5_000)), ..Limits::default() });
    rig.world.spent = Some(MicroUsd(5_000));
    assert_eq!(kinds(&rig.see(&answered(0))), []);
    rig.world.spent = Some(MicroUsd(6_000));
    let found = rig.see(&answered(1));
    assert_eq!(kinds(&found), [FindingKind::DailyBudget]);
    assert_eq!((found[0].cost, &found[0].session), (Some(MicroUsd(1_000)), &None));
    assert_eq!(kinds(&rig.see(&answered(2))), []);
    // At other prices the day is within its budget, and at others again beyond it.
    rig.world.spent = Some(MicroUsd(4_000));
    assert_eq!(kinds(&rig.see(&answered(3))), []);
    rig.world.spent = Some(MicroUsd(7_000));
    assert_eq!(kinds(&rig.see(&answered(4))), [FindingKind::DailyBudget]);
    assert_eq!(kinds(&rig.see(&answered(86_400))), [FindingKind::DailyBudget], "the next day");
}

#[test]
fn failures_in_a_row_are_one_storm_until_an_answer_or_a_pause() {
    let mut rig = Rig::new();
    let mut keys = Vec::new();
    for second in [0, 3, 7, 12, 20] {
        keys.extend(rig.see(&failed(second, 529)).iter().map(|found| (found.kind, found.key())));
    }
    assert_eq!(keys.len(), 2, "the fourth and the fifth");
    assert!(keys.iter().all(|(kind, _)| *kind == FindingKind::RetryStorm));
    assert_eq!(keys[0], keys[1], "one finding");
    assert_eq!(kinds(&rig.see(&answered(30))), []);
    for second in [40, 43, 47, 200, 203, 207] {
        assert_eq!(kinds(&rig.see(&failed(second, 429))), [], "at {second}");
    }
    let found = rig.see(&failed(210, 429));
    assert_eq!(found[0].number("attempts"), Some(4));
    assert_eq!(found[0].why.as_deref(), Some("The provider's limit is reached."));
    assert_ne!(found[0].key(), keys[0].1, "of another kind");
    // What is said of one storm holds for the next of its kind, whatever is among its later attempts.
    let storm = [(1_000, 529), (1_003, 529), (1_007, 429), (1_010, 529)];
    let later: Vec<_> = storm.iter().flat_map(|it| rig.see(&failed(it.0, it.1))).collect();
    assert_eq!((later.len(), later[0].key()), (1, keys[0].1.clone()));
}

#[test]
fn requests_that_may_not_be_sent_like_this_are_no_storm() {
    let mut rig = Rig::new();
    for second in 0..10 {
        assert_eq!(kinds(&rig.see(&failed(second, 400))), []);
    }
    let mut gone = failed(20, 200);
    gone.flow.outcome = Some(Outcome::ClientGone);
    for _ in 0..10 {
        assert_eq!(kinds(&rig.see(&gone)), []);
    }
}

#[test]
fn the_same_request_answered_three_times_is_a_loop_and_a_retry_is_none() {
    let mut rig = Rig::new();
    let same = |second| {
        let mut facts = answered(second);
        facts.body = Some(7);
        facts
    };
    let retried = |second| {
        let mut facts = failed(second, 529);
        facts.body = Some(7);
        facts
    };
    assert_eq!(kinds(&rig.see(&retried(0))), []);
    assert_eq!(kinds(&rig.see(&retried(1))), []);
    assert_eq!(kinds(&rig.see(&same(2))), []);
    let (second, third) = (same(20), same(40));
    assert_eq!(kinds(&rig.see(&second)), []);
    let found = rig.see(&third);
    assert_eq!(kinds(&found), [FindingKind::RequestLoop; 2]);
    assert_eq!((found[1].number("requests"), found[1].beside.len()), (Some(3), 2));
    assert_eq!(found[0].key(), found[1].key(), "one finding");
    let evidence =
        |found: &[Finding]| -> Vec<_> { found.iter().map(|one| (one.flow, one.cost)).collect() };
    let cost = Some(MicroUsd(100));
    assert_eq!(
        evidence(&found),
        [(second.flow.id, cost), (third.flow.id, cost)],
        "the first was needed"
    );
    let next = same(60);
    let more = rig.see(&next);
    assert_eq!((evidence(&more), more[0].key()), (vec![(next.flow.id, cost)], found[0].key()));
    // Hours later it is asked again.
    assert_eq!(kinds(&rig.see(&same(9_000))), []);
}

#[test]
fn a_slow_answer_is_measured_by_what_its_model_usually_takes() {
    let mut rig = Rig::new();
    let mut slow = answered(0);
    slow.flow.ttft = Some(Duration::from_secs(12));
    assert_eq!(kinds(&rig.see(&slow)), [], "nothing is known of the model");
    let usual = |median, answers| Some(Usual { median: Duration::from_secs(median), answers });
    rig.world.usual = usual(4, 100);
    assert_eq!(kinds(&rig.see(&slow)), []);
    rig.world.usual = usual(3, 19);
    assert_eq!(kinds(&rig.see(&slow)), [], "too few");
    rig.world.usual = usual(3, 20);
    let found = rig.see(&slow);
    assert_eq!(kinds(&found), [FindingKind::SlowResponse]);
    assert_eq!(
        found[0].what,
        "The first token came after 12 s; half of this model's answers begin within 3.0 s."
    );
}

#[test]
fn a_stall_is_a_pause_within_an_answer() {
    let mut rig = Rig::new();
    let mut facts = answered(0);
    let after = Duration::from_secs(1);
    facts.pause = Some(Pause { lasted: Duration::from_secs(30), after });
    assert_eq!(kinds(&rig.see(&facts)), []);
    facts.pause = Some(Pause { lasted: Duration::from_secs(31), after });
    assert_eq!(kinds(&rig.see(&facts)), [FindingKind::Stall]);
}

#[test]
fn what_the_record_lacks_is_told() {
    let mut rig = Rig::new();
    let mut gap = answered(0);
    gap.flow.response_gap.chunks = 2;
    gap.flow.response_gap.bytes = 2_048;
    gap.flow.dropped_events = 3;
    let found = rig.see(&gap);
    assert_eq!(kinds(&found), [FindingKind::CaptureGap]);
    assert!(
        found[0].what.starts_with(
            "Of this exchange 2,048 bytes passed unrecorded and 3 events were dropped"
        )
    );
}

#[test]
fn a_model_is_unpriced_where_a_book_does_not_have_it() {
    let mut rig = Rig::new();
    let mut facts = answered(0);
    facts.flow.cost = None;
    assert_eq!(kinds(&rig.see(&facts)), [], "the book has it");
    rig.world.book.is_empty = true;
    let found = rig.see(&facts);
    assert_eq!(kinds(&found), [FindingKind::UnpricedModel]);
    assert_eq!((found[0].subject.as_str(), &found[0].session), ("claude-test", &None));
    assert_eq!(kinds(&rig.see(&facts)), [], "once a day");
    assert!(found[0].next.starts_with("Add a price below"), "{}", found[0].next);
    rig.world.book.lack = Some(Lack::Tier("fast".into()));
    facts.flow.started_at = facts.flow.started_at.plus(Duration::from_secs(86_400));
    let found = rig.see(&facts);
    assert_eq!(found[0].title, "The price of claude-test in the tier `fast` is not known");
    assert!(found[0].next.starts_with("The price book knows the model"), "{}", found[0].next);
    facts.flow.usage.input = None;
    facts.flow.usage.output = None;
    assert_eq!(kinds(&rig.see(&facts)), [], "nothing to be priced");
}

#[test]
fn violations_and_secrets_are_findings_of_their_session() {
    let mut rig = Rig::new();
    let mut facts = answered(0);
    facts.secrets = vec![Secret { place: SecretPlace::ToolInput, rule: "github_token" }];
    let found = rig.see(&facts);
    assert_eq!(kinds(&found), [FindingKind::RedactionHit]);
    assert_eq!(found[0].key(), "redaction_hit\ns\ngithub_token tool_input");
    let missing = violation(&facts.flow, "Bash", Violation::CallWithoutResult);
    assert_eq!(missing.key(), "lifecycle_violation\ns\nV02");
    assert_eq!(missing.title, "A tool call broke rule V02, call without result");
    assert!(missing.what.starts_with("Bash: "));
    let stray = violation(&facts.flow, "", Violation::ResultWithoutCall);
    assert_eq!(stray.what, Violation::ResultWithoutCall.sentence(), "of no known tool");
}

#[test]
fn tools_of_servers_that_nobody_calls_are_priced() {
    let mut rig = Rig::new();
    let mut asked = request(1);
    asked["tools"] = serde_json::json!([
        {"name": "Read", "description": "r".repeat(1_000)},
        {"name": "mcp__used__a", "description": "u".repeat(1_000)},
        {"name": "mcp__idle__a", "description": "i".repeat(4_000)},
        {"name": "mcp__idle__b", "description": "i".repeat(4_000)},
    ]);
    let mut found = Vec::new();
    for turn in 0..10_i64 {
        let mut facts = cached(turn * 10, 20_000, 0);
        if turn == 0 {
            facts = facts.calls(&[(1, "mcp__used__a", 1)]);
        }
        found.push(rig.ask(&facts, &asked));
    }
    let last = found.pop().unwrap();
    assert!(found.iter().all(Vec::is_empty));
    assert_eq!(kinds(&last), [FindingKind::IdleTools]);
    let tokens = last[0].number("idle_tools").unwrap();
    assert!((14_000..16_500).contains(&tokens), "{tokens}");
    assert!(last[0].what.contains("no tool of idle was called"), "{}", last[0].what);
    // At the price of reading them from the cache, ten times.
    let once = (tokens * 3 + 5) / 10;
    let cost = last[0].cost.unwrap().0;
    assert!((cost - once * 10).abs() <= 10, "{cost} for {tokens} tokens");
}

#[test]
fn of_tools_nothing_is_said_where_older_flows_are_not_known() {
    let mut asked = request(1);
    asked["tools"] =
        serde_json::json!([{"name": "mcp__idle__a", "description": "i".repeat(9_000)}]);
    let of_session = |earlier: i64| {
        let mut rig = Rig::new();
        rig.world.earlier = (0..earlier).map(|turn| cached(turn, 20_000, 0)).collect();
        let found: Vec<_> =
            (0..40).flat_map(|turn| rig.ask(&cached(100 + turn * 10, 20_000, 0), &asked)).collect();
        kinds(&found)
    };
    // The tenth request, the twentieth and the fortieth; two of them are read back.
    assert_eq!(of_session(2), [FindingKind::IdleTools; 3]);
    assert_eq!(of_session(17), [], "one of them may have called it");
}

#[test]
fn a_loop_of_any_length_is_one_finding_by_what_is_asked() {
    let mut rig = Rig::new();
    let ask = |second| {
        let mut facts = answered(second);
        facts.body = Some(7);
        facts
    };
    let found: Vec<_> = (0..200).flat_map(|turn| rig.see(&ask(turn * 20))).collect();
    assert_eq!(found.len(), 199, "all but the first");
    assert!(found.iter().all(|one| one.key() == found[0].key()));
    let last = &found[198];
    assert_eq!(last.number("requests"), Some(200));
    assert_eq!(last.beside.len(), 15, "the first one and the newest are named");
    // Another process does not know how it began.
    let mut again = Rig::new();
    let more: Vec<_> = (200..203).flat_map(|turn| again.see(&ask(turn * 20))).collect();
    assert_eq!(more[0].key(), found[0].key());
}

#[test]
fn a_day_whose_flow_is_priced_anew_is_told_as_it_is_now() {
    let mut rig = Rig::with(Limits { daily_cost: Some(MicroUsd(5_000)), ..Limits::default() });
    rig.world.spent = Some(MicroUsd(6_000));
    let told = answered(0);
    let key = rig.see(&told)[0].key();
    (rig.world.kept, rig.world.shown) = (vec![key.clone()], vec![told.flow.id]);
    // What came later that day counts as well by now; for other flows of the day nothing is told.
    (rig.world.spent, rig.world.spent_later) = (Some(MicroUsd(4_000)), 5_000);
    assert_eq!(kinds(&rig.see(&answered(1))), []);
    let found = rig.see(&told);
    assert_eq!((found[0].key(), found[0].cost), (key, Some(MicroUsd(4_000))));
    assert_eq!(found[0].number("spent"), Some(9_000));
    // Another process knows nothing of the day.
    let world = std::mem::take(&mut rig.world);
    rig = Rig::with(Limits { daily_cost: Some(MicroUsd(5_000)), ..Limits::default() });
    rig.world = world;
    rig.world.spent = Some(MicroUsd(6_000));
    assert_eq!(rig.see(&told)[0].cost, Some(MicroUsd(6_000)));
}

#[test]
fn a_day_that_was_told_before_a_restart_is_not_told_again() {
    let mut rig = Rig::with(Limits { daily_cost: Some(MicroUsd(5_000)), ..Limits::default() });
    rig.world.spent = Some(MicroUsd(6_000));
    rig.world.kept = vec![String::from("daily_budget\n\n11")];
    assert_eq!(kinds(&rig.see(&answered(0))), []);
    // Days come in any order while history is read.
    assert_eq!(kinds(&rig.see(&answered(86_400))), [FindingKind::DailyBudget]);
    rig.world.kept.clear();
    assert_eq!(kinds(&rig.see(&answered(1))), []);
    assert_eq!(kinds(&rig.see(&answered(86_401))), []);
}

#[test]
fn nothing_is_told_of_the_place_of_a_flow_that_comes_too_late() {
    let mut rig = Rig::new();
    for second in [1_000, 1_003, 1_007] {
        assert_eq!(kinds(&rig.see(&failed(second, 529))), []);
    }
    // Long ended before the newest one began: it is no part of the storm, and ends none.
    assert_eq!(kinds(&rig.see(&failed(900, 529))), []);
    assert_eq!(kinds(&rig.see(&answered(901))), []);
    let found = rig.see(&failed(1_010, 529));
    assert_eq!(kinds(&found), [FindingKind::RetryStorm]);
    assert_eq!(found[0].number("attempts"), Some(4));
}

#[test]
fn sessions_are_forgotten_where_they_take_too_much_room() {
    let room = 64 << 10;
    let mut rig = Rig::new();
    rig.watch = Watch::within(Limits::default(), room);
    let name = "n".repeat(1_000);
    for number in 0..100_i64 {
        let key = number.cast_unsigned();
        let mut facts = answered(number).calls(&[(key, &name, key)]);
        facts.flow.session.as_mut().unwrap().id = format!("s{number}");
        rig.see(&facts);
        assert!(rig.watch.bytes() <= room, "{}", rig.watch.bytes());
    }
    assert!(rig.watch.remembered() > 20, "{}", rig.watch.remembered());
    // One that is too large by itself is read back each time.
    let calls: Vec<(u64, &str, u64)> = (0..200).map(|key| (key, &*name, key)).collect();
    rig.see(&answered(200).calls(&calls));
    assert_eq!((rig.watch.bytes(), rig.watch.remembered()), (0, 0));
}
