//! What tools cost: as the flows and the bytes give it, by whatever it is asked, and when either changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use langley_model::{
    DialectName, Flow, MicroUsd, Micros, Provider, Rates, Terms, Tokens, ToolCall, ToolPart,
    ToolShares,
};
use langley_store::{
    Analysis, CallEntry, CostBy, CostQuery, CostReport, FlowFilter, GroupBy, Measure, RepriceQuery,
    ShareEntry, Store, Tally, ToolCostSums, ToolCostTally, ToolOrder, ToolQuery, UsageQuery,
};

use crate::costs::{all_at, at_price, by_hand, divided, word};
use crate::given::{Fixture, ended, of, redactor, session};
use crate::rollups::{Chance, HOUR, START};

const TOOLS: [&str; 4] = ["Bash", "Read", "mcp__git__log", "web_search"];

/// Flows, priced, told in part or not at all, with what tools have of them.
fn random(chance: &mut Chance, count: i64) -> Vec<(Flow, ToolShares)> {
    let mut flows = Vec::new();
    for place in 0..count {
        let mut flow = ended(START + chance.below(60).cast_signed() * HOUR + place);
        flow.host = chance.of(&["a.example", "b.example"]).to_owned();
        flow.provider = Some(chance.of(&[Provider::Anthropic, Provider::OpenAi, Provider::Gemini]));
        flow.model = chance.maybe(|it| it.of(&["m-1", "m-2"]).to_owned());
        flow.agent = chance.maybe(|it| it.of(&["one", "two"]).to_owned());
        flow.agent_id = chance.maybe(|it| it.of(&["sub-1", "sub-2"]).to_owned());
        flow.session = chance.maybe(|it| it.of(&["s-1", "s-2", "s-3"])).and_then(session);
        flow.task = chance.maybe(|it| it.of(&["t-1", "t-2"])).and_then(session);
        let usage = &mut flow.usage;
        usage.input = chance.maybe(|it| Tokens(2_000 + it.below(1_000)));
        usage.cache_read = chance.maybe(|it| Tokens(it.below(1_000)));
        usage.cache_write_5m = chance.maybe(|it| Tokens(it.below(500)));
        usage.output = chance.maybe(|it| Tokens(it.below(1_000)));
        usage.reasoning = chance.maybe(|it| Tokens(it.below(1_200)));
        usage.web_search_requests = chance.maybe(|it| it.below(3));
        chance.price(&mut flow);
        flows.push((flow, shares(chance)));
    }
    flows
}

fn shares(chance: &mut Chance) -> ToolShares {
    let mut shares = ToolShares {
        output_bytes: chance.below(3) * 700,
        request_bytes: chance.below(9) * 1_000,
        new_bytes: chance.below(1_500),
        parts: Vec::new(),
    };
    for tool in TOOLS {
        shares.parts.extend(chance.maybe(|it| ToolPart {
            calls: it.below(3),
            call_bytes: it.below(400),
            searches: it.below(2),
            results: it.below(3),
            result_bytes: it.below(500),
            again_bytes: it.below(2) * it.below(100),
            known_bytes: it.below(4_000),
            ..ToolPart::of(tool.to_owned())
        }));
    }
    shares
}

fn keep(store: &Store, all: &[(Flow, Option<ToolShares>)]) {
    let entry = |(flow, shares): &(Flow, Option<ToolShares>)| {
        let shares = shares.clone().map(|shares| redactor().seal(shares));
        ShareEntry { key: flow.started_at.0, shares }
    };
    let shares = all.iter().map(entry).collect();
    store.keep_analysis(Analysis { shares, ..Analysis::default() }).unwrap();
}

/// An amount divided by weights, of which the last is nobody's: by fractions that are counted out one by one.
fn dealt(amount: i64, weights: &[u64]) -> Vec<i128> {
    let whole: i128 = weights.iter().map(|it| i128::from(*it)).sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let exact = weights.iter().map(|it| i128::from(amount) * i128::from(*it));
    let mut given: Vec<(i128, i128)> = exact.map(|it| (it / whole, it % whole)).collect();
    for _ in given.iter().map(|(given, _)| given).sum::<i128>()..i128::from(amount) {
        let largest = given.iter().map(|(_, left)| *left).max().unwrap();
        let next = given.iter_mut().find(|(_, left)| *left == largest).unwrap();
        *next = (next.0 + 1, -1);
    }
    given.into_iter().map(|(given, _)| given).collect()
}

