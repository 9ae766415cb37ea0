//! What flows cost: told as the flows give it, by whatever it is asked, and priced anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use langley_model::{
    CostClass, Flow, MicroUsd, Micros, Outcome, Provider, Rates, Terms, Tokens, Usage,
};
use langley_store::{
    Analysis, CostBy, CostKey, CostQuery, FlowFilter, GroupBy, Measure, PriceLost, Reprice,
    RepriceQuery, Repriced, SessionCost, Store, StoreError, Tally, UsageQuery,
};
use rusqlite::Connection;

use crate::given::{Fixture, ended, of, options, redactor, session};
use crate::rollups::{Chance, HOUR, START, rows};

/// Of each class's part of the cost: what the flows give when each is read and divided here, by group and by
/// session, and what is kept. The parts of one flow add up to its cost.
#[track_caller]
pub(crate) fn assert_classes(store: &Store, seed: u64) {
    let (mut hours, mut sessions) = (BTreeMap::new(), BTreeMap::new());
    let mut cursor: Option<String> = None;
    loop {
        let page = store.flows(&FlowFilter::default(), cursor.as_deref(), 500).unwrap();
        for flow in &page.items {
            let Some(shares) = divided(flow) else { continue };
            assert_eq!(Some(MicroUsd(shares.iter().sum())), flow.cost, "seed {seed}");
            let add = |sums: &mut [i64; 7]| {
                sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
            };
            add(hours.entry((flow.started_at.0 / HOUR).to_string()).or_default());
            if let Some(session) = &flow.session {
                add(sessions.entry(session.id.clone()).or_default());
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let conn = Connection::open(store.path()).unwrap();
    for (table, key, expected) in
        [("rollups_hourly", "hour", &hours), ("sessions", "session_id", &sessions)]
    {
        let sql = format!(
            "SELECT {key}, sum(cost_input), sum(cost_cache_read), sum(cost_cache_write_5m),
                 sum(cost_cache_write_1h), sum(cost_output), sum(cost_reasoning), sum(cost_web_search)
             FROM {table} WHERE cost_input_flows > 0 GROUP BY 1"
        );
        let kept: BTreeMap<String, [i64; 7]> = rows(&conn, &sql)
            .iter()
            .map(|row| {
                let mut words = row.split('|');
                let key = words.next().unwrap().to_owned();
                let sums: Vec<i64> = words.map(|word| word.parse().unwrap()).collect();
                (key, sums.try_into().unwrap())
            })
            .collect();
        assert_eq!(&kept, expected, "{table}, seed {seed}");
    }
}

/// The parts of a flow's cost by class, by the text of its prices and nothing of the product's arithmetic.
pub(crate) fn divided(flow: &Flow) -> Option<[i64; 7]> {
    const MICRO: u128 = 1_000_000_000_000;
    let terms = flow.terms.as_ref()?;
    let text = terms.rates.text();
    let rates: Vec<u128> = text
        .split(' ')
        .map(|price| {
            let price = if price == "-" { "0" } else { price };
            let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
            format!("{whole}{fraction:0<12}").parse().unwrap()
        })
        .collect();
    let exact: Vec<u128> =
        flow.billed().iter().zip(&rates).map(|(units, rate)| u128::from(*units) * rate).collect();
    let sum: u128 = exact.iter().sum();
    let (whole, rest) = (sum / MICRO, sum % MICRO);
    let is_up = rest * 2 > MICRO || (rest * 2 == MICRO && whole % 2 == 1);
    let mut left = whole + u128::from(is_up) - exact.iter().map(|part| part / MICRO).sum::<u128>();
    let mut shares: Vec<u128> = exact.iter().map(|part| part / MICRO).collect();
    let mut order: Vec<usize> = (0..7).collect();
    order.sort_by_key(|place| (MICRO - exact[*place] % MICRO, *place));
    for place in order {
        if left > 0 {
            shares[place] += 1;
            left -= 1;
        }
    }
    let shares: Vec<i64> = shares.into_iter().map(|share| i64::try_from(share).unwrap()).collect();
    Some(shares.try_into().unwrap())
}

/// A whole answer of `model` in an hour, priced at so many dollars for a million tokens of its thousand.
fn priced(hour: i64, model: &str, dollars: &str) -> Flow {
    let mut flow = ended(START + hour * HOUR);
    (flow.provider, flow.model) = (Some(Provider::Anthropic), Some(model.to_owned()));
    flow.usage.input = Some(Tokens(1_000));
    at_price(&mut flow, dollars);
    flow
}

/// Prices a flow.
pub(crate) fn at_price(flow: &mut Flow, dollars: &str) {
    let rates = Rates::parse(&format!("{dollars} - - - - - -")).unwrap();
    flow.cost = rates.cost(&flow.billed()).map(|exact| exact.rounded());
    flow.cost_source = Some("priced".to_owned());
    flow.terms = Some(Arc::new(Terms { book: "2026-11-21".to_owned(), rates }));
}

/// Prices what its provider has not.
pub(crate) fn all_at(dollars: &'static str) -> Reprice {
    Box::new(move |flow| {
        if flow.cost_source.as_deref() != Some("reported") {
            at_price(flow, dollars);
        }
    })
}

fn reprice(
    store: &Store,
    query: &RepriceQuery,
    book: &str,
    dry_run: bool,
    price: Reprice,
) -> Result<Repriced, StoreError> {
    store.reprice(&redactor().seal(query.clone()), book, dry_run, price)
}

fn cost_of(store: &Store, flow: &Flow) -> Option<i64> {
    store.flow(flow.id).unwrap().unwrap().cost.map(|cost| cost.0)
}

fn total(store: &Store) -> u64 {
    store.usage(&UsageQuery::default()).unwrap().totals.figure(Measure::Cost).sum
}

#[test]
fn flows_priced_anew_take_their_sums_along_and_leave_an_audit_row() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut flows = [priced(0, "m", "1"), priced(1, "m", "1"), priced(1, "other", "1")];
    flows[0].session = session("s");
    let mut unknown = priced(2, "m", "1");
    (unknown.cost, unknown.cost_source, unknown.terms) = (None, None, None);
    let mut told = priced(2, "m", "1");
    (told.cost_source, told.terms) = (Some("reported".to_owned()), None);
    let mut open = priced(2, "m", "1");
    (open.outcome, open.ended_at) = (None, None);
    let all = [&flows[0], &flows[1], &flows[2], &unknown, &told, &open];
    fixture.write(all.map(of).to_vec());
    assert_eq!(total(store), 5_000);

    let of_m = RepriceQuery { model: Some("m".to_owned()), ..RepriceQuery::default() };
    let expected = Repriced {
        flows: 4,
        changed: 3,
        priced: 1,
        unpriced: 0,
        before: MicroUsd(2_000),
        after: MicroUsd(6_000),
    };
    assert_eq!(reprice(store, &of_m, "b", true, all_at("2")).unwrap(), expected, "a trial");
    assert_eq!((total(store), store.reprices(9).unwrap().len()), (5_000, 0));

    assert_eq!(reprice(store, &of_m, "b", false, all_at("2")).unwrap(), expected);
    let costs = all.map(|flow| cost_of(store, flow));
    assert_eq!(costs, [2_000, 2_000, 1_000, 2_000, 1_000, 1_000].map(Some));
    assert_eq!(total(store), 9_000);
    assert_eq!(store.session("s").unwrap().unwrap().sums.figure(Measure::Cost).sum, 2_000);
    assert_eq!(store.usage(&UsageQuery::default()).unwrap().totals.tally(Tally::Unpriced), 0);
    assert_classes(store, 0);
    let again = reprice(store, &of_m, "b", false, all_at("2")).unwrap();
    assert_eq!((again.flows, again.changed), (4, 0), "what is so already is left");

    let until = RepriceQuery { until: Some(Micros(START + HOUR)), ..RepriceQuery::default() };
    assert_eq!(reprice(store, &until, "c", false, all_at("5")).unwrap().flows, 1);
    let told: Vec<_> = store
        .reprices(9)
        .unwrap()
        .into_iter()
        .map(|row| (row.book, row.query.model, row.repriced.changed, row.finished))
        .collect();
    let m = Some("m".to_owned());
    let row = |book: &str, model: &Option<String>, changed| {
        (book.to_owned(), model.clone(), changed, true)
    };
    assert_eq!(told, [row("c", &None, 1), row("b", &m, 0), row("b", &m, 3)]);

    store.delete_flows(&FlowFilter::default()).unwrap();
    let before = total(store);
    let nothing = reprice(store, &RepriceQuery::default(), "d", false, all_at("9")).unwrap();
    // The one that is open stayed.
    assert_eq!((nothing.flows, total(store)), (0, before), "hours without flows are left");
}

#[test]
fn the_audit_of_prices_keeps_no_secret_that_was_typed_for_a_model() {
    let fixture = Fixture::new();
    let secret = "sk-ant-api03-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";
    let query = RepriceQuery { model: Some(secret.to_owned()), ..RepriceQuery::default() };
    reprice(&fixture.store, &query, "b", false, all_at("2")).unwrap();
    let kept = fixture.store.reprices(1).unwrap().remove(0).query.model.unwrap();
    assert!(!kept.contains("c4n4ry"), "{kept}");
}

#[test]
fn costs_by_anything_are_those_of_the_flows_and_those_by_time_outlive_them() {
    let fixture = Fixture::new();
    let mut flows = Vec::new();
    let chance = &mut Chance(7);
    for place in 0..400 {
        let mut flow = ended(START + chance.below(60).cast_signed() * HOUR + place);
        flow.outcome = Some(chance.of(&Outcome::ALL));
        flow.host = chance.of(&["a.example", "b.example"]).to_owned();
        flow.provider = Some(chance.of(&[Provider::Anthropic, Provider::OpenAi]));
        flow.model = chance.maybe(|it| it.of(&["m-1", "m-2", "m-3"]).to_owned());
        flow.agent = chance.maybe(|it| it.of(&["one", "two"]).to_owned());
        flow.agent_id = chance.maybe(|it| it.of(&["sub-1", "sub-2"]).to_owned());
        // Some go on all the time, others for a few hours.
        let few = format!("hours-{}", (flow.started_at.0 - START) / (5 * HOUR));
        flow.session = chance.maybe(|it| it.of(&["s-1", "s-2", "s-3", &few])).and_then(session);
        flow.task = chance.maybe(|it| it.of(&["t-1", "t-2", &few])).and_then(session);
        flow.project = chance.maybe(|it| it.of(&["/w/a", "/w/b"])).and_then(session);
        flow.usage.input = chance.maybe(|it| Tokens(2_000 + it.below(1_000)));
        flow.usage.cache_read = chance.maybe(|it| Tokens(it.below(1_000)));
        flow.usage.output = chance.maybe(|it| Tokens(it.below(1_000)));
        chance.price(&mut flow);
        flows.push(flow);
    }
    fixture.write(flows.iter().map(of).collect());
    let usage = |by| CostBy::Usage(by);
    let asked = [
        vec![],
        vec![usage(GroupBy::Day)],
        vec![usage(GroupBy::Hour)],
        vec![usage(GroupBy::Model)],
        vec![usage(GroupBy::Provider), usage(GroupBy::Host)],
        vec![usage(GroupBy::Agent)],
        vec![CostBy::Session],
        vec![CostBy::Task],
        vec![CostBy::Subagent],
        vec![CostBy::Session, usage(GroupBy::Model)],
        vec![CostBy::Project],
        vec![usage(GroupBy::Day), CostBy::Project, usage(GroupBy::Model)],
        vec![CostBy::Project, usage(GroupBy::Hour)],
        vec![CostBy::Session, CostBy::Project],
    ];
    let spans = [(None, None), (Some(7), Some(31)), (Some(24), None)];
    for by in asked {
        for (since, until) in spans {
            for (of_session, project) in [
                (None, None),
                (Some("s-2"), None),
                (None, Some("/w/b")),
                (Some("s-2"), Some("/w/b")),
            ] {
                // Sums by time are of whole hours.
                let within = match *by {
                    [CostBy::Session | CostBy::Task | CostBy::Subagent] => 250,
                    _ => 0,
                };
                let at =
                    |hours: Option<i64>| hours.map(|hours| Micros(START + hours * HOUR + within));
                let span =
                    UsageQuery { since: at(since), until: at(until), ..UsageQuery::default() };
                let query = CostQuery {
                    by: by.clone(),
                    usage: span.clone(),
                    session: of_session.map(str::to_owned),
                    project: project.map(str::to_owned),
                    groups_max: usize::MAX,
                };
                let asked = flows.iter().filter(|flow| {
                    span.since.is_none_or(|since| flow.started_at >= since)
                        && span.until.is_none_or(|until| flow.started_at < until)
                        && (of_session.is_none()
                            || flow.session.as_ref().map(|it| &*it.id) == of_session)
                        && (project.is_none()
                            || flow.project.as_ref().map(|it| &*it.id) == project)
                        // A list of those that flows belong to is of those that have an id.
                        && match *by {
                            [CostBy::Session | CostBy::Subagent] => flow.session.is_some(),
                            [CostBy::Task] => flow.task.is_some(),
                            _ => true,
                        }
                });
                let mut expected: BTreeMap<Vec<String>, [u64; 4]> = BTreeMap::new();
                for flow in asked {
                    let sums = expected.entry(by_hand(&by, flow)).or_default();
                    sums[0] += flow.cost.map_or(0, |cost| cost.0.unsigned_abs());
                    sums[1] += u64::from(flow.cost.is_some());
                    sums[2] += u64::from(flow.cost.is_none() && uses_something(flow));
                    sums[3] += flow.usage.output.map_or(0, |it| it.0);
                }
                let report = fixture.store.costs(&query).unwrap();
                let told: BTreeMap<Vec<String>, [u64; 4]> = report
                    .groups
                    .iter()
                    .map(|group| {
                        let cost = group.sums.figure(Measure::Cost);
                        let unpriced = group.sums.tally(Tally::Unpriced);
                        let output = group.sums.figure(Measure::Output).sum;
                        let keys = group.keys.iter().map(word).chain(group.session.clone());
                        (keys.collect(), [cost.sum, cost.flows, unpriced, output])
                    })
                    .collect();
                assert_eq!(told, expected, "{query:?}");
                let sum: u64 = expected.values().map(|sums| sums[0]).sum();
                assert_eq!(report.totals.figure(Measure::Cost).sum, sum);
            }
        }
    }
    let by_day = CostQuery {
        by: vec![usage(GroupBy::Day), usage(GroupBy::Model)],
        groups_max: usize::MAX,
        ..CostQuery::default()
    };
    let before = fixture.store.costs(&by_day).unwrap();
    fixture.store.delete_flows(&FlowFilter::default()).unwrap();
    assert_eq!(fixture.store.costs(&by_day).unwrap(), before);
    let by_project = CostQuery { by: vec![CostBy::Project], ..by_day.clone() };
    let told: BTreeMap<Vec<String>, u64> = fixture
        .store
        .costs(&by_project)
        .unwrap()
        .groups
        .iter()
        .map(|group| (group.keys.iter().map(word).collect(), group.sums.figure(Measure::Cost).sum))
        .collect();
    let mut expected: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for flow in &flows {
        *expected.entry(by_hand(&[CostBy::Project], flow)).or_default() +=
            flow.cost.map_or(0, |cost| cost.0.unsigned_abs());
    }
    assert_eq!(told, expected, "also once the flows are gone");
    let of_sessions = CostQuery { by: vec![CostBy::Session], ..by_day };
    assert_eq!(fixture.store.costs(&of_sessions).unwrap().groups, []);
}

fn uses_something(flow: &Flow) -> bool {
    let Usage { input, cache_read, output, .. } = flow.usage;
    [input, cache_read, output].into_iter().flatten().any(|tokens| tokens.0 > 0)
}

/// What makes a flow's group, in words.
pub(crate) fn by_hand(by: &[CostBy], flow: &Flow) -> Vec<String> {
    let at = flow.started_at.0;
    let name = |text: Option<&str>| text.unwrap_or("?").to_owned();
    let id = |it: &Option<langley_model::Attributed>| name(it.as_ref().map(|it| it.id.as_str()));
    let mut words: Vec<String> = by
        .iter()
        .map(|by| match by {
            CostBy::Usage(GroupBy::Hour) => (at - at % HOUR).to_string(),
            CostBy::Usage(GroupBy::Day) => (at / (24 * HOUR)).to_string(),
            CostBy::Usage(GroupBy::Host) => flow.host.clone(),
            CostBy::Usage(GroupBy::Provider) => name(flow.provider.map(Provider::as_str)),
            CostBy::Usage(GroupBy::Model) => name(flow.known_model()),
            CostBy::Usage(GroupBy::Agent) => name(flow.agent.as_deref()),
            CostBy::Session => id(&flow.session),
            CostBy::Task => id(&flow.task),
            CostBy::Subagent => name(flow.subagent()),
            CostBy::Project => id(&flow.project),
            CostBy::Tool => String::from("a tool"),
        })
        .collect();
    if by.contains(&CostBy::Subagent) {
        words.extend(flow.session.as_ref().map(|it| it.id.clone()));
    }
    words
}

pub(crate) fn word(key: &CostKey) -> String {
    match key {
        CostKey::Hour(at) => at.0.to_string(),
        CostKey::Day(day) => day.to_string(),
        CostKey::Name(name) => name.clone().unwrap_or_else(|| "?".to_owned()),
    }
}

#[test]
fn models_without_a_price_are_listed_and_a_long_list_says_that_it_goes_on() {
    let fixture = Fixture::new();
    let mut flows = [
        priced(0, "cheap", "1"),
        priced(0, "dear", "9"),
        priced(1, "new", "1"),
        priced(2, "new", "1"),
    ];
    (flows[2].cost, flows[2].cost_source, flows[2].terms) = (None, None, None);
    flows[2].session = session("s");
    fixture.write(flows.iter().map(of).collect());
    for of_session in [None, Some("s".to_owned())] {
        let query = CostQuery {
            by: vec![CostBy::Usage(GroupBy::Model)],
            session: of_session.clone(),
            groups_max: 1,
            ..CostQuery::default()
        };
        let report = fixture.store.costs(&query).unwrap();
        let [unpriced] = &*report.unpriced else { panic!("{:?}", report.unpriced) };
        assert_eq!((&*unpriced.provider, &*unpriced.model), ("anthropic", "new"));
        assert_eq!(unpriced.flows, 1, "and not the one beside it that has a price");
        let first = if of_session.is_some() { "new" } else { "dear" };
        assert_eq!(word(&report.groups[0].keys[0]), first);
        assert_eq!((report.groups.len(), report.more), (1, of_session.is_none()));
    }
}

#[test]
fn sessions_tasks_and_subagents_name_the_models_without_a_price_as_every_grouping_does() {
    let fixture = Fixture::new();
    let mut flows = [priced(0, "cheap", "1"), priced(1, "new", "1")];
    for flow in &mut flows {
        (flow.session, flow.task) = (session("s"), session("t"));
        flow.agent_id = Some("a".into());
    }
    (flows[1].cost, flows[1].cost_source, flows[1].terms) = (None, None, None);
    fixture.write(flows.iter().map(of).collect());
    let unpriced = |by| {
        let query = CostQuery { by: vec![by], groups_max: 9, ..CostQuery::default() };
        let report = fixture.store.costs(&query).unwrap();
        assert_eq!(report.totals.tally(Tally::Unpriced), 1, "{by:?}");
        report.unpriced
    };
    let by_model = unpriced(CostBy::Usage(GroupBy::Model));
    assert_eq!(by_model.len(), 1);
    for by in [CostBy::Session, CostBy::Task, CostBy::Subagent] {
        assert_eq!(unpriced(by), by_model, "{by:?}");
    }
}

#[test]
fn what_is_open_is_not_unpriced_and_what_is_lost_costs_what_is_known_of_it() {
    let fixture = Fixture::with(|options| {
        options.price_lost = Some(PriceLost::new(|| all_at("3")));
    });
    let mut open = priced(0, "m", "1");
    (open.outcome, open.ended_at) = (None, None);
    (open.cost, open.cost_source, open.terms) = (None, None, None);
    open.session = session("s");
    fixture.write(vec![of(&open)]);
    let unpriced = |store: &Store| {
        let sums = store.session("s").unwrap().unwrap().sums;
        let all = store.usage(&UsageQuery::default()).unwrap().totals;
        assert_eq!(all.tally(Tally::Unpriced), sums.tally(Tally::Unpriced));
        sums.tally(Tally::Unpriced)
    };
    assert_eq!(unpriced(&fixture.store), 0);
    // Whoever opens it without prices has a lost flow that should have one.
    assert_eq!(unpriced(&fixture.after_a_kill().store), 1);
    let mut again = options(fixture.folder.path());
    again.price_lost = Some(PriceLost::new(|| all_at("3")));
    let Fixture { folder, store, .. } = fixture;
    store.close();
    let store = Store::open(again, Box::new(|_| ())).unwrap();
    let lost = store.flow(open.id).unwrap().unwrap();
    assert_eq!((lost.outcome, lost.cost), (Some(Outcome::Lost), Some(MicroUsd(3_000))));
    assert_eq!(lost.cost_source.as_deref(), Some("priced"));
    assert_eq!((unpriced(&store), total(&store)), (0, 3_000));
    assert_classes(&store, 0);
    drop(folder);
}

/// The same thing in each provider's own sense: 25 tokens of new input, 60 from the cache, 10 written to it, and 40
/// of output, 15 of which are reasoning.
fn alike(provider: Provider, path: &str, input: u64, output: u64) -> Flow {
    let mut flow = ended(START);
    (flow.provider, flow.path) = (Some(provider), path.to_owned());
    flow.session = session(provider.as_str());
    flow.usage = Usage {
        input: Some(Tokens(input)),
        cache_read: Some(Tokens(60)),
        cache_write_5m: Some(Tokens(10)),
        cache_write_1h: None,
        output: Some(Tokens(output)),
        reasoning: Some(Tokens(15)),
        web_search_requests: Some(2),
    };
    flow
}

#[test]
fn what_means_the_same_is_the_same_in_every_class_whoever_served_it() {
    let fixture = Fixture::new();
    let flows = [
        alike(Provider::Anthropic, "/v1/messages", 25, 40),
        alike(Provider::OpenAi, "/v1/responses", 95, 40),
        alike(Provider::Gemini, "/v1beta/models/gemini-3-pro:generateContent", 95, 25),
        alike(Provider::XAi, "/v1/chat/completions", 95, 25),
    ];
    fixture.write(flows.iter().map(of).collect());
    let all =
        fixture.store.usage(&UsageQuery { by: vec![GroupBy::Provider], ..UsageQuery::default() });
    for group in all.unwrap().groups {
        let provider = group.provider.unwrap();
        let session = fixture.store.session(&provider).unwrap().unwrap().sums;
        assert_eq!(session, group.sums, "{provider}");
        let units = |class| group.sums.figure(Measure::units_of(class)).sum;
        let cached = [CostClass::Input, CostClass::CacheRead, CostClass::CacheWrite5m].map(units);
        assert_eq!(cached, [25, 60, 10], "{provider}");
        assert_eq!(units(CostClass::Output) + units(CostClass::Reasoning), 40, "{provider}");
        // What is billed of the flow is what is counted.
        let flow = flows.iter().find(|it| it.provider.unwrap().as_str() == provider).unwrap();
        assert_eq!(CostClass::ALL.map(units), flow.billed(), "{provider}");
    }
}

#[test]
fn days_that_were_priced_anew_are_looked_at_again_though_that_broke_off() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows: Vec<Flow> = (0..250)
        .map(|at| {
            let mut flow = priced(0, "m", "1");
            flow.started_at = Micros(flow.started_at.0 + at);
            flow
        })
        .collect();
    fixture.write(flows.iter().map(of).collect());
    let waiting = store.unread(500).unwrap();
    let read = waiting.iter().map(|it| (it.key, it.revision)).collect();
    store.keep_analysis(Analysis { read, ..Analysis::default() }).unwrap();
    assert_eq!(store.unread(9).unwrap(), []);
    let mut left = 220;
    let price: Reprice = Box::new(move |flow| {
        left -= 1;
        assert!(left > 0, "it breaks off here");
        at_price(flow, "2");
    });
    let broken = reprice(store, &RepriceQuery::default(), "b", false, price);
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(store.unread(9).unwrap(), []);
    let fixture = fixture.after_a_kill();
    let waiting = fixture.store.unread(9).unwrap();
    assert_eq!(waiting.iter().map(|it| it.flow).collect::<Vec<_>>(), [flows[249].id]);
    // Once.
    let read = waiting.iter().map(|it| (it.key, it.revision)).collect();
    fixture.store.keep_analysis(Analysis { read, ..Analysis::default() }).unwrap();
    assert_eq!(fixture.after_a_kill().store.unread(9).unwrap(), []);
}

#[test]
fn sessions_beyond_a_limit_are_read_some_at_a_time_until_enough_are_found() {
    let fixture = Fixture::new();
    let flow = |at: i64| Flow {
        session: session(&format!("s-{at}")),
        agent: (at < 3).then(|| "one".to_owned()),
        ..priced(0, "m", "1")
    };
    let flows: Vec<Flow> =
        (0..2_200).map(|at| Flow { started_at: Micros(START + at), ..flow(at) }).collect();
    for some in flows.chunks(550) {
        fixture.write(some.iter().map(of).collect());
    }
    let beyond = |most, wanted: fn(&SessionCost) -> bool| {
        let found = fixture.store.sessions_beyond(MicroUsd(1_000), most, wanted).unwrap();
        found.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let newest_first =
        |times: std::ops::Range<i64>| times.rev().map(|at| format!("s-{at}")).collect::<Vec<_>>();
    assert_eq!(beyond(9_999, |_| true), newest_first(0..2_200));
    assert_eq!(beyond(1_500, |_| true), newest_first(700..2_200));
    assert_eq!(beyond(2, |it| it.agent.is_some()), newest_first(1..3));
}
