//! What flows add up to.

use langley_model::{CostClass, Flow};

use super::measure::{Measure, Tally};
use super::spread::Spread;

/// Columns of numbers: a tally each, and two for a measure.
pub(super) const NUMBERS: usize = Tally::ALL.len() + 2 * Measure::ALL.len();

/// A sum, and how many flows it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// The sum over the flows that have the figure.
    pub sum: u64,
    /// How many have it.
    pub flows: u64,
}

impl Figure {
    /// The sum, unless no flow has the figure.
    #[must_use]
    pub fn known(self) -> Option<u64> {
        (self.flows > 0).then_some(self.sum)
    }
}

/// What a number of flows add up to; or by how much a transaction changes that, for which all numbers wrap
/// around: what is added and taken out again leaves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    numbers: [u64; NUMBERS],
    spreads: [Spread; Measure::SPREAD.len()],
}

impl Default for Sums {
    fn default() -> Self {
        Self { numbers: [0; NUMBERS], spreads: Default::default() }
    }
}

/// Figures of what was used and what that cost: the first of the measures, and a sum and a number of flows for each.
const USED: usize = 2 * (Measure::CostWebSearch as usize + 1);

/// What was estimated of it, behind them: what is stored of an earlier version ends before.
const ESTIMATED: [Measure; 3] =
    [Measure::EstimatedInput, Measure::EstimatedOutput, Measure::EstimatedCost];

/// Of sums only what was used and what it cost, of how many flows: of tens of thousands a cost report tells a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Costs(pub(super) [u64; Sums::COSTS.len()]);

impl Default for Costs {
    fn default() -> Self {
        Self([0; Sums::COSTS.len()])
    }
}

impl Costs {
    /// Of a flow.
    pub(super) fn of(flow: &Flow) -> Self {
        let mut costs = Self::default();
        (costs.0[0], costs.0[1]) = (Tally::Flows.of(flow), Tally::Unpriced.of(flow));
        let shares = flow.cost_shares();
        let used = Measure::ALL.into_iter().take(USED / 2);
        let figures = costs.0[2..].chunks_exact_mut(2);
        for (measure, figure) in used.chain(ESTIMATED).zip(figures) {
            if let Some(number) = measure.of(flow, shares.as_ref()) {
                (figure[0], figure[1]) = (number, 1);
            }
        }
        costs.0[Sums::COSTS.len() - 1] = Tally::Estimated.of(flow);
        costs
    }

    /// What it cost, in millionths of a dollar.
    pub(super) const fn cost(&self) -> u64 {
        self.0[2 + 2 * Measure::Cost as usize]
    }

    /// Adds others.
    pub(super) fn merge(&mut self, others: &Self) {
        for (number, more) in self.0.iter_mut().zip(others.0) {
            *number = number.wrapping_add(more);
        }
    }

    /// Takes others out.
    pub(super) fn take_out(&mut self, others: &Self) {
        for (number, less) in self.0.iter_mut().zip(others.0) {
            *number = number.wrapping_sub(less);
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As sums, of which all others are nothing.
    pub(super) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for (place, number) in Sums::COSTS.into_iter().zip(self.0) {
            sums.numbers[place] = number;
        }
        sums
    }
}

impl Sums {
    /// The places of what was used and what it cost, of how many flows.
    pub(super) const COSTS: [usize; 2 + USED + 2 * ESTIMATED.len() + 1] = {
        let mut places = [0; 2 + USED + 2 * ESTIMATED.len() + 1];
        places[0] = Tally::Flows as usize;
        places[1] = Tally::Unpriced as usize;
        let mut place = 0;
        while place < USED {
            places[2 + place] = Tally::ALL.len() + place;
            place += 1;
        }
        let mut place = 0;
        while place < ESTIMATED.len() {
            let figure = Tally::ALL.len() + 2 * ESTIMATED[place] as usize;
            places[2 + USED + 2 * place] = figure;
            places[2 + USED + 2 * place + 1] = figure + 1;
            place += 1;
        }
        places[places.len() - 1] = Tally::Estimated as usize;
        places
    };

