//! The doors: REST, the live feed and the embedded dashboard, over what store and engine know.

mod analytics;
mod assets;
mod auth;
mod budgets;
mod commits;
mod conversations;
mod cost;
mod diff;
mod doors;
mod drops;
mod error;
mod export;
mod facets;
mod findings;
mod flows;
mod flush;
mod guard;
mod health;
mod import;
mod limits;
mod live;
mod metrics;
mod openapi;
mod params;
mod probe;
mod router;
mod search;
mod serve;
mod sessions;
mod settings;
mod setup;
mod shell;
mod stars;
mod stats;
mod tasks;
mod tools;
mod tunnels;
mod upkeep;
mod usage;
mod wire;

pub use auth::{BadToken, COOKIE, NewToken, Token};
pub use doors::{Based, Doors, DoorsOptions, Gauges, KnownClient, PLACES, ServerInfo};
pub use error::ApiError;
pub use export::{ExportError, ExportFormat, Exported, write_export};
pub use guard::AllowedHosts;
pub use live::{Hub, LiveOptions};
pub use openapi::openapi_json;
pub use params::each_once;
pub use probe::{RegisterProbe, Registered};
pub use router::router;
pub use serve::serve;
pub use settings::{ChangeSettings, ChangedSetting, Setting, SettingsRefused};
pub use shell::{shell_quoted, shell_word};
pub use wire::{
    UNDIVIDED, blocks_json, commits_json, conversation_json, conversations_json, cost_json,
    deleted_conversation_json, efficiency_json, findings_json, import_json, invocations_json,
    latency_json, ledger_json, ledgers_json, limits_json, per_second, reprice_json, reprices_json,
    sessions_json, tasks_json, tools_json, transcript_cost_json, turns_json,
};