/// What each tool costs in a flow: calls, searches, results, what is sent again; none where nobody knows.
fn by_bytes(flow: &Flow, shares: &ToolShares) -> Option<Vec<[i128; 4]>> {
    let classes =
        divided(flow).filter(|classes| flow.cost.map(|it| it.0) == Some(classes.iter().sum()))?;
    let [input, read, five, hour, output, _, search] = classes;
    let weights = |of: &dyn Fn(&ToolPart) -> u64, whole: u64| {
        let mut weights: Vec<u64> = shares.parts.iter().map(of).collect();
        let named: u64 = weights.iter().sum();
        weights.push(whole.saturating_sub(named));
        weights
    };
    let is_apart = flow.dialect() == Some(DialectName::Gemini);
    let spoken = match (flow.usage.output, flow.usage.reasoning) {
        (Some(Tokens(all)), Some(Tokens(reasoning))) if !is_apart && all > 0 => {
            let all = i64::try_from(all).unwrap();
            output * 1_000 * (all - i64::try_from(reasoning).unwrap()).max(0) / all
        }
        (Some(Tokens(0)), Some(_)) if !is_apart => 0,
        _ => output * 1_000,
    };
    let billed = flow.billed();
    let tokens = billed[0] + billed[1] + billed[2] + billed[3];
    let fresh = billed[0] + billed[2] + billed[3];
    let fresh_bytes = (shares.request_bytes * fresh).checked_div(tokens).unwrap_or(0);
    let fresh_bytes = fresh_bytes.max(shares.new_bytes);
    let fresh_cost = (input + five + hour) * 1_000;
    let new = fresh_cost * i64::try_from(shares.new_bytes).unwrap();
    let new = new.checked_div(i64::try_from(fresh_bytes).unwrap()).unwrap_or(0);
    let old = fresh_cost + read * 1_000 - new;
    let calls = dealt(spoken, &weights(&|it| it.call_bytes, shares.output_bytes));
    let searches = dealt(search * 1_000, &weights(&|it| it.searches, 0));
    let mut both: Vec<u64> = shares.parts.iter().map(|it| it.result_bytes).collect();
    both.extend(shares.parts.iter().map(|it| it.again_bytes));
    let named: u64 = both.iter().sum();
    both.push(shares.new_bytes.saturating_sub(named));
    let new = dealt(new, &both);
    let before = shares.request_bytes.saturating_sub(shares.new_bytes);
    let old = dealt(old, &weights(&|it| it.known_bytes, before));
    let many = shares.parts.len();
    Some((0..many).map(|at| [calls[at], searches[at], new[at], new[many + at] + old[at]]).collect())
}

/// The sums of a group as they are told, and as they must be.
type Told = BTreeMap<Vec<String>, [u64; 11]>;