    /// How much of this there is.
    #[must_use]
    pub const fn tally(&self, tally: Tally) -> u64 {
        self.numbers[tally as usize]
    }

    /// Tokens that were written to the cache, for however long; none where no flow says.
    #[must_use]
    pub fn written(&self) -> Option<u64> {
        let [short, long] = [Measure::CacheWrite5m, Measure::CacheWrite1h];
        let sums = [short, long].map(|measure| self.figure(measure).known());
        sums.into_iter().flatten().reduce(u64::saturating_add)
    }

    /// What flows cost of which it is not known for what, as a provider told it as a whole: with the costs by class
    /// it makes the cost.
    #[must_use]
    pub fn undivided(&self) -> Figure {
        let costs = CostClass::ALL.map(|class| self.figure(Measure::of_class(class)).sum);
        let divided = costs.into_iter().fold(0_u64, u64::wrapping_add);
        let Figure { sum, flows } = self.figure(Measure::Cost);
        let divided_flows = self.figure(Measure::CostInput).flows;
        Figure { sum: sum.wrapping_sub(divided), flows: flows.wrapping_sub(divided_flows) }
    }

    /// The sum of a measure.
    #[must_use]
    pub const fn figure(&self, measure: Measure) -> Figure {
        let place = Tally::ALL.len() + 2 * measure as usize;
        Figure { sum: self.numbers[place], flows: self.numbers[place + 1] }
    }

    /// Counts more of this.
    pub const fn count_more(&mut self, tally: Tally, more: u64) {
        let number = &mut self.numbers[tally as usize];
        *number = number.wrapping_add(more);
    }

    /// Adds to a measure's sum what other records than flows tell of it.
    pub const fn add_figure(&mut self, measure: Measure, more: Figure) {
        let place = Tally::ALL.len() + 2 * measure as usize;
        self.numbers[place] = self.numbers[place].wrapping_add(more.sum);
        self.numbers[place + 1] = self.numbers[place + 1].wrapping_add(more.flows);
    }

    /// How a span of time spreads; none for what is no span.
    #[must_use]
    pub fn spread(&self, measure: Measure) -> Option<&Spread> {
        let place = Measure::SPREAD.iter().position(|spread| *spread == measure)?;
        self.spreads.get(place)
    }

    /// Flows that have not ended.
    #[must_use]
    pub fn open(&self) -> u64 {
        let ended = langley_model::Outcome::ALL.map(|it| self.tally(Tally::of_outcome(it)));
        self.tally(Tally::Flows).wrapping_sub(ended.into_iter().fold(0, u64::wrapping_add))
    }

    /// Adds a flow.
    pub(super) fn add(&mut self, flow: &Flow) {
        self.count(flow, 1);
    }

    /// Takes a flow out that was added as it is here.
    pub(super) fn take_out(&mut self, flow: &Flow) {
        self.count(flow, 1_u64.wrapping_neg());
    }

    fn count(&mut self, flow: &Flow, times: u64) {
        let shares = flow.cost_shares();
        let mut add = |place: usize, number: u64| {
            self.numbers[place] = self.numbers[place].wrapping_add(number.wrapping_mul(times));
        };
        for tally in Tally::ALL {
            add(tally as usize, tally.of(flow));
        }
        for measure in Measure::ALL {
            if let Some(number) = measure.of(flow, shares.as_ref()) {
                let place = Tally::ALL.len() + 2 * measure as usize;
                add(place, number);
                add(place + 1, 1);
            }
        }
        for (spread, measure) in self.spreads.iter_mut().zip(Measure::SPREAD) {
            if let Some(nanos) = measure.of(flow, None) {
                spread.add(nanos, times);
            }
        }
    }

    /// Puts what is now counted of a flow in the place of what was.
    pub(super) fn alter_tally(&mut self, tally: Tally, before: u64, after: u64) {
        let number = &mut self.numbers[tally as usize];
        *number = number.wrapping_add(after).wrapping_sub(before);
    }

