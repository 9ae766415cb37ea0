//! Prices flows by a book. What was looked up is remembered: agents ask the same few models all day.

use std::sync::Arc;

use langley_model::{
    Billed, CostClass, EstimateSource, ExactCost, Flow, MicroUsd, Outcome, Provider, Rates, Terms,
    UsageEstimate,
};

use super::book::{Model, PriceBook};
use super::card::{Card, Day, day_of, prompt};
use super::name;
use super::overrides::PriceOverride;

/// Models that are remembered, and terms.
const REMEMBERED: usize = 64;

/// Ways to be served that are the usual one, by the providers' words.
const USUAL: [&str; 6] = ["standard", "default", "on_demand", "auto", "not_available", "none"];

/// What Anthropic says where inference was kept to one region.
const IN_REGION: &str = "us";

/// Prices flows; one for each thread.
#[derive(Debug)]
pub struct Pricer {
    book: Arc<PriceBook>,
    found: Vec<Found>,
    terms: Vec<Arc<Terms>>,
}

/// What is known of a model.
#[derive(Debug)]
struct Found {
    provider: Provider,
    /// As the flow names it: the one that answered, and the one that was asked for.
    names: [Option<String>; 2],
    model: Option<Arc<Model>>,
    overrides: Vec<PriceOverride>,
}

/// What a flow costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The cost.
    pub cost: MicroUsd,
    /// The same before rounding, by class.
    pub exact: ExactCost,
    /// Whether not all of what is billed is known.
    pub is_estimate: bool,
    /// On what terms.
    pub terms: Arc<Terms>,
}

/// Prices that are the same all day.
#[derive(Debug)]
pub(crate) struct DayTerms {
    usual: Arc<Terms>,
    /// Those of a response whose prompt has more tokens than this.
    long: Option<(u64, Arc<Terms>)>,
}

impl DayTerms {
    /// What so much costs; none where a class is used that has no price.
    pub(crate) fn cost(&self, billed: &Billed) -> Option<ExactCost> {
        let long = self.long.as_ref().filter(|(above, _)| prompt(billed) > *above);
        long.map_or(&self.usual, |(_, long)| long).rates.cost(billed)
    }
}

/// What the price book lacks of what a flow used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Its model.
    Model,
    /// The way in which it was served, by the provider's word.
    Tier(String),
    /// A class of its usage.
    Class(CostClass),
}

impl Pricer {
    /// Prices by this book.
    #[must_use]
    pub const fn new(book: Arc<PriceBook>) -> Self {
        Self { book, found: Vec::new(), terms: Vec::new() }
    }

    /// The version of the book.
    #[must_use]
    pub fn version(&self) -> String {
        self.book.version()
    }

    /// Prices a flow whose usage is final: sets cost, source and terms, or leaves them unknown. What the
    /// provider said itself stays.
    pub fn price(&mut self, flow: &mut Flow) {
        if flow.cost_source.as_deref() == Some("reported") {
            return;
        }
        let quote = self.quote(flow);
        let source = |it: &Quote| if it.is_estimate { "estimated" } else { "priced" };
        flow.cost_source = quote.as_ref().map(|quote| source(quote).to_owned());
        flow.cost = quote.as_ref().map(|quote| quote.cost);
        flow.terms = quote.map(|quote| quote.terms);
        // What a transcript tells was priced with it.
        let by_text = |it: &UsageEstimate| it.source != EstimateSource::Transcript;
        if let Some(mut estimate) = flow.estimate.filter(by_text) {
            estimate.cost = self.beyond(flow, &estimate);
            flow.estimate = Some(estimate);
        }
    }

    /// What an estimate comes to beside what is known of a flow: what all would cost, less what the cost is of.
    pub(crate) fn beyond(&mut self, flow: &Flow, estimate: &UsageEstimate) -> Option<MicroUsd> {
        if flow.cost.is_none() && !flow.usage.is_empty() {
            return None;
        }
        let mut whole = flow.clone();
        whole.usage.input = whole.usage.input.or(estimate.input);
        whole.usage.output = whole.usage.output.or(estimate.output);
        let cost = self.quote(&whole)?.cost;
        Some(MicroUsd(cost.0.saturating_sub(flow.cost.map_or(0, |known| known.0))))
    }

