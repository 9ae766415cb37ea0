//! Named queries: everything the doors ask, each answered by an index.

mod count;
mod events;
mod facets;
mod flows;
mod headers;
mod inspect;
mod parts;
mod records;
mod salvage;
mod stars;
#[cfg(test)]
mod tests;
mod texts;
mod unrecorded;
mod worded;

pub use count::FlowCount;
pub use events::{EventPage, StoredEvent};
pub use facets::{FACET_MAX, Facet, Facets, SessionFacet};
pub use flows::Page;
pub(crate) use flows::{Keys, found_key, key, page_limit};
pub use inspect::Damage;
pub use parts::{FlowHeaders, PieceId, RequestPieces, StoredBody};
pub use records::StoredDrop;
pub use stars::{Retired, Star};
pub use texts::{Spot, Unseen};
pub(crate) use unrecorded::Answered;
pub use unrecorded::Unrecorded;
pub(crate) use worded::Worded;
