//! The analysis: what a thread beside the road reads of ended flows, and the lenses that look at it.
//!
//! A flow is read once ([`Reading`]), whatever looks at it; each [`Lens`] adds what it sees to one piece of
//! work for the writer.

mod analyst;
mod blocks;
mod calls;
mod invocation;
mod known;
mod lens;
mod reading;
mod told_outcome;

pub use analyst::{Analyst, analyse};
pub use invocation::{ReadInvocation, read_invocation};
pub(crate) use lens::Lens;
pub(crate) use reading::Reading;