    /// The same of a measure.
    pub(super) fn alter(&mut self, measure: Measure, before: Option<u64>, after: Option<u64>) {
        let place = Tally::ALL.len() + 2 * measure as usize;
        let of = |it: Option<u64>| [it.unwrap_or(0), u64::from(it.is_some())];
        let figure = self.numbers[place..place + 2].iter_mut();
        for ((number, before), after) in figure.zip(of(before)).zip(of(after)) {
            *number = number.wrapping_add(after).wrapping_sub(before);
        }
        if let Some(place) = Measure::SPREAD.iter().position(|spread| *spread == measure) {
            let spread = &mut self.spreads[place];
            before.into_iter().for_each(|nanos| spread.add(nanos, 1_u64.wrapping_neg()));
            after.into_iter().for_each(|nanos| spread.add(nanos, 1));
        }
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        for (number, more) in self.numbers.iter_mut().zip(other.numbers) {
            *number = number.wrapping_add(more);
        }
        for (spread, more) in self.spreads.iter_mut().zip(&other.spreads) {
            spread.merge(more);
        }
    }

    /// Takes other sums out.
    pub(super) fn take_out_all(&mut self, other: &Self) {
        for (number, less) in self.numbers.iter_mut().zip(other.numbers) {
            *number = number.wrapping_sub(less);
        }
        for (spread, less) in self.spreads.iter_mut().zip(&other.spreads) {
            spread.take_out(less);
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.numbers == [0; NUMBERS] && self.spreads.iter().all(Spread::is_empty)
    }

    /// Names of the columns: the numbers, then the spreads.
    pub(super) fn columns() -> impl Iterator<Item = String> {
        let tallies = Tally::ALL.into_iter().map(|tally| tally.column().to_owned());
        let figures = Measure::ALL.into_iter().flat_map(|measure| {
            [measure.column().to_owned(), format!("{}_flows", measure.column())]
        });
        let spreads =
            Measure::SPREAD.into_iter().map(|measure| format!("{}_spread", measure.column()));
        tallies.chain(figures).chain(spreads)
    }

    pub(super) const fn numbers(&self) -> &[u64; NUMBERS] {
        &self.numbers
    }

    pub(super) const fn numbers_mut(&mut self) -> &mut [u64; NUMBERS] {
        &mut self.numbers
    }

    pub(super) const fn spreads(&self) -> &[Spread; Measure::SPREAD.len()] {
        &self.spreads
    }

    pub(super) const fn spreads_mut(&mut self) -> &mut [Spread; Measure::SPREAD.len()] {
        &mut self.spreads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_own_place() {
        for (place, tally) in Tally::ALL.into_iter().enumerate() {
            assert_eq!(tally as usize, place, "{tally:?}");
        }
        for (place, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, place, "{measure:?}");
        }
        let mut costs = Costs::default();
        for (place, number) in costs.0.iter_mut().enumerate() {
            *number = place as u64;
        }
        assert_eq!(costs.cost(), costs.sums().figure(Measure::Cost).sum);
        let mut columns: Vec<String> = Sums::columns().collect();
        assert_eq!(columns.len(), NUMBERS + Measure::SPREAD.len());
        let costs: Vec<&str> = Sums::COSTS.iter().map(|place| columns[*place].as_str()).collect();
        assert_eq!(costs[..4], ["flows", "unpriced", "input", "input_flows"]);
        for class in CostClass::ALL {
            for measure in [Measure::of_class(class), Measure::units_of(class), Measure::Cost] {
                assert!(costs.contains(&measure.column()), "{measure:?}");
            }
        }
        assert_eq!(costs[2 + USED - 1], "cost_web_search_flows");
        assert_eq!(costs[2 + USED + 4..], ["estimated_cost", "estimated_cost_flows", "estimated"]);
        columns.sort_unstable();
        columns.dedup();
        assert_eq!(columns.len(), NUMBERS + Measure::SPREAD.len());
    }
}
