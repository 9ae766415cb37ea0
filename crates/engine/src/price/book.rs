//! The price book: facts of a day, vendored as data; see `prices.json` for whose they are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use langley_model::{Flow, Provider, Rate};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::card::{self, Card};
use super::name::candidates;
use super::overrides::PriceOverride;

/// The facts.
const VENDORED: &str = include_str!("prices.json");

/// What is wrong with a price book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookError(String);

impl std::fmt::Display for BookError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BookError {}

/// A model of the book.
#[derive(Clone, Debug)]
pub struct Model {
    /// Whose it is.
    pub provider: Provider,
    /// The names it goes by there.
    pub names: Vec<String>,
    /// Tokens that a prompt and its answer may have together.
    pub window: Option<u64>,
    /// What tokens cost that are served in one region alone, in percent.
    pub regional: Option<u32>,
    /// What tokens cost that are served otherwise, by the provider's word, in percent.
    pub tiers: BTreeMap<String, u32>,
    /// Its prices, the oldest first.
    pub cards: Vec<Card>,
}

/// Prices of models, by provider and name.
#[derive(Clone, Debug)]
pub struct PriceBook {
    version: String,
    models: HashMap<(Provider, String), Arc<Model>>,
    houses: HashMap<Provider, House>,
    overrides: Vec<PriceOverride>,
}

/// What a provider's models have alike.
#[derive(Clone, Debug, Default)]
struct House {
    /// Whose models it serves too, by the same names.
    like: Vec<Provider>,
    tiers: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBook<'a> {
    book: String,
    currency: String,
    #[serde(rename = "unit")]
    _unit: String,
    sources: Vec<RawSource>,
    #[serde(borrow)]
    providers: Vec<RawHouse<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    name: String,
    licence: String,
    #[serde(rename = "url")]
    _url: String,
    #[serde(rename = "used_for")]
    _used_for: String,
    read: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHouse<'a> {
    provider: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    like: Vec<String>,
    #[serde(default)]
    tiers: BTreeMap<String, u32>,
    #[serde(borrow)]
    web_search: Option<&'a RawValue>,
    #[serde(borrow)]
    models: Vec<RawModel<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel<'a> {
    names: Vec<String>,
    window: Option<u64>,
    regional: Option<u32>,
    #[serde(default)]
    tiers: BTreeMap<String, u32>,
    #[serde(borrow)]
    prices: Vec<BTreeMap<String, &'a RawValue>>,
}

impl PriceBook {
    /// The book that this version brings along, read once. Empty where it is damaged, which a test
    /// excludes: flows are then unpriced, and told so.
    #[must_use]
    pub fn vendored() -> Arc<Self> {
        static BOOK: LazyLock<Arc<PriceBook>> = LazyLock::new(|| {
            let book = PriceBook::parse(VENDORED).unwrap_or_else(|error| {
                tracing::error!(%error, "the price book cannot be read; nothing is priced");
                PriceBook::empty()
            });
            Arc::new(book)
        });
        Arc::clone(&BOOK)
    }

    /// This book, with the user's own prices over it. Of those that are about a model the one holds
    /// that began last; of two that began on the same day the later in the list.
    #[must_use]
    pub fn with(&self, overrides: Vec<PriceOverride>) -> Self {
        Self { overrides, ..self.clone() }
    }

