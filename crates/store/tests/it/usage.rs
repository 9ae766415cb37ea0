//! Sums by group: those that are asked for, and nothing else.

use std::collections::BTreeMap;

use langley_model::{Flow, Micros};
use langley_store::{GroupBy, Measure, Tally, UsageQuery};

use crate::given::{Fixture, of};
use crate::rollups::{DAY, HOUR, START, many};

/// Flows by local day, counted one by one.
fn by_day(flows: &[Flow], query: &UsageQuery) -> Vec<(i64, u64, u64)> {
    let mut days: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    let floor = |at: i64| at.div_euclid(HOUR) * HOUR;
    for flow in flows {
        let hour = floor(flow.started_at.0);
        let from = query.since.map_or(i64::MIN, |since| floor(since.0));
        let to = query.until.map_or(i64::MAX, |until| until.0);
        if (from..to).contains(&hour) {
            let local = hour + i64::from(query.offset_minutes) * 60_000_000;
            let day = days.entry(local.div_euclid(DAY)).or_default();
            day.0 += 1;
            day.1 += flow.usage.output.map_or(0, |tokens| tokens.0);
        }
    }
    days.into_iter().map(|(day, (flows, output))| (day, flows, output)).collect()
}

#[test]
fn days_are_those_of_the_zone_and_of_the_span_that_are_asked_for() {
    let fixture = Fixture::new();
    let flows = many(600);
    fixture.write(flows.iter().map(of).collect());
    let spans = [
        (None, None),
        (Some(START + 5 * HOUR), None),
        (Some(START + 5 * HOUR + 1), Some(START + 4 * DAY + 7 * HOUR)),
        (Some(START + 30 * HOUR), Some(START + 31 * HOUR + 1)),
        (Some(START + DAY), Some(START + 3 * DAY)),
        (Some(START + 900 * DAY), None),
    ];
    for offset_minutes in [0, 60, 120, 330, 345, 840, -60, -210, -480, -720] {
        for (since, until) in spans {
            let (since, until) = (since.map(Micros), until.map(Micros));
            let by = vec![GroupBy::Day];
            let query = UsageQuery { by, since, until, offset_minutes, ..UsageQuery::default() };
            let report = fixture.store.usage(&query).unwrap();
            let told: Vec<_> = report
                .groups
                .iter()
                .map(|group| {
                    let output = group.sums.figure(Measure::Output).sum;
                    (group.day.unwrap(), group.sums.tally(Tally::Flows), output)
                })
                .collect();
            assert_eq!(told, by_day(&flows, &query), "{query:?}");
            let flows: u64 = told.iter().map(|(_, flows, _)| flows).sum();
            assert_eq!(report.totals.tally(Tally::Flows), flows);
        }
    }
}

#[test]
fn groups_are_told_apart_by_all_that_is_asked_for_and_by_nothing_else() {
    let fixture = Fixture::new();
    let mut flows = many(8);
    for flow in &mut flows[..3] {
        flow.model = Some(String::from("model-b"));
        flow.agent = Some(String::from("codex"));
    }
    fixture.write(flows.iter().map(of).collect());
    let ask = |by: &[GroupBy], model: Option<&str>| {
        let model = model.map(str::to_owned);
        let query = UsageQuery { by: by.to_vec(), model, ..UsageQuery::default() };
        let report = fixture.store.usage(&query).unwrap();
        let label = |text: &Option<String>| text.clone().unwrap_or_else(|| String::from("-"));
        report
            .groups
            .iter()
            .map(|it| {
                let hour = it.hour.map_or(-1, |hour| (hour.0 - START) / HOUR);
                let flows = it.sums.tally(Tally::Flows);
                format!("{hour} {} {} {flows}", label(&it.model), label(&it.agent))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(ask(&[], None), ["-1 - - 8"]);
    assert_eq!(ask(&[GroupBy::Model], None), ["-1  - 2", "-1 model-a - 3", "-1 model-b - 3"]);
    assert_eq!(ask(&[GroupBy::Agent], Some("model-b")), ["-1 - codex 3"]);
    assert_eq!(ask(&[GroupBy::Hour, GroupBy::Agent], None), ["0 -  1", "0 - codex 3", "1 -  4"]);
    assert!(ask(&[GroupBy::Model], Some("unheard of")).is_empty());
}
