//! Configuration: defaults, settings, file, environment and flags become one resolved value, and
//! every value remembers where it came from.

mod budgets;
mod environment;
mod file;
mod key;
mod kind;
mod layers;
mod load;
mod prices;
mod problem;
mod reference;
mod resolved;
mod stored;
mod suggest;

pub(crate) use environment::Environment;
pub(crate) use kind::bytes_text;
pub(crate) use layers::{Layers, Origin, public};
pub(crate) use load::{Loaded, addresses, load, load_leniently, settle};
pub(crate) use reference::markdown;

pub(crate) use key::TLS_KEYS;
pub(crate) use resolved::{Address, Config, Maintenance};
pub(crate) use stored::change as change_settings;
