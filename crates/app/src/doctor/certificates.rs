//! The authority: valid, private, allowed to sign what the intercept list needs; the bundle with it.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use langley_proxy::HostList;

use super::check::Check;
use super::folder::privacy;
use crate::ca_facts::CaFacts;
use crate::config::Config;
use crate::error::AppError;
use crate::home::Home;

const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Certificate, key, bundle and the extra roots.
pub(super) fn checks(home: &Home, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    if home.ca_certificate().exists() {
        checks.push(certificate(home, config));
        checks.push(privacy("ca key", &home.ca().join("ca.key"), 0o600));
        checks.push(bundle(home));
    } else {
        checks.push(Check::passed("ca", "none yet; it is made at the first start"));
    }
    if config.upstream_ca.is_some() {
        checks.push(upstream_ca(config));
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

fn upstream_ca(config: &Config) -> Check {
    let path = config.upstream_ca.clone().unwrap_or_default();
    let refused = |why: String| {
        let error =
            AppError::failed(format!("`proxy.upstream_ca` {} cannot be used", path.display()))
                .why(why)
                .next("name a PEM file with certificates, or remove the setting");
        Check::failed("upstream ca", &error)
    };
    match fs::read_to_string(&path) {
        Err(error) => refused(error.to_string()),
        Ok(text) => match text.matches("-----BEGIN CERTIFICATE-----").count() {
            0 => refused("it holds no certificate".to_owned()),
            count => Check::passed("upstream ca", format!("{count} certificates")),
        },
    }
}
