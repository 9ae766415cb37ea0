//! The redactor: the only maker of [`Redacted`], so that nothing unredacted can reach disk by type.

mod scrub;
mod seal;

pub use scrub::{Redactor, RedactorOptions, RuleCount};
pub use seal::{Redacted, RedactedBytes, Scrub};