fn expected(flows: &[(Flow, ToolShares)], query: &CostQuery) -> Told {
    let span = &query.usage;
    let mut told = Told::new();
    for (flow, shares) in flows.iter().filter(|(flow, _)| {
        span.since.is_none_or(|since| flow.started_at >= since)
            && span.until.is_none_or(|until| flow.started_at < until)
            && span.provider.is_none_or(|provider| flow.provider == Some(provider))
            && span.model.as_deref().is_none_or(|model| flow.model.as_deref() == Some(model))
            && (query.session.is_none()
                || flow.session.as_ref().map(|it| &it.id) == query.session.as_ref())
    }) {
        let costs = by_bytes(flow, shares);
        for (place, part) in shares.parts.iter().enumerate() {
            let mut words = by_hand(&query.by, flow);
            for (by, word) in query.by.iter().zip(&mut words) {
                if *by == CostBy::Tool {
                    part.tool.clone_into(word);
                }
            }
            let [output, search, result, reread] =
                costs.as_ref().map_or([0; 4], |costs| costs[place]);
            let is_said = costs.is_some() && shares.output_bytes > 0 && flow.usage.output.is_some();
            let is_unpriced = flow.cost.is_none() && flow.billed().iter().any(|it| *it > 0);
            let if_so = |so: bool, count: u64| if so { count } else { 0 };
            let number = |it: i128| u64::try_from(it).unwrap();
            let more = [
                1,
                u64::from(costs.is_some()),
                u64::from(is_unpriced),
                part.calls,
                if_so(is_said, part.calls),
                part.results,
                if_so(costs.is_some(), part.results),
                if_so(is_said, number(output)),
                number(search),
                number(result),
                number(reread),
            ];
            let sums = told.entry(words).or_default();
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }
    told
}

fn numbers(sums: &ToolCostSums) -> [u64; 11] {
    ToolCostTally::ALL.map(|tally| sums.tally(tally))
}

#[track_caller]
fn assert_told(store: &Store, flows: &[(Flow, ToolShares)], queries: &[CostQuery]) {
    for query in queries {
        let report = store.costs(query).unwrap();
        let group = |group: &langley_store::CostGroup| {
            let tool = group.tool.unwrap();
            let cost = group.sums.figure(Measure::Cost);
            assert_eq!(cost.known(), tool.cost().map(|it| it.rounded().0.cast_unsigned()));
            assert_eq!(group.sums.tally(Tally::Flows), tool.tally(ToolCostTally::Flows));
            let keys = group.keys.iter().map(word).chain(group.session.clone());
            (keys.collect(), numbers(&tool))
        };
        let told: Told = report.groups.iter().map(group).collect();
        let expected = expected(flows, query);
        assert_eq!(told, expected, "{query:?}");
        let mut all = [0; 11];
        for sums in expected.values() {
            all.iter_mut().zip(sums).for_each(|(all, more)| *all += more);
        }
        assert_eq!(numbers(&report.tools.unwrap()), all);
        let no_tools = CostQuery { by: Vec::new(), ..query.clone() };
        let cost = |report: &CostReport| report.totals.figure(Measure::Cost);
        assert_eq!(cost(&report), cost(&store.costs(&no_tools).unwrap()), "whosever it is");
    }
}

/// Questions that sums answer.
fn of_sums() -> Vec<CostQuery> {
    let usage = CostBy::Usage;
    let mut queries = Vec::new();
    for by in [
        vec![CostBy::Tool],
        vec![usage(GroupBy::Day), CostBy::Tool],
        vec![CostBy::Tool, usage(GroupBy::Hour)],
        vec![CostBy::Tool, usage(GroupBy::Model), usage(GroupBy::Host)],
        vec![usage(GroupBy::Agent), CostBy::Tool, usage(GroupBy::Provider)],
    ] {
        for (since, until) in
            [(None, None), (Some(7), Some(31)), (Some(24), None), (Some(3), Some(5))]
        {
            let at = |hours: Option<i64>| hours.map(|hours| Micros(START + hours * HOUR));
            let usage = UsageQuery { since: at(since), until: at(until), ..UsageQuery::default() };
            let (by, groups_max) = (by.clone(), usize::MAX);
            queries.push(CostQuery { by, usage, groups_max, ..CostQuery::default() });
        }
    }
    let mut narrow = queries[0].clone();
    narrow.usage.provider = Some(Provider::OpenAi);
    narrow.usage.model = Some(String::from("m-1"));
    queries.push(narrow);
    queries
}

fn of_flows() -> Vec<CostQuery> {
    let mut queries: Vec<CostQuery> = of_sums();
    for query in &mut queries {
        query.session = Some(String::from("s-2"));
    }
    for by in [CostBy::Session, CostBy::Task, CostBy::Subagent] {
        queries.push(CostQuery {
            by: vec![CostBy::Tool, by],
            groups_max: usize::MAX,
            ..CostQuery::default()
        });
    }
    queries
}

#[test]
fn tools_cost_what_flows_and_bytes_say_before_and_after_either_changes_and_flows_are_gone() {
    for seed in [3, 4] {
        let fixture = Fixture::new();
        let store = &fixture.store;
        let chance = &mut Chance(seed);
        let mut flows = random(chance, 300);
        fixture.write(flows.iter().map(|(flow, _)| of(flow)).collect());
        let all: Vec<_> = flows.iter().map(|(flow, it)| (flow.clone(), Some(it.clone()))).collect();
        keep(store, &all);
        let queries = [of_sums(), of_flows()].concat();
        let is_analysed =
            |flow: &Flow| (flow.started_at.0, store.flow(flow.id).unwrap().unwrap().revision());
        let read = flows.iter().map(|(flow, _)| is_analysed(flow)).collect();
        store.keep_analysis(Analysis { read, ..Analysis::default() }).unwrap();
        assert_told(store, &flows, &queries);
        assert!(!store.costs(&queries[0]).unwrap().filling);

        // Read once more: some have other shares, some have none any more, most the same.
        let again = flows.iter_mut().step_by(2).map(|(flow, known)| {
            match chance.below(3) {
                0 => *known = shares(chance),
                1 => known.parts.clear(),
                _ => {}
            }
            (flow.clone(), Some(known.clone()).filter(|shares| !shares.parts.is_empty()))
        });
        let again: Vec<_> = again.collect();
        keep(store, &again);
        // Told anew, though they had ended.
        for (flow, _) in flows.iter_mut().step_by(5) {
            flow.usage.output = Some(Tokens(77));
            flow.model = Some(String::from("m-1"));
            at_price(flow, "3");
        }
        fixture.write(flows.iter().step_by(5).map(|(flow, _)| of(flow)).collect());
        assert_told(store, &flows, &queries);

        // Priced anew.
        let query = RepriceQuery { model: Some(String::from("m-2")), ..RepriceQuery::default() };
        store.reprice(&redactor().seal(query), "b", false, all_at("7")).unwrap();
        for (flow, _) in flows.iter_mut().filter(|(flow, _)| flow.model.as_deref() == Some("m-2")) {
            at_price(flow, "7");
        }
        assert_told(store, &flows, &queries);

        store.delete_flows(&FlowFilter::default()).unwrap();
        assert_told(store, &flows, &of_sums());
        for query in of_flows() {
            assert_eq!(store.costs(&query).unwrap().groups, []);
        }
    }
}

#[test]
fn days_of_another_zone_have_the_hours_that_are_theirs() {
    let fixture = Fixture::new();
    let mut flow = ended(START + 23 * HOUR);
    at_price(&mut flow, "3");
    fixture.write(vec![of(&flow)]);
    let part = ToolPart { calls: 1, ..ToolPart::of(String::from("Bash")) };
    let shares = ToolShares { parts: vec![part], ..ToolShares::default() };
    keep(&fixture.store, &[(flow, Some(shares))]);
    let day = |offset_minutes| {
        let query = CostQuery {
            by: vec![CostBy::Usage(GroupBy::Day), CostBy::Tool],
            usage: UsageQuery { offset_minutes, ..UsageQuery::default() },
            groups_max: 9,
            ..CostQuery::default()
        };
        let groups = fixture.store.costs(&query).unwrap().groups;
        word(&groups[0].keys[0]).parse::<i64>().unwrap()
    };
    assert_eq!((day(0), day(60), day(-60)), (START / (24 * HOUR), START / (24 * HOUR) + 1, day(0)));
}

#[test]
fn what_nobody_knows_the_cost_of_is_not_told_as_nothing() {
    let fixture = Fixture::new();
    let mut flow = ended(START);
    flow.provider = Some(Provider::Anthropic);
    flow.usage.input = Some(Tokens(1_000));
    fixture.write(vec![of(&flow)]);
    let part = ToolPart { calls: 2, call_bytes: 9, ..ToolPart::of(String::from("Bash")) };
    let shares = ToolShares { output_bytes: 9, parts: vec![part], ..ToolShares::default() };
    keep(&fixture.store, &[(flow, Some(shares))]);
    let by_tool = CostQuery { by: vec![CostBy::Tool], groups_max: 9, ..CostQuery::default() };
    let report = fixture.store.costs(&by_tool).unwrap();
    let tool = report.groups[0].tool.unwrap();
    assert_eq!(tool.cost(), None);
    assert_eq!((tool.tally(ToolCostTally::Calls), tool.tally(ToolCostTally::Unpriced)), (2, 1));
    assert!(report.filling, "it waits for the analysis still");
}

#[test]
fn a_flow_that_is_named_to_be_looked_at_once_more_waits_again_unless_it_is_gone() {
    let fixture = Fixture::new();
    let mut flow = ended(START);
    flow.provider = Some(Provider::Anthropic);
    fixture.write(vec![of(&flow)]);
    let store = &fixture.store;
    let revision = store.flow(flow.id).unwrap().unwrap().revision();
    let key = flow.started_at.0;
    store.keep_analysis(Analysis { read: vec![(key, revision)], ..Analysis::default() }).unwrap();
    assert_eq!(store.analysis_state().unwrap().waiting, 0);
    let again = Analysis { again: vec![key, key + 1], ..Analysis::default() };
    store.keep_analysis(again).unwrap();
    assert_eq!(store.analysis_state().unwrap().waiting, 1);
}

#[test]
fn tools_are_listed_by_what_they_cost() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut flow = ended(START);
    (flow.usage.input, flow.usage.output) = (Some(Tokens(0)), Some(Tokens(1_000_000)));
    let rates = Rates::parse("1 - - - 2 - -").unwrap();
    flow.cost = rates.cost(&flow.billed()).map(|exact| exact.rounded());
    flow.terms = Some(Arc::new(Terms { book: String::from("book"), rates }));
    fixture.write(vec![of(&flow)]);
    let key = flow.started_at.0;
    let part =
        |tool: &str, call_bytes| ToolPart { calls: 1, call_bytes, ..ToolPart::of(tool.to_owned()) };
    let parts = vec![part("Bash", 100), part("Read", 900), part("Free", 0)];
    let shares = ToolShares { output_bytes: 1_000, parts, ..ToolShares::default() };
    keep(store, &[(flow, Some(shares))]);
    let call = |position: u32, name: &str| {
        let call = ToolCall { name: name.to_owned(), key: position.into(), ..ToolCall::default() };
        let call = redactor().seal(call);
        CallEntry { key, position, call: Some(call), executions: None, findings: Vec::new() }
    };
    // Of what is called most it is not known what it costs.
    let names = ["Any", "Any", "Any", "Bash", "Bash", "Read", "Free"];
    let calls = (0..).zip(names).map(|(position, name)| call(position, name)).collect();
    store.keep_analysis(Analysis { calls, ..Analysis::default() }).unwrap();
    let told = |order| {
        let query = ToolQuery { order, ..ToolQuery::default() };
        let tools = store.tools(&query).unwrap().tools;
        tools.into_iter().map(|tool| (tool.name, tool.cost)).collect::<Vec<_>>()
    };
    let tool = |name: &str, cost: Option<i64>| (name.to_owned(), cost.map(MicroUsd));
    // $2, by the bytes of the calls.
    let [any, free] = [tool("Any", None), tool("Free", Some(0))];
    let [bash, read] = [tool("Bash", Some(200_000)), tool("Read", Some(1_800_000))];
    let all = [any, bash, free, read];
    assert_eq!(told(ToolOrder::Calls), all, "whatever the order is");
    let [any, bash, free, read] = all;
    assert_eq!(told(ToolOrder::Cost), [read, bash, free, any], "what is not known comes last");
    let report = store.tools(&ToolQuery::default()).unwrap();
    assert_eq!(report.cost, Some(MicroUsd(2_000_000)));
    for (order, costs) in [(ToolOrder::Failures, None), (ToolOrder::Cost, report.cost)] {
        let query = ToolQuery { order, without_costs: true, ..ToolQuery::default() };
        let told = store.tools(&query).unwrap();
        assert_eq!((told.tools.len(), told.cost), (4, costs), "the order of cost needs them");
    }
}
