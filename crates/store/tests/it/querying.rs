//! Listings: by any filter, by an index, a page at a time.

use langley_model::{Flow, MicroUsd, Micros, Outcome, Provider};
use langley_store::{FACET_MAX, FlowFilter, OutcomeFilter, StatusFilter, Store, StoreError};

use crate::given::{Fixture, body, ended, flow, message, of, run, session};
use langley_model::Side;

fn starts(store: &Store, filter: &FlowFilter) -> Vec<i64> {
    let page = store.flows(filter, None, 500).unwrap();
    assert_eq!(store.count_flows(filter).unwrap(), page.items.len() as u64, "{filter:?}");
    page.items.iter().map(|flow| flow.started_at.0).collect()
}

fn several() -> Fixture {
    let fixture = Fixture::new();
    let mut flows: Vec<Flow> = (1..=6).map(|start| ended(start * 1000)).collect();
    flows[0].host = String::from("b.example");
    flows[1].model = None;
    flows[1].model_requested = Some(String::from("model-b"));
    flows[1].provider = Some(Provider::OpenAi);
    flows[2].status = Some(529);
    flows[2].outcome = Some(Outcome::ProviderError);
    flows[2].error_message = Some(String::from("Overloaded 100%_\\"));
    flows[3].session = session("s-1");
    flows[3].task = session("t-1");
    flows[3].cost = Some(MicroUsd(50));
    flows[4].tool_names = vec![String::from("Read"), String::from("Bash")];
    flows[4].cost = Some(MicroUsd(49));
    flows[5].outcome = None;
    flows[5].status = Some(404);
    flows[5].preview = Some(String::from("please search the needle"));
    fixture.write(flows.iter().map(of).collect());
    fixture
}

#[test]
fn every_member_of_the_filter_narrows_the_listing() {
    let fixture = several();
    let store = &fixture.store;
    let text = |text: &str| Some(text.to_owned());
    let all = FlowFilter::default;
    store.star("s-1", Micros(7)).unwrap();
    let connection = store.flows(&all(), None, 500).unwrap().items[4].connection;
    let cases: Vec<(FlowFilter, &[i64])> = vec![
        (all(), &[6, 5, 4, 3, 2, 1]),
        (FlowFilter { host: text("b.example"), ..all() }, &[1]),
        (FlowFilter { provider: Some(Provider::OpenAi), ..all() }, &[2]),
        (FlowFilter { model: text("model-b"), ..all() }, &[2]),
        (FlowFilter { status: Some(StatusFilter::Exact(404)), ..all() }, &[6]),
        (FlowFilter { status: Some(StatusFilter::Class(5)), ..all() }, &[3]),
        (FlowFilter { status: Some(StatusFilter::Class(2)), ..all() }, &[5, 4, 2, 1]),
        (FlowFilter { session: text("s-1"), ..all() }, &[4]),
        (FlowFilter { task: text("t-1"), ..all() }, &[4]),
        (FlowFilter { tool: text("Bash"), ..all() }, &[5]),
        (FlowFilter { tool: text("bASH"), ..all() }, &[5]),
        (FlowFilter { tool: text("bas"), ..all() }, &[]),
        (FlowFilter { starred: true, ..all() }, &[4]),
        (FlowFilter { connection: Some(connection), ..all() }, &[2]),
        (FlowFilter { outcome: Some(OutcomeFilter::Open), ..all() }, &[6]),
        (FlowFilter { outcome: Some(OutcomeFilter::Ended(Outcome::ProviderError)), ..all() }, &[3]),
        (FlowFilter { q: text("NEEDLE"), ..all() }, &[6]),
        (FlowFilter { q: text("100%_\\"), ..all() }, &[3]),
        (FlowFilter { q: text("%"), ..all() }, &[3]),
        (FlowFilter { q: text("b.exam"), ..all() }, &[1]),
        (FlowFilter { since: Some(Micros(5000)), ..all() }, &[6, 5]),
        (FlowFilter { until: Some(Micros(2000)), ..all() }, &[1]),
        (FlowFilter { min_cost: Some(MicroUsd(50)), ..all() }, &[4]),
        (FlowFilter { host: text("api.example"), model: text("model-b"), ..all() }, &[2]),
        (FlowFilter { host: text("nowhere"), ..all() }, &[]),
    ];
    for (filter, expected) in cases {
        let expected: Vec<i64> = expected.iter().map(|start| start * 1000).collect();
        assert_eq!(starts(store, &filter), expected, "{filter:?}");
    }
}

