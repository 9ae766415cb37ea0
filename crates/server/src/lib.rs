//! The doors: REST, the live feed and the embedded dashboard, over what store and engine know.

mod assets;
mod auth;
mod diff;
mod doors;
mod drops;
mod error;
mod export;
mod facets;
mod flows;
mod guard;
mod health;
mod live;
mod metrics;
mod openapi;
mod params;
mod probe;
mod router;
mod serve;
mod settings;
mod setup;
mod stats;
mod tunnels;
mod wire;

pub use auth::{BadToken, COOKIE, Token};
pub use doors::{Doors, DoorsOptions, Gauges, ServerInfo};
pub use error::ApiError;
pub use guard::AllowedHosts;
pub use live::{Hub, LiveOptions};
pub use openapi::openapi_json;
pub use probe::{RegisterProbe, Registered};
pub use router::router;
pub use serve::serve;
pub use settings::{ChangeSettings, ChangedSetting, Setting, SettingsRefused};
