//! The analysis: what a thread beside the road reads of ended flows, and the lenses that look at it.
//!
//! A flow is read once ([`Reading`]), whatever looks at it; each [`Lens`] adds what it sees to one piece of
//! work for the writer.

mod analyst;
mod blocks;
mod calls;
mod found;
mod heard;
mod invocation;
mod joined;
mod known;
mod lens;
mod lookout;
mod reading;
mod shares;
mod timing;
mod tokenized;
mod told_outcome;

pub use analyst::{Analyst, analyse, analyse_for};
pub use invocation::{ReadInvocation, input_heads, read_invocation};
pub(crate) use lens::Lens;
pub use lookout::Lookout;
pub(crate) use reading::Reading;
pub(crate) use told_outcome::result_outcome;
