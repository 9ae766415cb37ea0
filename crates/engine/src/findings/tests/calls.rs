//! Tool calls: slow, failing, repeated.

use langley_model::{FindingKind, Micros};

use super::rig::{Rig, answered, kinds};

#[test]
fn a_slow_tool_is_one_whose_result_comes_late() {
    let mut rig = Rig::new();
    rig.see(&answered(0).calls(&[(1, "Bash", 1), (2, "AskUserQuestion", 2)]));
    // The answer ended at 2 s.
    let found = rig.see(&answered(33).results(&[(1, false), (2, false)]));
    assert_eq!(kinds(&found), [FindingKind::SlowTool]);
    assert_eq!((found[0].subject.as_str(), found[0].number("took")), ("Bash", Some(31_000)));
    // The same results once more, in a repeated request, are no new ones.
    assert_eq!(kinds(&rig.see(&answered(90).results(&[(1, false), (2, false)]))), []);
    rig.see(&answered(100).calls(&[(3, "Bash", 1)]));
    assert_eq!(kinds(&rig.see(&answered(132).results(&[(3, false)]))), []);
}

#[test]
fn a_tool_fails_repeatedly_when_nothing_worked_in_between() {
    let mut rig = Rig::new();
    let mut found = Vec::new();
    // Fails twice, works, then fails four times; another tool works all the while.
    for (turn, failed) in (0_u32..).zip([true, true, false, true, true, true, true]) {
        let (second, key) = (i64::from(turn) * 10, u64::from(turn) * 2);
        let calls = answered(second).calls(&[(key, "Edit", key), (key + 1, "Read", key)]);
        rig.see(&calls);
        found.push(kinds(
            &rig.see(&answered(second + 5).results(&[(key, failed), (key + 1, false)])),
        ));
    }
    let none: Vec<FindingKind> = Vec::new();
    let fails = vec![FindingKind::FailingTool];
    let wanted = [&none, &none, &none, &none, &none, &fails, &fails];
    assert_eq!(found.iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn a_subagents_failures_are_its_own() {
    let mut rig = Rig::new();
    for key in 0..4_u64 {
        let agent = if key % 2 == 0 { "a" } else { "b" };
        let second = key.cast_signed() * 10;
        rig.see(&answered(second).of(agent).calls(&[(key, "Edit", key)]));
        let found = rig.see(&answered(second + 5).of(agent).results(&[(key, true)]));
        assert_eq!(kinds(&found), [], "two in a row each");
    }
}

#[test]
fn equal_calls_within_seconds_are_rapid_repeats_and_different_ones_are_not() {
    let mut rig = Rig::new();
    let same: Vec<(u64, &str, u64)> = (0..3).map(|key| (key, "Grep", 7)).collect();
    let other: Vec<(u64, &str, u64)> = (10..16).map(|key| (key, "Read", key)).collect();
    assert_eq!(kinds(&rig.see(&answered(0).calls(&other))), []);
    assert_eq!(kinds(&rig.see(&answered(1).calls(&same))), []);
    let found = rig.see(&answered(4).calls(&same));
    assert_eq!(kinds(&found), [FindingKind::RapidRepeats]);
    assert_eq!(found[0].number("calls"), Some(6));
    // Beyond the window they are as good as new.
    assert_eq!(kinds(&rig.see(&answered(15).calls(&same))), []);
}

#[test]
fn a_session_that_is_not_remembered_is_read_back() {
    let mut rig = Rig::new();
    rig.world.earlier = (0..3)
        .flat_map(|key: u64| {
            let second = key.cast_signed() * 10;
            [
                answered(second).calls(&[(key, "Edit", key)]),
                answered(second + 5).results(&[(key, true)]),
            ]
        })
        .collect();
    rig.world.earlier.push(answered(30).calls(&[(3, "Edit", 3)]));
    let found = rig.see(&answered(35).results(&[(3, true)]));
    assert_eq!(kinds(&found), [FindingKind::FailingTool]);
    assert_eq!(found[0].number("failures"), Some(4));
}

#[test]
fn a_result_from_the_past_took_no_time() {
    let mut rig = Rig::new();
    rig.see(&answered(60).calls(&[(1, "Bash", 1)]));
    let mut odd = answered(0).results(&[(1, false)]);
    odd.flow.started_at = Micros(5);
    assert_eq!(kinds(&rig.see(&odd)), []);
}
