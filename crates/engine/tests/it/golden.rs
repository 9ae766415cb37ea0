//! One session in which all goes wrong that can: each attribution, cost, tool call, finding and violation of it, and
//! nothing else. Prices are those of the book, and what it costs is calculated here once more.

use std::collections::BTreeMap;
use std::sync::Arc;

use langley_engine::{BookPrices, Lookout, PriceBook, analyse_for};
use langley_model::{FlowId, Micros, Outcome};
use langley_store::{CostBy, CostKey, CostQuery, FlowFilter, Measure, Store, Tally};
use serde_json::json;

use crate::findings::{BASE, Lane, failed, lines, result};
use crate::stored::Home;
use crate::tools;

const MODEL: &str = "claude-opus-5-5";

/// What was played in a lane: by session and subagent, what the cache did for each answer, and how many attempts were
/// refused.
type Played = BTreeMap<(String, Option<String>), (Vec<(u64, u64)>, u64)>;

/// Plays, and notes what was played.
struct Stage<'h> {
    home: &'h Home,
    played: Played,
}

impl Stage<'_> {
    fn lane(&self, session: &str, agent: Option<&'static str>) -> Lane<'_> {
        let mut lane = Lane::new(self.home, session, agent);
        lane.model = MODEL;
        lane
    }

    fn note(&mut self, session: &str, agent: Option<&str>, cached: &[(u64, u64)], refused: u64) {
        let key = (session.to_owned(), agent.map(str::to_owned));
        let (answers, attempts) = self.played.entry(key).or_default();
        answers.extend(cached);
        *attempts += refused;
    }
}

/// Millionths of a dollar of answers with ten tokens uncached and nine of output: 4, 0.2, 5 and 20 dollars a million,
/// each answer rounded half to even.
fn cost(answers: &[(u64, u64)]) -> u64 {
    let one = |(read, written): &(u64, u64)| {
        let tenths = 10 * 40 + read * 2 + written * 50 + 9 * 200;
        let (whole, rest) = (tenths / 10, tenths % 10);
        whole + u64::from(rest > 5 || (rest == 5 && whole % 2 == 1))
    };
    answers.iter().map(one).sum()
}

/// By session and subagent: flows, those that failed, and what they cost.
fn attributed(store: &Store) -> BTreeMap<(String, Option<String>), (u64, u64, u64)> {
    let by = vec![CostBy::Subagent];
    let query = CostQuery { by, groups_max: 100, ..CostQuery::default() };
    let groups = store.costs(&query).unwrap().groups.into_iter().map(|group| {
        let agent = group.keys.into_iter().find_map(|key| match key {
            CostKey::Name(agent) => agent,
            _ => None,
        });
        let sums = group.sums;
        let told = (
            sums.tally(Tally::Flows),
            sums.tally(Tally::Flows) - sums.figure(Measure::Cost).flows,
            sums.figure(Measure::Cost).sum,
        );
        ((group.session.unwrap(), agent), told)
    });
    groups.collect()
}

