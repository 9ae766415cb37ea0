//! The authority: valid, private, allowed to sign what the intercept list needs; the bundle with it.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use langley_proxy::HostList;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::check::{Check, Verdict};
use super::folder::privacy;
use crate::ca_facts::CaFacts;
use crate::config::Config;
use crate::error::AppError;
use crate::home::Home;
use crate::trust::{Installed, Store};

const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Certificate, key and bundle.
pub(super) fn checks(home: &Home, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    if home.ca_certificate().exists() {
        checks.push(certificate(home, config));
        checks.push(key(home));
        checks.push(bundle(home));
        checks.extend(installed(home));
    } else {
        checks.push(Check::passed("ca", "none yet; it is made at the first start"));
    }
    checks
}

fn certificate(home: &Home, config: &Config) -> Check {
    let facts = match CaFacts::read(&home.ca_certificate()) {
        Ok(facts) => facts,
        Err(error) => return Check::failed("ca", &error),
    };
    let now = Timestamp::now();
    let day = facts.not_after.strftime("%Y-%m-%d");
    if facts.not_after <= now || facts.not_before > now {
        let error = AppError::failed(format!(
            "the certificate is valid until {day}, which is not now"
        ))
        .why("agents refuse it")
        .next(
            "check the clock; then start Langley again (it issues a new one), and restart agents",
        );
        return Check::failed("ca", &error);
    }
    let missing: Vec<String> = HostList::parse(&config.intercept_hosts)
        .map(|list| list.dns_suffixes().into_iter().filter(|name| !facts.permits(name)).collect())
        .unwrap_or_default();
    if !missing.is_empty() {
        return Check::warned("ca", format!("it may not sign for {}", missing.join(", ")))
            .why("the intercept list changed since the certificate was issued")
            .next(
                "start Langley again (it issues a new one), then restart agents that are running",
            );
    }
    if facts.not_after.duration_since(now) < SOON {
        return Check::warned("ca", format!("it ends on {day}"))
            .next("`langley ca rotate` makes a new one; agents then need a restart");
    }
    Check::passed("ca", format!("valid until {day}, covers the intercept list"))
}

/// The key: private, and the certificate's own.
fn key(home: &Home) -> Check {
    let path = home.ca().join("ca.key");
    let private = privacy("ca key", &path, 0o600);
    if private.verdict == Verdict::Fail {
        return private;
    }
    let refused = |why: String| {
        let error = AppError::failed(format!("{} is of no use", path.display()))
            .why(why)
            .next("make a new pair with `langley ca rotate`; agents then need a restart");
        Check::failed("ca key", &error)
    };
    let fits = PrivateKeyDer::from_pem_file(&path)
        .map_err(|error| error.to_string())
        .and_then(|key| any_supported_type(&key).map_err(|error| error.to_string()))
        .map(|key| {
            let facts = CaFacts::read(&home.ca_certificate()).ok()?;
            Some(key.public_key()?.as_ref() == facts.public_key)
        });
    match fits {
        Err(why) => refused(why),
        Ok(Some(false)) => refused("it is not the key of ca.pem".to_owned()),
        // Without a certificate that can be read, its own check says so.
        Ok(Some(true) | None) => private,
    }
}

fn bundle(home: &Home) -> Check {
    let path = home.ca_bundle();
    let ours = fs::read_to_string(home.ca_certificate()).unwrap_or_default();
    match fs::read_to_string(&path) {
        Ok(text) if !ours.trim().is_empty() && text.contains(ours.trim()) => {
            let count = text.matches("-----BEGIN CERTIFICATE-----").count();
            if count > 1 {
                Check::passed("bundle", format!("{count} certificates, ours among them"))
            } else {
                Check::warned("bundle", "it holds only our own certificate")
                    .why("the system has no root certificates that could be read")
                    .next("install the package `ca-certificates`, then start Langley again")
            }
        }
        Ok(_) => {
            Check::warned("bundle", format!("{} lacks the present certificate", path.display()))
                .why("programs that replace their trust store (curl, Python) will refuse the proxy")
                .next("start Langley again: it writes the bundle anew")
        }
        Err(error) => Check::warned("bundle", format!("{} cannot be read", path.display()))
            .why(error.to_string())
            .next("start Langley again: it writes the bundle anew"),
    }
}

/// The system's store, where it is known.
fn installed(home: &Home) -> Option<Check> {
    let store = Store::of(Path::new("/"), None, &home.ca_certificate()).ok()?;
    Some(stored(&store.installed(), &store.place()))
}

fn stored(installed: &Installed, place: &str) -> Check {
    const NAME: &str = "system store";
    match installed {
        Installed::Yes => Check::passed(NAME, format!("holds the certificate ({place})")),
        Installed::No => {
            Check::passed(NAME, "does not hold the certificate, and `langley run` needs none there")
        }
        Installed::Other(fingerprint) => {
            Check::warned(NAME, format!("it holds an earlier certificate of Langley ({place})"))
                .why(format!("the certificate was made anew since; the old one is {fingerprint}"))
                .next("put the present one in its place: `langley ca install`")
                .next("or take it out: `langley ca remove`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let hosts = HostList::parse(&["api.example.com"]).unwrap();
        langley_proxy::CertificateAuthority::open_or_create(&home.ca(), &hosts).unwrap();
        (folder, home)
    }

    #[test]
    fn an_earlier_certificate_in_the_systems_store_is_reported_with_its_way_out() {
        assert_eq!(stored(&Installed::Yes, "/x").verdict, Verdict::Pass);
        assert_eq!(stored(&Installed::No, "/x").verdict, Verdict::Pass);
        let found = stored(&Installed::Other("AA:BB".into()), "/x/langley.crt");
        assert_eq!(found.verdict, Verdict::Warn);
        let said = found.to_string();
        assert!(said.contains("/x/langley.crt") && said.contains("`langley ca install`"), "{said}");
    }

    #[test]
    fn a_key_that_is_missing_or_of_another_certificate_is_reported() {
        let (_folder, home) = authority();
        let path = home.ca().join("ca.key");
        assert_eq!(key(&home).verdict, Verdict::Pass);
        let (_other_folder, other) = authority();
        fs::copy(other.ca().join("ca.key"), &path).unwrap();
        let found = key(&home);
        assert_eq!(found.verdict, Verdict::Fail);
        assert!(found.to_string().contains("it is not the key of ca.pem"), "{found}");
        fs::remove_file(&path).unwrap();
        assert_eq!(key(&home).verdict, Verdict::Fail);
    }
}
