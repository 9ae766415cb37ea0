//! Which door is where: every route, who may pass, and in which order a request is checked.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::{Method, Uri};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::doors::Doors;
use crate::error::ApiError;
use crate::openapi::Base;
use crate::{
    assets, auth, drops, export, facets, flows, guard, health, live, metrics, openapi, settings,
    setup, stats, tunnels,
};

/// No door takes a body yet.
const BODY_MAX: usize = 64 * 1024;

/// Doors that anybody on this machine may open.
fn open() -> OpenApiRouter<Doors> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(health::health))
        .routes(routes!(auth::sign_in))
}

/// Doors that need the token or a session.
fn locked() -> OpenApiRouter<Doors> {
    OpenApiRouter::default()
        .routes(routes!(auth::link))
        .routes(routes!(drops::drops))
        .routes(routes!(facets::facets))
        .routes(routes!(flows::list, flows::delete))
        .routes(routes!(flows::count))
        .routes(routes!(export::export))
        .routes(routes!(flows::one))
        .routes(routes!(flows::request))
        .routes(routes!(flows::response))
        .routes(routes!(flows::events))
        .routes(routes!(live::live))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::show))
        .routes(routes!(settings::settings))
        .routes(routes!(setup::setup))
        .routes(routes!(stats::show))
        .routes(routes!(tunnels::tunnels))
}

/// Every door with its description, without the locks.
pub(crate) fn documented() -> OpenApiRouter<Doors> {
    open().merge(locked())
}

/// The whole server as a service.
pub fn router(doors: Doors) -> Router {
    let (open, _) = open().split_for_parts();
    let (locked, _) = locked().split_for_parts();
    let locked = locked.route_layer(from_fn_with_state(doors.clone(), auth::require));
    open.merge(locked)
        .fallback(assets::asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(doors.clone(), guard::watch))
        .with_state(doors)
}

async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    ApiError::method_not_allowed(&method, uri.path()).into_response()
}