#[test]
fn a_session_in_which_all_goes_wrong_is_told_exactly_and_nothing_else_is() {
    let home = Home::new();
    let mut stage = Stage { home: &home, played: Played::new() };
    let mut main = stage.lane("s-1", None);
    // It calls two subagents, which work side by side.
    let calls = [("m1", "Task"), ("m2", "Task")];
    main.turn(0, &json!("go"), (0, 30_000), &calls);
    let mut one = stage.lane("s-1", Some("agent-1"));
    let mut other = stage.lane("s-1", Some("agent-2"));
    one.turn(1, &json!("look"), (0, 9_000), &[("a1", "Read")]);
    other.turn(2, &json!("try"), (0, 9_000), &[("b1", "Bash")]);
    one.turn(4, &json!([result("a1", "found")]), (9_000, 200), &[]);
    other.turn(5, &json!([failed("b1")]), (9_000, 200), &[]);
    // A tool that fails three times running, and then does not.
    let said = json!([result("m1", "looked"), result("m2", "tried")]);
    main.turn(8, &said, (30_000, 300), &[("t1", "Edit")]);
    main.turn(20, &json!([failed("t1")]), (30_300, 300), &[("t2", "Edit")]);
    main.turn(32, &json!([failed("t2")]), (30_600, 300), &[("t3", "Edit")]);
    main.turn(44, &json!([failed("t3")]), (30_900, 300), &[("t4", "Edit")]);
    // A storm of retries.
    let said = json!([result("t4", "done")]);
    for second in [56, 57, 59, 63, 71] {
        main.refused(second, &said);
        // As agents do: the next attempt begins once this one is over.
        tools::settle(&home);
    }
    main.turn(87, &said, (31_200, 300), &[]);
    // A tool is added: all that could be read from the cache is written again.
    main.tools.push(json!({"name": "mcp__late__tool", "description": "late"}));
    main.turn(100, &json!("and now"), (0, 32_000), &[("t5", "Read")]);
    // Of two calls of one answer one never gets a result.
    let calls = [("t6", "Read"), ("t7", "Bash")];
    main.turn(112, &json!([result("t5", "text")]), (32_000, 300), &calls);
    main.turn(124, &json!([result("t6", "text")]), (32_300, 300), &[]);
    // Resumed under another id, and compacted.
    let mut resumed = stage.lane("s-2", None);
    resumed.messages.clone_from(&main.messages);
    resumed.tools.clone_from(&main.tools);
    resumed.turn(200, &json!("on"), (32_600, 300), &[("t8", "Read")]);
    resumed.turn(212, &json!([result("t8", "text")]), (32_900, 300), &[]);
    let mut compacted = stage.lane("s-2", None);
    compacted.tools.clone_from(&main.tools);
    compacted.turn(224, &json!("This is what happened so far"), (0, 8_000), &[]);
    stage.note(
        "s-1",
        None,
        &[
            (0, 30_000),
            (30_000, 300),
            (30_300, 300),
            (30_600, 300),
            (30_900, 300),
            (31_200, 300),
            (0, 32_000),
            (32_000, 300),
            (32_300, 300),
        ],
        5,
    );
    stage.note("s-1", Some("agent-1"), &[(0, 9_000), (9_000, 200)], 0);
    stage.note("s-1", Some("agent-2"), &[(0, 9_000), (9_000, 200)], 0);
    stage.note("s-2", None, &[(32_600, 300), (32_900, 300), (0, 8_000)], 0);
    tools::settle(&home);
    let look = || {
        let prices = Arc::new(BookPrices::new(PriceBook::vendored()));
        let lookout = Lookout { prices, ..Lookout::default() };
        let now = Micros(BASE + 300 * 1_000_000);
        analyse_for(&home.store, &home.redactor, now, lookout).unwrap();
    };
    look();

    // Whose each exchange is, and what it costs.
    let expected: BTreeMap<_, _> = stage
        .played
        .iter()
        .map(|(whose, (answers, refused))| {
            (whose.clone(), (answers.len() as u64 + refused, *refused, cost(answers)))
        })
        .collect();
    assert_eq!(attributed(&home.store), expected);
    let flows = home.store.flows(&FlowFilter::default(), None, 100).unwrap().items;
    assert!(flows.iter().all(|flow| {
        let session = flow.session.as_ref().unwrap();
        let is_task = flow.task.as_ref().is_some_and(|task| task.id == session.id);
        is_task && session.source == "header:x-claude-code-session-id"
    }));
    // Each attempt after the first names the one before it, and nothing else repeats anything.
    let mut attempts: Vec<(i64, FlowId, Option<FlowId>, Option<Outcome>)> = flows
        .iter()
        .filter(|flow| (56..90).contains(&((flow.started_at.0 - BASE) / 1_000_000)))
        .map(|flow| (flow.started_at.0, flow.id, flow.retry_of, flow.outcome))
        .collect();
    attempts.sort_unstable_by_key(|(at, ..)| *at);
    assert_eq!(attempts.len(), 6);
    for pair in attempts.windows(2) {
        assert_eq!(pair[1].2, Some(pair[0].1));
        assert_eq!(pair[0].3, Some(Outcome::ProviderError));
    }
    assert_eq!(flows.iter().filter(|flow| flow.retry_of.is_some()).count(), 5);

    let told_twice = [
        "Task returned succeeded 7",
        "Task returned succeeded 7",
        "Read returned succeeded 2",
        "Bash returned failed 2",
        "Edit returned failed 11",
        "Edit returned failed 11",
        "Edit returned failed 11",
        "Edit returned succeeded 11",
        "Read returned succeeded 11",
        "Read returned succeeded 11",
        "Bash orphaned - - V13",
        "Read returned succeeded 11",
    ];
    let found = [
        // 31,500 tokens that were readable × (5 − 0.2) dollars a million.
        "s-1 cache_break tools_changed tool mcp__late__tool x1 151200",
        "s-1 failing_tool Edit x1 -",
        "s-1 lifecycle_violation V13 x1 -",
        "s-1 retry_storm m provider x2 -",
    ];
    assert_eq!(tools::lines(&home.store), told_twice);
    assert_eq!(lines(&home.store), found);
    // What is looked at once more says the same.
    look();
    assert_eq!(tools::lines(&home.store), told_twice);
    assert_eq!(lines(&home.store), found);
    let (store, _folder) = home.finish();
    store.close();
}
