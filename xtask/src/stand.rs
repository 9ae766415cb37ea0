//! A provider on loopback, and Langley beside the way without it: what measurements run on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use langley_fixture::{Fixture, FixtureOptions};
use langley_testkit::Client;

use crate::langley::Langley;

/// Settings by which a store is kept for ever.
const KEEP: [&str; 3] = [
    "LANGLEY_RETENTION__FLOWS_TTL_DAYS",
    "LANGLEY_RETENTION__EVENTS_TTL_DAYS",
    "LANGLEY_RETENTION__BODIES_TTL_DAYS",
];

/// Langley and its way, beside the direct one.
#[derive(Debug)]
pub(crate) struct Stand {
    binary: PathBuf,
    pub(crate) fixture: Fixture,
    provider_ca: PathBuf,
    _folder: tempfile::TempDir,
}

impl Stand {
    /// Starts the provider.
    pub(crate) async fn start(binary: &Path, options: FixtureOptions) -> Result<Self> {
        let fixture = Fixture::start(options).await?;
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let provider_ca = folder.path().join("provider-ca.pem");
        fs::write(&provider_ca, fixture.ca_pem())?;
        Ok(Self { binary: binary.to_owned(), fixture, provider_ca, _folder: folder })
    }

    /// Starts a Langley that intercepts the provider.
    pub(crate) fn langley(&self) -> Result<Langley> {
        Langley::start(&self.binary, &self.settings())
    }

    /// The same on a home that stays, of whose store nothing becomes too old.
    pub(crate) fn langley_in(&self, home: &Path) -> Result<Langley> {
        Langley::start_in(&self.binary, home, &self.keeping())
    }

    /// The same, and how long it took until the proxy's port was open.
    pub(crate) fn langley_timed(&self, home: &Path) -> Result<(Langley, Duration)> {
        Langley::start_timed(&self.binary, home, &self.keeping())
    }

    fn keeping(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.settings().to_vec();
        settings.extend(KEEP.map(|name| (name, "0".to_owned())));
        settings
    }

    fn settings(&self) -> [(&'static str, String); 2] {
        [
            ("LANGLEY_INTERCEPT_HOSTS", "localhost".to_owned()),
            ("LANGLEY_UPSTREAM_CA", self.provider_ca.display().to_string()),
        ]
    }

    /// Without Langley.
    pub(crate) fn direct(&self) -> Client {
        Client::direct(&self.fixture.https_url()).trusting(self.fixture.ca_pem()).prepared()
    }

    /// Through it.
    pub(crate) fn through(&self, langley: &Langley) -> Result<Client> {
        let client = Client::through(langley.proxy, &self.fixture.https_url());
        Ok(client.trusting(&langley.ca_pem()?).prepared())
    }
}
