//! Which door is where: every route, who may pass, and in which order a request is checked.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{Method, Uri};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::doors::Doors;
use crate::error::ApiError;
use crate::openapi::Base;
use crate::{
    analytics, assets, auth, budgets, commits, conversations, cost, diff, drops, export, facets,
    findings, flows, flush, guard, health, import, limits, live, metrics, openapi, probe, search,
    sessions, settings, setup, stars, stats, tasks, tools, tunnels, upkeep, usage,
};

/// Bodies that doors take are settings and a certificate.
const BODY_MAX: usize = 64 * 1024;

/// The table of doors, as routes to serve and as descriptions for the document. Composing the
/// descriptions costs megabytes, so only `documented` does it, which no server calls.
macro_rules! doors {
    ($($group:ident / $described:ident { $($path:literal => $($verb:ident $room:ident::$door:ident),+;)+ })+) => {
        $(
            fn $group() -> Router<Doors> {
                Router::new()$(.route($path, MethodRouter::new()$(.$verb($room::$door))+))+
            }

            fn $described() -> OpenApiRouter<Doors> {
                OpenApiRouter::default()$(.routes(routes!($($room::$door),+)))+
            }
        )+

        /// Path and verb of every door.
        #[cfg(test)]
        const TABLE: &[(&str, &str)] = &[$($($(($path, stringify!($verb)),)+)+)+];
    };
}

doors! {
    // Doors that anybody on this machine may open.
    open / open_described {
        "/api/health" => get health::health;
        "/auth" => get auth::sign_in;
    }
    // Doors that need the token or a session.
    locked / locked_described {
        "/api/analytics/blocks" => get cost::blocks;
        "/api/analytics/cache" => get analytics::cache;
        "/api/analytics/context" => get analytics::context;
        "/api/analytics/cost" => get cost::cost;
        "/api/analytics/efficiency" => get analytics::efficiency;
        "/api/analytics/latency" => get usage::latency;
        "/api/analytics/commits" => get commits::commits;
        "/api/analytics/limits" => get limits::limits;
        "/api/analytics/tokens" => get analytics::tokens;
        "/api/analytics/turns" => get analytics::turns;
        "/api/auth/link" => post auth::link;
        "/api/budgets" => get budgets::budgets;
        "/api/conversations" => get conversations::list;
        "/api/conversations/{id}" => get conversations::one, delete conversations::delete;
        "/api/cost/reprice" => post cost::reprice;
        "/api/cost/reprices" => get cost::reprices;
        "/api/db/checkpoint" => post upkeep::checkpoint;
        "/api/db/flush" => post flush::flush;
        "/api/db/maintain" => post upkeep::maintain;
        "/api/db/vacuum" => post upkeep::vacuum;
        "/api/drops" => get drops::drops;
        "/api/facets" => get facets::facets;
        "/api/fidelity" => post probe::register;
        "/api/findings" => get findings::list;
        "/api/findings/{id}" => get findings::one;
        "/api/findings/{id}/acknowledge" => post findings::acknowledge;
        "/api/findings/{id}/mute" => post findings::mute;
        "/api/findings/{id}/reopen" => post findings::reopen;
        "/api/findings/{id}/resolve" => post findings::resolve;
        "/api/flows" => get flows::list, delete flows::delete;
        "/api/flows/count" => get flows::count;
        "/api/flows/export" => get export::export;
        "/api/flows/{id}" => get flows::one;
        "/api/flows/{id}/request" => get flows::request;
        "/api/flows/{id}/response" => get flows::response;
        "/api/flows/{id}/events" => get flows::events;
        "/api/flows/{id}/diff" => get diff::diff;
        "/api/import" => post import::import;
        "/ws" => get live::live;
        "/metrics" => get metrics::metrics;
        "/api/openapi.json" => get openapi::show;
        "/api/search" => get search::search;
        "/api/sessions" => get sessions::list;
        "/api/sessions/{id}" => get sessions::one;
        "/api/sessions/{id}/ledger" => get sessions::ledger;
        "/api/sessions/{id}/star" => post stars::star, delete stars::unstar;
        "/api/sessions/{id}/timeline" => get sessions::timeline;
        "/api/settings" => get settings::settings, put settings::change;
        "/api/setup" => get setup::setup;
        "/api/stars" => get stars::list;
        "/api/stats" => get stats::show;
        "/api/tasks" => get tasks::list;
        "/api/tasks/{id}" => get tasks::one;
        "/api/tool-invocations/{id}" => get tools::invocation;
        "/api/tools" => get tools::list;
        "/api/tools/{name}/invocations" => get tools::invocations;
        "/api/tunnels" => get tunnels::tunnels;
        "/api/usage" => get usage::usage;
    }
}

/// Every door with its description, without the locks.
pub(crate) fn documented() -> OpenApiRouter<Doors> {
    OpenApiRouter::with_openapi(Base::openapi()).merge(open_described()).merge(locked_described())
}

/// The whole server as a service.
pub fn router(doors: Doors) -> Router {
    let locked = locked().route_layer(from_fn_with_state(doors.clone(), auth::require));
    open()
        .merge(locked)
        .fallback(assets::asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(doors.clone(), guard::watch))
        .with_state(doors)
}

async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    ApiError::method_not_allowed(&method, uri.path()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_describes_each_door_where_it_is_served() {
        let (_, document) = documented().split_for_parts();
        let document = serde_json::to_value(document).unwrap();
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            described
                .extend(verbs.as_object().unwrap().keys().map(|verb| (path.clone(), verb.clone())));
        }
        let mut served: Vec<(String, String)> =
            TABLE.iter().map(|(path, verb)| ((*path).to_owned(), (*verb).to_owned())).collect();
        served.sort_unstable();
        described.sort_unstable();
        assert_eq!(served, described);
    }
}
