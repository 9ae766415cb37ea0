//! What flows cost: the price book, the user's own prices over it, and how a flow is priced by them.
//!
//! A flow is priced once its usage is final, by the prices of the day on which it began, and keeps the prices
//! with it. So its cost can be divided and summed without a book, and a later book changes nothing by itself.

mod anew;
mod book;
mod card;
mod name;
mod overrides;
mod pricer;

pub use anew::{PricedAnew, reprice};
pub use book::{BookError, Model, PriceBook};
pub(crate) use card::day_of;
pub use card::{Card, Peak};
pub(crate) use name::candidates;
pub use overrides::PriceOverride;
pub(crate) use pricer::DayTerms;
pub use pricer::{Lack, Pricer, Quote};
