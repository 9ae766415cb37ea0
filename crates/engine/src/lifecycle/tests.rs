//! Every order of the same evidence, every allowed life, and every violation.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const OK: ToolOutcome = ToolOutcome::Succeeded;

fn at(seconds: i64) -> Micros {
    Micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

fn live(evidence: &[Evidence]) -> Verdict {
    evidence.iter().fold(Life::default(), |life, evidence| life.see(*evidence)).verdict()
}

/// A call with whole arguments.
fn called() -> Vec<Evidence> {
    vec![
        Evidence::Proposed { at: at(0) },
        Evidence::Streamed,
        Evidence::Complete { at: at(1), valid: true },
    ]
}

fn result(request: i64, hash: u64) -> Evidence {
    Evidence::Result { request, at: at(request), hash, outcome: OK }
}

fn stated(source: ToolSource, digests: [u64; 3]) -> Evidence {
    let [name, arguments, session] = digests.map(Some);
    Evidence::Stated { source, name, arguments, session }
}

#[test]
fn each_violation_is_reached_and_no_other_beside_it() {
    use ToolSource::{Hook, Wire};
    let proposed = Evidence::Proposed { at: at(0) };
    let invalid = Evidence::Complete { at: at(1), valid: false };
    let denied = Evidence::Denied { at: at(2) };
    let began = Evidence::Began { run: 1, at: at(3) };
    let ended = Evidence::Ended { run: 1, at: at(4), outcome: OK };
    let with = |more: &[Evidence]| [&called()[..], more].concat();
    let cases: Vec<(&str, Vec<Evidence>)> = vec![
        ("V01", vec![result(5, 1)]),
        ("V02", with(&[Evidence::Closed])),
        ("V03", with(&[Evidence::Again { same: false }, result(5, 1)])),
        ("V04", with(&[result(5, 1), result(5, 2)])),
        ("V05", vec![proposed, Evidence::Streamed, result(5, 1)]),
        ("V05", vec![proposed, Evidence::Complete { at: at(9), valid: true }, result(5, 1)]),
        ("V06", vec![proposed, invalid, result(5, 1)]),
        ("V07", with(&[Evidence::LateDelta, result(5, 1)])),
        ("V08", with(&[stated(Wire, [1, 2, 3]), stated(Hook, [4, 2, 3])])),
        ("V08", with(&[stated(Wire, [1, 2, 3]), stated(Hook, [1, 4, 3])])),
        ("V09", with(&[Evidence::Asked, denied, began, ended, result(5, 1)])),
        ("V10", with(&[result(5, 1), result(6, 2)])),
        ("V10", with(&[began, ended, Evidence::Passed { siblings: false }])),
        ("V11", with(&[result(-5, 1)])),
        ("V11", with(&[Evidence::Began { run: 1, at: at(9) }, ended, result(9, 1)])),
        ("V12", with(&[Evidence::IndexReused, result(5, 1)])),
        ("V13", with(&[Evidence::Passed { siblings: true }])),
        ("V13", with(&[Evidence::Passed { siblings: true }, Evidence::Closed])),
        ("V14", with(&[stated(Wire, [1, 2, 3]), stated(Hook, [1, 2, 4])])),
        ("V15", with(&[Evidence::Unhooked, result(5, 1)])),
    ];
    let mut reached = Violations::NONE;
    for (code, evidence) in cases {
        let found = live(&evidence).violations;
        assert_eq!(found.iter().map(Violation::code).collect::<Vec<_>>(), [code], "{evidence:?}");
        found.iter().for_each(|violation| reached.insert(violation));
    }
    assert_eq!(reached.iter().count(), Violation::ALL.len());
}

#[test]
fn what_only_looks_wrong_is_no_violation() {
    let with = |more: &[Evidence]| [&called()[..], more].concat();
    let cut = [Evidence::Proposed { at: at(0) }, Evidence::Streamed, Evidence::Broke];
    for (evidence, state, replayed) in [
        // Seen again and again as it was.
        (with(&[result(5, 1), result(6, 1), result(7, 1)]), ToolState::Returned, false),
        // Clocks differ a little.
        (with(&[result(0, 1)]), ToolState::Returned, false),
        // The answer broke off: nobody ever had the call.
        ([&cut[..], &[Evidence::Closed]].concat(), ToolState::Lost, false),
        // What was not captured is not missing.
        (
            vec![Evidence::Proposed { at: at(0) }, Evidence::Unseen, result(5, 1)],
            ToolState::Returned,
            false,
        ),
        // Begun before anything was recorded.
        (vec![Evidence::Told, result(5, 1)], ToolState::Returned, true),
        // The same answer once more.
        (with(&[Evidence::Again { same: true }, Evidence::Closed]), ToolState::Orphaned, true),
        // The provider owes the agent no result.
        (with(&[Evidence::RunByProvider, Evidence::Closed]), ToolState::Orphaned, false),
        // Denied first, allowed then.
        (
            with(&[
                Evidence::Denied { at: at(2) },
                Evidence::Approved { at: at(3) },
                Evidence::Began { run: 1, at: at(4) },
            ]),
            ToolState::Running,
            false,
        ),
        // A result that came after all.
        (with(&[Evidence::Closed, result(900, 1)]), ToolState::Returned, false),
    ] {
        let verdict = live(&evidence);
        assert!(verdict.violations.is_empty(), "{evidence:?}: {verdict:?}");
        assert_eq!((verdict.state, verdict.replayed), (state, replayed), "{evidence:?}");
    }
}

#[test]
fn every_state_is_reached() {
    let began = Evidence::Began { run: 1, at: at(3) };
    let ended = |outcome| [began, Evidence::Ended { run: 1, at: at(4), outcome }].to_vec();
    let proposed = Evidence::Proposed { at: at(0) };
    let mut reached: Vec<ToolState> = [
        vec![],
        vec![Evidence::Streamed],
        called(),
        vec![Evidence::Asked],
        vec![Evidence::Asked, Evidence::Approved { at: at(2) }],
        vec![Evidence::Asked, Evidence::Denied { at: at(2) }],
        vec![began],
        vec![began, Evidence::Backgrounded { run: 1 }],
        ended(ToolOutcome::Succeeded),
        ended(ToolOutcome::Failed),
        ended(ToolOutcome::Cancelled),
        ended(ToolOutcome::TimedOut),
        vec![result(5, 1)],
        vec![Evidence::Passed { siblings: false }],
        vec![Evidence::Broke],
    ]
    .iter()
    .map(|more| live(&[&[proposed], &more[..]].concat()).state)
    .collect();
    reached.sort_unstable();
    assert_eq!(reached, ToolState::ALL);
}

#[test]
fn what_was_wrong_before_a_restart_is_still_known_or_found_again() {
    let all: Violations = Violation::ALL.into_iter().collect();
    let kept = Life::resumed(all).verdict().violations;
    let left: Vec<&str> =
        Violation::ALL.into_iter().filter(|it| !kept.contains(*it)).map(Violation::code).collect();
    assert_eq!(left, ["V01", "V02", "V05", "V11", "V13", "V15"]);
}

fn outcome() -> impl Strategy<Value = ToolOutcome> {
    select(ToolOutcome::ALL.to_vec())
}

/// Any evidence at all, the impossible included.
fn any_evidence() -> impl Strategy<Value = Evidence> {
    let time = || (-20_i64..20).prop_map(at);
    let source = || select(ToolSource::ALL.to_vec());
    let digest = || proptest::option::of(0_u64..3);
    prop_oneof![
        time().prop_map(|at| Evidence::Proposed { at }),
        Just(Evidence::RunByProvider),
        Just(Evidence::Streamed),
        (time(), any::<bool>()).prop_map(|(at, valid)| Evidence::Complete { at, valid }),
        Just(Evidence::Broke),
        Just(Evidence::Unseen),
        Just(Evidence::LateDelta),
        Just(Evidence::IndexReused),
        any::<bool>().prop_map(|same| Evidence::Again { same }),
        Just(Evidence::Told),
        Just(Evidence::Asked),
        time().prop_map(|at| Evidence::Approved { at }),
        time().prop_map(|at| Evidence::Denied { at }),
        (0_u64..3, time()).prop_map(|(run, at)| Evidence::Began { run, at }),
        (0_u64..3).prop_map(|run| Evidence::Backgrounded { run }),
        (0_u64..3, time(), outcome()).prop_map(|(run, at, outcome)| Evidence::Ended {
            run,
            at,
            outcome
        }),
        (0_i64..3, time(), 0_u64..3, outcome()).prop_map(|(request, at, hash, outcome)| {
            Evidence::Result { request, at, hash, outcome }
        }),
        any::<bool>().prop_map(|siblings| Evidence::Passed { siblings }),
        Just(Evidence::Closed),
        (source(), digest(), digest(), digest()).prop_map(|(source, name, arguments, session)| {
            Evidence::Stated { source, name, arguments, session }
        }),
        Just(Evidence::Unhooked),
    ]
}

/// A life as it may be: evidence in the order in which it happens, and where it leads.
fn allowed_life() -> impl Strategy<Value = (Vec<Evidence>, ToolState)> {
    let permission = 0_usize..4;
    let runs = proptest::collection::vec((outcome(), any::<bool>()), 0..3);
    let repeats = 0_i64..50;
    (permission, runs, repeats, any::<bool>(), outcome(), 0_usize..4).prop_map(
        |(permission, runs, repeats, closes, outcome, streams)| {
            let mut life = vec![Evidence::Proposed { at: at(0) }];
            life.extend(std::iter::repeat_n(Evidence::Streamed, streams));
            life.push(Evidence::Complete { at: at(1), valid: true });
            let is_denied = permission == 3;
            if permission > 0 {
                life.push(Evidence::Asked);
            }
            match permission {
                2 => life.push(Evidence::Approved { at: at(2) }),
                3 => life.push(Evidence::Denied { at: at(2) }),
                _ => {}
            }
            for (run, (outcome, backgrounded)) in (0_u64..).zip(runs).filter(|_| !is_denied) {
                let began = at(3 + run.cast_signed());
                life.push(Evidence::Began { run, at: began });
                if backgrounded {
                    life.push(Evidence::Backgrounded { run });
                }
                life.push(Evidence::Ended { run, at: Micros(began.0 + 500_000), outcome });
            }
            for request in 10..=10 + repeats {
                life.push(Evidence::Told);
                life.push(Evidence::Result { request, at: at(request), hash: 7, outcome });
            }
            if closes {
                life.push(Evidence::Closed);
            }
            (life, ToolState::Returned)
        },
    )
}

proptest! {
    #[test]
    fn the_same_evidence_in_another_order_gives_the_same_verdict(
        (evidence, shuffled) in proptest::collection::vec(any_evidence(), 0..24)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(live(&evidence), live(&shuffled));
    }

    #[test]
    fn evidence_that_comes_twice_says_no_more_than_once(
        evidence in proptest::collection::vec(any_evidence(), 0..12),
    ) {
        let twice: Vec<Evidence> = evidence.iter().chain(&evidence).copied().collect();
        prop_assert_eq!(live(&evidence), live(&twice));
    }

    #[test]
    fn an_allowed_life_violates_nothing_in_whatever_order_it_is_read(
        (life, state, shuffled) in allowed_life()
            .prop_flat_map(|(life, state)| (Just(life.clone()), Just(state), Just(life).prop_shuffle())),
    ) {
        let verdict = live(&life);
        prop_assert!(verdict.violations.is_empty(), "{verdict:?}");
        prop_assert_eq!(verdict.state, state);
        prop_assert!(!verdict.replayed);
        prop_assert_eq!(live(&shuffled), verdict);
        // Up to every moment of it as well, but for a result before its call was read.
        for end in 1..life.len() {
            let so_far = live(&life[..end]);
            prop_assert!(so_far.violations.is_empty(), "{so_far:?}");
        }
    }

    #[test]
    fn two_calls_whose_evidence_interleaves_have_the_verdicts_that_each_has_alone(
        all in proptest::collection::vec((any::<bool>(), any_evidence()), 0..40),
    ) {
        let (mut one, mut other) = (Life::default(), Life::default());
        for (is_one, evidence) in &all {
            if *is_one {
                one = one.see(*evidence);
            } else {
                other = other.see(*evidence);
            }
        }
        let alone = |wanted: bool| -> Vec<Evidence> {
            all.iter().filter(|(is_one, _)| *is_one == wanted).map(|(_, it)| *it).collect()
        };
        prop_assert_eq!(one.verdict(), live(&alone(true)));
        prop_assert_eq!(other.verdict(), live(&alone(false)));
    }
}
