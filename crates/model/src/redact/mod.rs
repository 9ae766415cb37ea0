//! The redactor: the only maker of [`Redacted`], so that nothing unredacted can reach disk by type.
//!
//! Everything rests on one scan ([`scan`]): literal anchors are found with one pass of an
//! Aho-Corasick search, and a hand-written rule looks at the bytes around each hit. Rules read JSON
//! escapes at any depth (a quote may wear any number of backslashes), so a text, a JSON document,
//! JSON inside JSON and the pieces of a stream all pass the same code. Time is linear in the input.

mod anchor;
mod announced;
mod assign;
mod block;
mod bytes;
mod event;
mod field;
mod header;
mod held;
mod image;
mod inspect;
mod name;
mod parameter;
mod rule;
mod scan;
mod scrub;
mod seal;
mod shape;
mod spread;
mod stand_in;
mod stop;
mod target;
mod value;
mod view;

pub use event::{EventRedactor, EventText, IncomingEvent, Survey};
pub use inspect::{Suspect, TextKind};
pub use name::Credential;
pub use rule::RuleCount;
pub use scrub::{Redactor, RedactorOptions};
pub use seal::{Redacted, RedactedBytes, Scrub};