    /// What a flow costs; none where it used nothing that is told, or where any of its prices is not
    /// known.
    pub fn quote(&mut self, flow: &Flow) -> Option<Quote> {
        if flow.usage.is_empty() {
            return None;
        }
        let billed = flow.billed();
        let terms = self.terms(flow, &billed)?;
        let exact = terms.rates.cost(&billed)?;
        let lacks_output =
            flow.usage.output.is_none() && terms.rates.of(CostClass::Output).is_some();
        let is_estimate =
            lacks_output || flow.usage.input.is_none() || flow.outcome != Some(Outcome::Completed);
        Some(Quote { cost: exact.rounded(), exact, is_estimate, terms })
    }

    /// Why a flow that used something has no quote.
    pub fn lack(&mut self, flow: &Flow) -> Lack {
        let Some(place) = self.find(flow) else { return Lack::Model };
        let (book, found) = (&self.book, &self.found[place]);
        let day = day_of(flow.started_at);
        let Some(model) = found.model.as_ref().filter(|model| card(model, day).is_some()) else {
            return found.lacks_class(book, flow).map_or(Lack::Model, Lack::Class);
        };
        let mut ways = ways(flow);
        let unknown = ways.find(|word| book.tier(found.provider, model, word).is_none());
        match unknown.filter(|_| found.own(day).is_none()) {
            Some(word) => Lack::Tier(word.to_owned()),
            None => found.lacks_class(book, flow).map_or(Lack::Model, Lack::Class),
        }
    }

    /// The prices of all calls of the day that are like a flow; none where they are not known, or where they change with
    /// the hour.
    pub(crate) fn of_day(&mut self, flow: &Flow) -> Option<DayTerms> {
        let place = self.find(flow)?;
        let found = &self.found[place];
        let card = found.model.as_ref().and_then(|model| card(model, day_of(flow.started_at)));
        if card.is_some_and(|card| card.peak.is_some()) {
            return None;
        }
        let above = card.and_then(|card| Some(card.long.as_ref()?.0));
        let usual = self.terms(flow, &Billed::default())?;
        let mut more = Billed::default();
        more[CostClass::Input as usize] = above.unwrap_or_default().saturating_add(1);
        let long = match above {
            Some(above) => Some((above, self.terms(flow, &more)?)),
            None => None,
        };
        Some(DayTerms { usual, long })
    }

    /// The prices of a flow; none where they are not known.
    fn terms(&mut self, flow: &Flow, billed: &Billed) -> Option<Arc<Terms>> {
        let place = self.find(flow)?;
        let found = &self.found[place];
        let rates = found.rates(&self.book, flow, billed)?;
        let has_own = found.own(day_of(flow.started_at)).is_some();
        let is_known = |it: &&Arc<Terms>| it.rates == rates && self.book.is_of(&it.book, has_own);
        let known = self.terms.iter().find(is_known);
        if let Some(known) = known {
            return Some(Arc::clone(known));
        }
        if self.terms.len() >= REMEMBERED {
            self.terms.clear();
        }
        let terms = Arc::new(Terms { book: self.book.facts_of(has_own), rates });
        self.terms.push(Arc::clone(&terms));
        Some(terms)
    }

    /// The place of what is known of a flow's model.
    fn find(&mut self, flow: &Flow) -> Option<usize> {
        let provider = flow.provider?;
        let names = names(provider, flow);
        let is_it = |found: &Found| {
            found.provider == provider
                && found.names.iter().zip(names).all(|(known, name)| known.as_deref() == name)
        };
        if let Some(place) = self.found.iter().position(is_it) {
            return Some(place);
        }
        if self.found.len() >= REMEMBERED {
            self.found.clear();
        }
        let said: Vec<&str> = names.into_iter().flatten().collect();
        let model = said.iter().find_map(|name| self.book.model(provider, name)).cloned();
        let overrides = self.book.overrides(provider, &said).into_iter().cloned().collect();
        let names = names.map(|name| name.map(str::to_owned));
        self.found.push(Found { provider, names, model, overrides });
        Some(self.found.len() - 1)
    }
}

/// The names that say which model it is, the surer one first. Bedrock says in the path where a model is
/// served, which its answers do not.
fn names(provider: Provider, flow: &Flow) -> [Option<&str>; 2] {
    let (answered, asked) = (flow.model.as_deref(), flow.model_requested.as_deref());
    match provider {
        Provider::Bedrock => [asked, answered],
        _ => [answered.or(asked), None],
    }
}