#[test]
fn pages_join_without_gap_or_repetition_while_newer_flows_arrive() {
    let fixture = Fixture::new();
    fixture.write((1..=25).map(|start| of(&ended(start * 10))).collect());
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = fixture.store.flows(&FlowFilter::default(), cursor.as_deref(), 7).unwrap();
        seen.extend(page.items.iter().map(|flow| flow.started_at.0));
        fixture.write(vec![of(&ended(100_000 + seen.len() as i64))]);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=25).rev().map(|start| start * 10).collect::<Vec<i64>>());
    let wrong = fixture.store.flows(&FlowFilter::default(), Some("nonsense"), 7);
    assert!(matches!(wrong, Err(StoreError::Cursor)));
}

#[test]
fn flows_of_the_same_microsecond_are_all_kept() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (0..300).map(|_| ended(7)).collect();
    fixture.write(flows.iter().map(of).collect());
    let filter =
        FlowFilter { since: Some(Micros(7)), until: Some(Micros(8)), ..FlowFilter::default() };
    assert_eq!(starts(&fixture.store, &filter), vec![7; 300]);
    for flow in &flows {
        assert_eq!(&*fixture.store.flow(flow.id).unwrap().unwrap(), flow);
    }
}

#[test]
fn facets_count_what_the_listing_shows() {
    let fixture = several();
    let facets = fixture.store.facets(None).unwrap();
    let pairs = |facets: &[langley_store::Facet]| {
        facets.iter().map(|facet| (facet.value.clone(), facet.count)).collect::<Vec<_>>()
    };
    let is = |value: &str, count| (value.to_owned(), count);
    assert_eq!(pairs(&facets.hosts), [is("api.example", 5), is("b.example", 1)]);
    assert_eq!(pairs(&facets.providers), [is("anthropic", 5), is("openai", 1)]);
    assert_eq!(pairs(&facets.models), [is("model-a", 5), is("model-b", 1)]);
    assert_eq!(
        pairs(&facets.outcomes),
        [is("completed", 4), is("open", 1), is("provider_error", 1)]
    );
    assert_eq!(facets.sessions.len(), 1);
    assert_eq!((facets.sessions[0].value.as_str(), facets.sessions[0].count), ("s-1", 1));
}

#[test]
fn a_session_is_told_by_its_beginning_and_found_by_it() {
    let fixture = Fixture::new();
    let mut flows: Vec<Flow> = (1..=4).map(|start| ended(start * 1000)).collect();
    for (flow, id) in flows.iter_mut().zip(["s-old", "s-old", "s-old", "s-new"]) {
        flow.session = session(id);
    }
    flows[1].preview = Some(String::from("Mend the Parser"));
    flows[2].preview = Some(String::from("something later"));
    fixture.write(flows.iter().map(of).collect());
    let found = |q| {
        let sessions = fixture.store.facets(q).unwrap().sessions;
        sessions.into_iter().map(|session| session.value).collect::<Vec<_>>()
    };
    let all = fixture.store.facets(None).unwrap().sessions;
    assert_eq!(found(None), ["s-new", "s-old"]);
    assert_eq!(all[1].first_at, Some(Micros(1000)));
    assert_eq!(all[1].opening.as_deref(), Some("Mend the Parser"));
    assert_eq!((all[0].opening.as_deref(), all[1].count), (None, 3));
    assert_eq!(found(Some("the parser")), ["s-old"]);
    assert_eq!(found(Some("S-NEW")), ["s-new"]);
    assert!(found(Some("something later")).is_empty());
    assert!(fixture.store.facets(Some("%")).unwrap().hosts.is_empty());
    assert_eq!(fixture.store.facets(Some("API.")).unwrap().hosts.len(), 1);
}

#[test]
fn no_list_of_values_is_longer_than_told_and_a_search_reaches_beyond_it() {
    let fixture = Fixture::new();
    let many = i64::try_from(FACET_MAX).unwrap() + 5;
    let flows = (0..many).map(|at| {
        let mut flow = ended(1000 + at);
        flow.session = session(&format!("s-{at:04}"));
        flow.host = format!("h-{at:04}.example");
        of(&flow)
    });
    fixture.write(flows.collect());
    let facets = fixture.store.facets(None).unwrap();
    assert_eq!((facets.sessions.len(), facets.hosts.len()), (FACET_MAX, FACET_MAX));
    assert!(facets.sessions.iter().all(|session| session.value != "s-0000"));
    let found = fixture.store.facets(Some("-0000")).unwrap();
    assert_eq!((found.sessions.len(), found.hosts[0].value.as_str()), (1, "h-0000.example"));
}

