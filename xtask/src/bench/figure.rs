//! Figures: collected per round, told as medians with their ratio to direct.

use std::fmt::Write;
use std::time::Duration;

/// What one run of one scenario gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) metrics: Vec<(&'static str, Metric)>,
    /// Requests answered whole.
    pub(super) requests: u64,
    /// Stream events received.
    pub(super) events: u64,
}

/// One figure; the kind says how it compares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Metric {
    /// Per second: a ratio to direct.
    Rate(f64),
    /// Microseconds: what is added to direct.
    Micros(f64),
}

/// All rounds.
#[derive(Debug, Default)]
pub(super) struct Figures {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    scenario: String,
    metric: &'static str,
    rate: bool,
    direct: Vec<f64>,
    langley: Vec<f64>,
}

impl Figures {
    /// Takes in one round of a scenario.
    pub(super) fn round(&mut self, scenario: &str, direct: &Measured, langley: &Measured) {
        for ((metric, direct), (_, langley)) in direct.metrics.iter().zip(&langley.metrics) {
            let (rate, direct, langley) = match (*direct, *langley) {
                (Metric::Rate(direct), Metric::Rate(langley)) => (true, direct, langley),
                (Metric::Micros(direct), Metric::Micros(langley)) => (false, direct, langley),
                _ => continue,
            };
            let row = self.row(scenario, metric, rate);
            row.direct.push(direct);
            row.langley.push(langley);
        }
    }

    /// Takes in the processor time Langley used for a run.
    pub(super) fn cpu(&mut self, scenario: &str, run: &Measured, used: Option<Duration>) {
        let Some(used) = used else { return };
        let (metric, units) = if run.events > 0 {
            ("CPU µs/event", run.events)
        } else {
            ("CPU µs/request", run.requests)
        };
        if units > 0 {
            let row = self.row(scenario, metric, false);
            row.langley.push(used.as_secs_f64() * 1e6 / units as f64);
        }
    }

    fn row(&mut self, scenario: &str, metric: &'static str, rate: bool) -> &mut Row {
        let known = self.rows.iter().position(|r| r.scenario == scenario && r.metric == metric);
        let at = known.unwrap_or_else(|| {
            let (direct, langley) = (Vec::new(), Vec::new());
            self.rows.push(Row { scenario: scenario.to_owned(), metric, rate, direct, langley });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// The table.
    pub(super) fn table(&self) -> String {
        let mut out = format!(
            "\n{:<10} {:<16} {:>12} {:>12}  {}\n",
            "scenario", "figure", "direct", "langley", "langley against direct (worst..best)"
        );
        for row in &self.rows {
            let direct = median(&row.direct);
            let told = match direct {
                None => String::new(),
                Some(_) if row.rate => compare(row, |langley, direct| langley / direct, "×"),
                Some(_) => compare(row, |langley, direct| langley - direct, "µs added"),
            };
            let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), tell);
            let _ = writeln!(
                out,
                "{:<10} {:<16} {:>12} {:>12}  {told}",
                row.scenario,
                row.metric,
                number(direct),
                number(median(&row.langley)),
            );
        }
        out
    }
}

fn compare(row: &Row, by: impl Fn(f64, f64) -> f64, unit: &str) -> String {
    let each: Vec<f64> = row
        .langley
        .iter()
        .zip(&row.direct)
        .map(|(langley, direct)| by(*langley, *direct))
        .collect();
    let (low, high) = each
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    let (worst, best) = if row.rate { (low, high) } else { (high, low) };
    let middle = median(&each).unwrap_or(f64::NAN);
    format!("{} {unit} ({}..{})", tell(middle), tell(worst), tell(best))
}

/// The middle value; none of none.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The value below which `share` of all lie; zero of none.
pub(super) fn percentile(values: &mut [u64], share: f64) -> f64 {
    values.sort_unstable();
    let rank = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(rank).copied().unwrap_or(0) as f64
}

fn tell(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_its_round_and_the_median_told() {
        let mut figures = Figures::default();
        for (direct, langley) in [(100.0, 50.0), (200.0, 60.0), (100.0, 40.0)] {
            let run = |rate| Measured {
                metrics: vec![("requests/s", Metric::Rate(rate))],
                ..Measured::default()
            };
            figures.round("small", &run(direct), &run(langley));
        }
        let table = figures.table();
        assert!(table.contains("0.400 × (0.300..0.500)"), "{table}");
    }

    #[test]
    fn medians_and_percentiles_of_few_values() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(percentile(&mut [5, 1, 9], 0.5), 5.0);
        assert_eq!(percentile(&mut [], 0.99), 0.0);
    }
}
