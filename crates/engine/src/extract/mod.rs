//! Questions that agents' own files answer: each mode tells records, read straight from the files, redacted, in
//! bounded room, with nothing stored.
//!
//! A line is taken apart once (`protocol::transcript`), and every mode that was asked for picks from its items what it
//! tells, so that all modes cost one pass. Lines of which none of them can tell anything are passed over (`marks`).

mod awaited;
mod call;
mod latest;
mod marks;
mod mode;
mod queue;
mod record;
mod records;
mod reference;
mod run;
mod sums;
mod tail;
mod teller;
#[cfg(test)]
mod tests;

pub use mode::{ExtractMode, Field, ModeSpec};
pub use reference::extract_reference;
pub use run::{ExtractOut, ExtractQuery, Extracted, UsageOf, extract};