impl Found {
    fn rates(&self, book: &PriceBook, flow: &Flow, billed: &Billed) -> Option<Rates> {
        let day = day_of(flow.started_at);
        let card = self.model.as_ref().and_then(|model| card(model, day));
        let own = self.own(day);
        if card.is_none() && own.is_none() {
            return None;
        }
        let mut rates = card.map_or_else(Rates::default, |card| card.rates_of(billed));
        let percents = self.percents(book, card, flow);
        for class in CostClass::ALL {
            let priced = own.and_then(|own| own.rates().of(class));
            // Served in a way that the book has no price for: what the user says a token costs counts alone.
            if priced.is_some() || (percents.is_none() && class.is_tokens()) {
                rates.set(class, priced);
            }
        }
        use_the_like(&mut rates);
        for percent in percents.or(own.map(|_| Vec::new()))? {
            for class in CostClass::ALL.into_iter().filter(|class| class.is_tokens()) {
                if let Some(rate) = rates.of(class) {
                    rates.set(class, Some(rate.percent(percent)?));
                }
            }
        }
        Some(rates)
    }

    /// The user's own prices on a day.
    fn own(&self, day: Day) -> Option<&PriceOverride> {
        // Of several that began on the same day `max_by_key` has the last.
        self.overrides.iter().filter(|it| it.from() <= day).max_by_key(|it| it.from())
    }

    /// What the flow's tokens cost of the price, in percent, one after the other. None where it was served
    /// in a way whose price nobody says.
    fn percents(&self, book: &PriceBook, card: Option<&Card>, flow: &Flow) -> Option<Vec<u32>> {
        let mut percents = Vec::new();
        let Some(model) = &self.model else { return Some(percents) };
        for word in ways(flow) {
            percents.push(book.tier(self.provider, model, word)?);
        }
        if let Some(regional) = model.regional.filter(|_| self.is_regional(flow)) {
            percents.push(regional);
        }
        if let Some(peak) = card.and_then(|card| card.peak.as_ref()) {
            percents.push(peak.percent_at(flow.started_at));
        }
        percents.retain(|percent| *percent != 100);
        Some(percents)
    }

    /// A class of a flow's usage that has no price, where its model has some.
    fn lacks_class(&self, book: &PriceBook, flow: &Flow) -> Option<CostClass> {
        let billed = flow.billed();
        let rates = self.rates(book, flow, &billed)?;
        let used = CostClass::ALL.into_iter().zip(billed);
        used.filter(|(_, units)| *units > 0)
            .map(|(class, _)| class)
            .find(|class| rates.of(*class).is_none())
    }

    /// Whether it was served in one region, or in a few, and not anywhere.
    fn is_regional(&self, flow: &Flow) -> bool {
        match self.provider {
            Provider::Bedrock => !self.names.iter().flatten().any(|model| name::is_global(model)),
            Provider::Vertex => flow
                .path
                .split_once("/locations/")
                .and_then(|(_, rest)| rest.split('/').next())
                .is_some_and(|place| place != "global"),
            Provider::OpenAi => flow.host.ends_with(".api.openai.com"),
            _ => {
                let words = flow.service_tier.as_deref().unwrap_or_default();
                words.split('+').any(|word| word == IN_REGION)
            }
        }
    }
}

/// The ways in which a flow was served that are not the usual one.
fn ways(flow: &Flow) -> impl Iterator<Item = &str> {
    let words = flow.service_tier.as_deref().unwrap_or_default().split('+');
    words.filter(|word| !word.is_empty() && !USUAL.contains(word) && *word != IN_REGION)
}

/// The prices of a model on a day.
fn card(model: &Model, day: Day) -> Option<&Card> {
    model.cards.iter().rev().find(|card| card.from.is_none_or(|from| from <= day))
}

/// What has no price of its own costs what it is a kind of: cached tokens are input, reasoning is output.
fn use_the_like(rates: &mut Rates) {
    use CostClass::{CacheRead, CacheWrite1h, CacheWrite5m, Input, Output, Reasoning};
    for (class, like) in
        [(CacheRead, Input), (CacheWrite5m, Input), (CacheWrite1h, Input), (Reasoning, Output)]
    {
        if rates.of(class).is_none() {
            rates.set(class, rates.of(like));
        }
    }
}

#[cfg(test)]
mod tests;