#[test]
fn what_is_common_and_what_is_rare_are_listed_and_counted_alike() {
    let fixture = Fixture::new();
    let common = 5_003;
    let all: Vec<_> = (1..=common + 4)
        .map(|n| {
            let mut flow = ended(n);
            let tool = if n % 1_251 == 0 { "rare" } else { "common" };
            flow.tool_names = vec![String::from(tool), String::from(tool)];
            flow.cost = Some(MicroUsd(n));
            flow.task = session(if n == 7 { "one" } else { "other" });
            of(&flow)
        })
        .collect();
    for some in all.chunks(500) {
        fixture.write(some.to_vec());
    }
    let of_tool = |tool: &str| FlowFilter { tool: Some(tool.to_owned()), ..FlowFilter::default() };
    let of_cost = |cost| FlowFilter { min_cost: Some(MicroUsd(cost)), ..FlowFilter::default() };
    let newest = |filter: &FlowFilter| {
        let page = fixture.store.flows(filter, None, 3).unwrap();
        page.items.iter().map(|flow| flow.started_at.0).collect::<Vec<_>>()
    };
    let count = |filter: &FlowFilter| fixture.store.count_flows(filter).unwrap();
    assert_eq!(newest(&of_tool("rare")), [5_004, 3_753, 2_502]);
    assert_eq!(newest(&of_tool("common")), [5_007, 5_006, 5_005]);
    assert_eq!((count(&of_tool("rare")), count(&of_tool("common"))), (4, 5_003));
    // Few flows cost so much, and nearly all cost so little.
    assert_eq!(newest(&of_cost(5_000)), newest(&of_cost(2)));
    assert_eq!((count(&of_cost(5_000)), count(&of_cost(2))), (8, 5_006));
    let both = FlowFilter { min_cost: Some(MicroUsd(3_000)), ..of_tool("rare") };
    assert_eq!(starts(&fixture.store, &both), [5_004, 3_753]);
    let task = FlowFilter { task: Some(String::from("one")), ..FlowFilter::default() };
    assert_eq!(starts(&fixture.store, &task), [7]);
}

#[test]
fn deleting_takes_all_that_belongs_to_a_flow_and_nothing_else() {
    let fixture = Fixture::new();
    let (mut kept, gone, open) = (ended(1), ended(2), flow(3));
    kept.host = String::from("kept.example");
    let shared = b"shared by both of them, hence kept".repeat(9);
    let own = b"only in the one that goes".repeat(9);
    fixture.write(vec![
        of(&kept),
        of(&gone),
        of(&open),
        body(kept.id, Side::Client, shared.clone()),
        body(gone.id, Side::Client, shared.clone()),
        body(gone.id, Side::Upstream, own.clone()),
        message(gone.id),
        run(gone.id, 0, 500, 220),
    ]);
    let filter = FlowFilter { host: Some(String::from("api.example")), ..FlowFilter::default() };
    assert_eq!(fixture.store.delete_flows(&filter).unwrap(), 1);
    assert_eq!(fixture.store.delete_flows(&filter).unwrap(), 0);

    assert_eq!(starts(&fixture.store, &FlowFilter::default()), [3, 1]);
    assert_eq!(fixture.store.body(kept.id, Side::Client).unwrap().unwrap().bytes, shared);
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        conn.query_row(&sql, (), |row| row.get(0)).unwrap()
    };
    assert_eq!((count("blobs"), count("event_blocks"), count("flows")), (1, 0, 2));
    // What was deleted can be stored anew, although its hash had been remembered.
    let again = ended(9);
    fixture.write(vec![of(&again), body(again.id, Side::Client, own.clone())]);
    assert_eq!(fixture.store.body(again.id, Side::Client).unwrap().unwrap().bytes, own);
}

#[test]
fn counts_stay_true_while_flows_end_change_and_go() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    // Every count must be what a listing, which reads the flows themselves, finds.
    let holds = |store: &Store| {
        let all = FlowFilter::default;
        let text = |text: &str| Some(text.to_owned());
        for filter in [
            all(),
            FlowFilter { host: text("b.example"), ..all() },
            FlowFilter { model: text("model-b"), ..all() },
            FlowFilter { model: text(""), ..all() },
            FlowFilter { session: text("s-1"), outcome: Some(OutcomeFilter::Open), ..all() },
            FlowFilter { provider: Some(Provider::OpenAi), ..all() },
            FlowFilter { status: Some(StatusFilter::Class(2)), ..all() },
            FlowFilter { outcome: Some(OutcomeFilter::Ended(Outcome::Lost)), ..all() },
        ] {
            starts(store, &filter);
        }
        let facets = store.facets(None).unwrap();
        assert!(facets.sessions.iter().all(|session| session.count > 0), "{facets:?}");
        for facets in [&facets.hosts, &facets.outcomes] {
            assert!(facets.iter().all(|facet| facet.count > 0), "{facets:?}");
            let counted: u64 = facets.iter().map(|facet| facet.count).sum();
            assert_eq!(counted, store.count_flows(&all()).unwrap(), "{facets:?}");
        }
    };
    let mut flows: Vec<Flow> = (1..=4).map(|start| flow(start * 1000)).collect();
    fixture.write(flows.iter().map(of).collect());
    holds(store);
    flows[0].host = String::from("b.example");
    flows[1].model = Some(String::from("model-b"));
    flows[1].status = Some(200);
    flows[2].session = session("s-1");
    flows[2].provider = Some(Provider::OpenAi);
    fixture.write(flows.iter().map(of).collect());
    holds(store);
    flows[1].outcome = Some(Outcome::Completed);
    flows[2].outcome = Some(Outcome::Completed);
    fixture.write(flows.iter().map(of).collect());
    holds(store);
    // A correction after the end moves the flow.
    flows[2].session = session("s-2");
    fixture.write(vec![of(&flows[2])]);
    holds(store);
    assert_eq!(store.facets(None).unwrap().sessions[0].value, "s-2");
    let completed = OutcomeFilter::Ended(Outcome::Completed);
    let gone = FlowFilter { outcome: Some(completed), ..FlowFilter::default() };
    assert_eq!(store.delete_flows(&gone).unwrap(), 2);
    holds(store);
    assert_eq!(store.facets(None).unwrap().sessions, []);
    let again = fixture.after_a_kill();
    holds(&again.store);
    let lost = OutcomeFilter::Ended(Outcome::Lost);
    let lost = FlowFilter { outcome: Some(lost), ..FlowFilter::default() };
    assert_eq!(again.store.count_flows(&lost).unwrap(), 2);
}

