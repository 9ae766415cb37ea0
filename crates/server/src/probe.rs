//! The door of the transparency proof: where the reserved name leads for a minute.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use langley_model::Micros;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::rfc3339;

/// An origin on this machine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeOrigin {
    /// Where it listens with TLS: an address on loopback, and a port.
    #[schema(value_type = String)]
    pub address: SocketAddr,
    /// The one authority that signed its certificate, as PEM.
    pub ca_pem: String,
}

/// What leads to the origin now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProbeRegistration {
    /// The reserved name; port 443.
    pub host: String,
    /// The certificate that the proxy presents for it, as PEM.
    pub certificate_pem: String,
    /// Until when.
    pub expires_at: String,
}

/// What the proxy says to a registration.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The reserved name.
    pub host: String,
    /// The certificate that the proxy presents for it, as PEM.
    pub certificate_pem: String,
    /// Until when.
    pub expires_at: Micros,
}

/// Registers an origin with the proxy; the error is a sentence for the caller.
pub type RegisterProbe = Box<dyn Fn(SocketAddr, &str) -> Result<Registered, String> + Send + Sync>;

/// Leads the name fidelity.langley.test to an origin on this machine for a minute, so that
/// `langley doctor --fidelity` can compare what arrives with and without the proxy.
#[utoipa::path(
    post, path = "/api/fidelity", tag = "system", operation_id = "register_probe",
    request_body = ProbeOrigin,
    responses(
        (status = 200, body = ProbeRegistration),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn register(
    State(doors): State<Doors>,
    params: Params,
    body: Bytes,
) -> Result<Json<ProbeRegistration>, ApiError> {
    params.only(&[])?;
    let origin: ProbeOrigin =
        serde_json::from_slice(&body).map_err(|error| ApiError::bad_probe(error.to_string()))?;
    let registered =
        doors.register_probe(origin.address, &origin.ca_pem).map_err(ApiError::bad_probe)?;
    Ok(Json(ProbeRegistration {
        host: registered.host,
        certificate_pem: registered.certificate_pem,
        expires_at: rfc3339(registered.expires_at),
    }))
}
