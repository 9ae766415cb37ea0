//! A whole Langley with temporary data, in front of a provider on loopback: for `demo` and `doctor`.

use std::time::Duration;

use langley_fixture::{Fixture, FixtureOptions, Script};
use serde_json::json;
use tempfile::TempDir;

use crate::api::Api;
use crate::config::{self, Environment, Layers, Origin};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;
use crate::proxied::Road;
use crate::token::Token;
use crate::wire::{Purpose, Server};

/// Where the values of a temporary installation come from.
const ORIGIN: Origin = Origin::Flag("temporary");

/// Server, provider and folder; all gone when it ends.
#[derive(Debug)]
pub(crate) struct Temporary {
    /// The server.
    pub(crate) server: Server,
    home: Home,
    fixture: Fixture,
    folder: TempDir,
}

impl Temporary {
    /// Starts a provider that answers every name, and a server that goes through it, with `wanted`
    /// over its own settings. Streams have `pace` between events.
    ///
    /// # Errors
    /// No temporary folder, no port, or anything a server's start can fail with.
    pub(crate) async fn start(wanted: &Layers, pace: Duration) -> Result<Self> {
        let failed = |what: &str, error: &dyn std::error::Error| {
            AppError::failed(what.to_owned())
                .because(error)
                .next("make the folder for temporary files (TMPDIR) writable")
        };
        let folder = tempfile::Builder::new()
            .prefix("langley-")
            .tempdir()
            .map_err(|error| failed("there is no temporary folder", &error))?;
        let options = FixtureOptions {
            script: Script::refactor(),
            pace,
            keep_exchanges: 0,
            ..FixtureOptions::default()
        };
        let fixture = Fixture::start(options).await.map_err(|error| {
            AppError::failed("the built-in provider did not start").because(&error)
        })?;
        let ca = folder.path().join("provider-ca.pem");
        std::fs::write(&ca, fixture.ca_pem())
            .map_err(|error| failed("the provider's certificate cannot be written", &error))?;

        let mut layers = Layers::defaults();
        layers.set("home", &json!(folder.path().join("home")), ORIGIN);
        layers.set("proxy.port", &json!(0), ORIGIN);
        layers.set("api.port", &json!(0), ORIGIN);
        layers.set("proxy.upstream_ca", &json!(ca), ORIGIN);
        layers.set("proxy.upstream_proxy", &json!(fixture.connect_url()), ORIGIN);
        layers.lay(wanted);
        let config = config::settle(&layers, &Environment::default())?;
        let home = Home::create(&config.home)?;
        let Claim::Ours(lock) = Claim::take(&home)? else {
            return Err(AppError::failed("the temporary home is taken"));
        };
        let (held, never) = ((home.clone(), lock), std::future::pending());
        let server = Server::start(&config, &layers, held, Purpose::Show, never).await?;
        Ok(Self { server, home, fixture, folder })
    }

    /// The way an agent goes.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub(crate) fn road(&self) -> Result<Road> {
        Road::new(self.server.state.proxy, &self.home.ca_certificate())
            .map_err(|error| AppError::failed("the proxy cannot be trusted").because(&error))
    }

    /// The server's API.
    ///
    /// # Errors
    /// The token cannot be read.
    pub(crate) fn api(&self) -> Result<Api> {
        Ok(Api::new(self.server.state.api, self.token()?))
    }

    /// The server's token.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn token(&self) -> Result<Option<Token>> {
        Token::read(&self.home)
    }

    /// Ends server and provider, and removes the folder.
    ///
    /// # Errors
    /// The server lost something at its end.
    pub(crate) async fn end(self, hurry: impl Future<Output = ()>) -> Result<()> {
        let ended = self.server.stop(hurry).await;
        self.fixture.stop().await;
        // What is left of a temporary folder is the system's to sweep.
        let _ = self.folder.close();
        ended
    }
}