#[test]
fn starred_sessions_are_listed_together_page_by_page_in_both_orders() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (0..12)
        .map(|at| {
            let mut flow = ended(1_000 * (at + 1));
            flow.session = session(["a", "b", "c"][at as usize % 3]);
            flow.host = String::from(if at < 6 { "old.example" } else { "new.example" });
            flow
        })
        .collect();
    fixture.write(flows.iter().map(of).collect());
    for name in ["a", "c"] {
        fixture.store.star(name, Micros(1)).unwrap().unwrap();
    }
    let listed = |filter: &FlowFilter, newest: bool| {
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let page = if newest {
                fixture.store.flows(filter, cursor.as_deref(), 3).unwrap()
            } else {
                fixture.store.flows_oldest_first(filter, cursor.as_deref(), 3).unwrap()
            };
            seen.extend(page.items.iter().map(|flow| flow.started_at.0 / 1_000 - 1));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return seen;
            }
        }
    };
    let starred = FlowFilter { starred: true, ..FlowFilter::default() };
    assert_eq!(listed(&starred, true), [11, 9, 8, 6, 5, 3, 2, 0]);
    assert_eq!(listed(&starred, false), [0, 2, 3, 5, 6, 8, 9, 11]);
    let old = FlowFilter { host: Some(String::from("old.example")), ..starred.clone() };
    assert_eq!(listed(&old, true), [5, 3, 2, 0]);
    let one = FlowFilter { session: Some(String::from("b")), ..starred.clone() };
    assert_eq!(listed(&one, true), Vec::<i64>::new());
    assert_eq!(fixture.store.count_some(&starred).unwrap().flows, 8);
}

#[test]
fn a_session_names_its_models_the_one_that_was_asked_last_first() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let asked = |at: i64, model: Option<&str>| {
        let mut flow = ended(at);
        flow.session = session("s");
        (flow.model, flow.model_requested) = (None, model.map(str::to_owned));
        flow
    };
    let mut haiku = asked(3, Some("haiku-latest"));
    haiku.model = Some(String::from("haiku"));
    let flows = [asked(1, Some("opus")), asked(2, Some("gone")), haiku, asked(4, Some("opus"))];
    fixture.write(flows.iter().map(of).collect());
    let of_another = Flow { session: session("other"), ..asked(5, Some("elsewhere")) };
    fixture.write(vec![of(&asked(6, None)), of(&of_another)]);
    let models = || {
        let one = store.session("s").unwrap().unwrap();
        let listed = store.sessions((None, None), None, 9).unwrap().items;
        let listed = listed.into_iter().find(|session| session.id == "s").unwrap();
        assert_eq!(one, listed);
        (one.model, one.models)
    };
    let names = |names: &[&str]| names.iter().map(|it| String::from(*it)).collect::<Vec<_>>();
    // The last one names none, and takes nothing away.
    assert_eq!(models(), (None, names(&["opus", "haiku", "gone"])));
    let (since, until) = (Some(Micros(2)), Some(Micros(3)));
    store.delete_flows(&FlowFilter { since, until, ..FlowFilter::default() }).unwrap();
    assert_eq!(models().1, names(&["opus", "haiku"]), "no flow of the other is left");
    let many: Vec<Flow> = (10..40).map(|at| asked(at, Some(&format!("m-{at}")))).collect();
    fixture.write(many.iter().map(of).collect());
    let told = models().1;
    assert_eq!((told.len(), told[0].as_str(), told[15].as_str()), (16, "m-39", "m-24"));
}