    /// A book without prices.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            version: String::from("none"),
            models: HashMap::new(),
            houses: HashMap::new(),
            overrides: Vec::new(),
        }
    }

    /// Reads a book.
    ///
    /// # Errors
    /// What is wrong with it: no JSON, a provider that is not known, a name that stands twice, days out
    /// of order, what is no price.
    pub fn parse(json: &str) -> Result<Self, BookError> {
        let raw: RawBook<'_> =
            serde_json::from_str(json).map_err(|error| BookError(error.to_string()))?;
        if raw.currency != "USD" || card::day(&raw.book).is_none() {
            return Err(BookError(format!("book {} in {}", raw.book, raw.currency)));
        }
        if let Some(source) =
            raw.sources.iter().find(|it| it.licence.is_empty() || card::day(&it.read).is_none())
        {
            return Err(BookError(format!("source {} lacks its licence or its day", source.name)));
        }
        let mut book = Self { version: raw.book, ..Self::empty() };
        for house in raw.providers {
            book.read(house).map_err(BookError)?;
        }
        Ok(book)
    }

    fn read(&mut self, raw: RawHouse<'_>) -> Result<(), String> {
        let known =
            |word: &str| Provider::parse(word).ok_or_else(|| format!("`{word}` is no provider"));
        let provider = known(&raw.provider)?;
        let like = raw.like.iter().map(|word| known(word)).collect::<Result<_, _>>()?;
        let searches = raw.web_search.map(RawValue::get);
        let web_search = match searches.map(Rate::per_thousand) {
            Some(None) => return Err(format!("{}: `web_search` is no price", raw.provider)),
            known => known.flatten(),
        };
        for model in raw.models {
            let first = model.names.first().cloned().unwrap_or_default();
            let fail = |what: String| format!("{} {first}: {what}", raw.provider);
            let cards = model.prices.iter().map(|card| card::read(card, web_search));
            let cards = cards.collect::<Result<Vec<_>, _>>().map_err(fail)?;
            if cards.is_empty() || model.names.is_empty() {
                return Err(fail("no name, or no price".to_owned()));
            }
            if !cards.is_sorted_by(|one, next| one.from < next.from) {
                return Err(fail("prices are not in the order of their days".to_owned()));
            }
            let RawModel { names, window, regional, tiers, .. } = model;
            let model = Arc::new(Model { provider, names, window, regional, tiers, cards });
            for name in &model.names {
                let before = self.models.insert((provider, name.clone()), Arc::clone(&model));
                if before.is_some() {
                    return Err(fail(format!("`{name}` stands twice")));
                }
            }
        }
        self.houses.insert(provider, House { like, tiers: raw.tiers });
        Ok(())
    }

    /// Its version: the day of its facts, and a `+` where the user's own prices are over it.
    #[must_use]
    pub fn version(&self) -> String {
        self.facts_of(!self.overrides.is_empty())
    }

    /// All that tells its prices from those of another book of this program, in words.
    pub(crate) fn edition(&self) -> String {
        let own: Vec<String> = self.overrides.iter().map(ToString::to_string).collect();
        format!("{} {}", self.version, own.join("; "))
    }

    /// The day of its facts, with a `+` where prices `has_own` are over them.
    pub(super) fn facts_of(&self, has_own: bool) -> String {
        let mark = if has_own { "+" } else { "" };
        format!("{}{mark}", self.version)
    }

    /// Whether these are its facts, as [`Self::facts_of`] says them.
    pub(super) fn is_of(&self, facts: &str, has_own: bool) -> bool {
        let mark = if has_own { "+" } else { "" };
        facts.strip_prefix(&*self.version) == Some(mark)
    }

    /// Every model, by provider and name.
    #[must_use]
    pub fn models(&self) -> Vec<&Model> {
        let mut models: Vec<&Model> = self
            .models
            .iter()
            .filter(|((_, name), model)| model.names.first() == Some(name))
            .map(|(_, model)| &**model)
            .collect();
        models.sort_by_key(|model| (model.provider.as_str(), model.names.first().cloned()));
        models
    }

    /// The model that a provider serves by this name.
    #[must_use]
    pub fn model(&self, provider: Provider, name: &str) -> Option<&Arc<Model>> {
        let like = self.houses.get(&provider).map(|house| house.like.as_slice());
        let houses = || std::iter::once(provider).chain(like.unwrap_or_default().iter().copied());
        candidates(name)
            .into_iter()
            .find_map(|name| houses().find_map(|house| self.models.get(&(house, name.clone()))))
    }

    /// Tokens that a prompt and its answer may have together, where it is known.
    #[must_use]
    pub fn window(&self, provider: Provider, name: &str) -> Option<u64> {
        self.model(provider, name)?.window
    }

    /// The same of the model that answered a flow, or was asked for while none has.
    #[must_use]
    pub fn window_of(&self, flow: &Flow) -> Option<u64> {
        let name = flow.model.as_deref().or(flow.model_requested.as_deref())?;
        self.window(flow.provider?, name)
    }

    /// What tokens of a model cost that are served in this way, in percent; none where nobody says.
    pub(super) fn tier(&self, provider: Provider, model: &Model, word: &str) -> Option<u32> {
        let of = |house: Provider| self.houses.get(&house)?.tiers.get(word);
        model.tiers.get(word).or_else(|| of(provider)).or_else(|| of(model.provider)).copied()
    }

    /// The user's own prices of a model, in the order of the list.
    pub(super) fn overrides(&self, provider: Provider, names: &[&str]) -> Vec<&PriceOverride> {
        self.overrides.iter().filter(|it| it.is_of(provider, names)).collect()
    }
}
