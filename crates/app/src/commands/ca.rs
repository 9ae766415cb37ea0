//! `langley ca`: the certificate authority that agents have to trust.

use jiff::Timestamp;
use langley_proxy::{CaError, CertificateAuthority, HostList};
use serde_json::json;

use crate::ca_facts::CaFacts;
use crate::cli::{CaVerb, GlobalArgs};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;

/// Runs the verb.
///
/// # Errors
/// There is no authority yet, or it cannot be read or made.
pub(crate) fn ca(global: &GlobalArgs, verb: CaVerb) -> Result<()> {
    let loaded = config::load(global, &Environment::of_process())?;
    let home = Home::at(&loaded.config.home);
    match verb {
        CaVerb::Path => println!("{}", home.ca_certificate().display()),
        CaVerb::Show { json } => show(&home, json)?,
        CaVerb::Rotate => rotate(&home, &loaded.config.intercept_hosts)?,
    }
    Ok(())
}

fn show(home: &Home, json: bool) -> Result<()> {
    let path = home.ca_certificate();
    let facts = CaFacts::read(&path)?;
    if json {
        let shown = json!({
            "path": path,
            "bundle_path": home.ca_bundle(),
            "fingerprint_sha256": facts.fingerprint,
            "not_before": facts.not_before.to_string(),
            "not_after": facts.not_after.to_string(),
            "permitted": facts.permitted,
        });
        println!("{shown:#}");
        return Ok(());
    }
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    println!("certificate  {}", path.display());
    println!("bundle       {}", home.ca_bundle().display());
    println!("SHA-256      {}", facts.fingerprint);
    println!("valid        {} to {}", day(facts.not_before), day(facts.not_after));
    println!("signs only   {}", facts.permitted.join("\n             "));
    Ok(())
}

/// Makes authority and bundle where there are none yet.
///
/// # Errors
/// The intercept list or the home cannot be used.
pub(crate) fn make(home: &Home, hosts: &[String]) -> Result<()> {
    let made = CertificateAuthority::open_or_create(&home.ca(), &parse(hosts)?);
    bundle(home, made)?;
    Ok(())
}

fn parse(hosts: &[String]) -> Result<HostList> {
    HostList::parse(hosts)
        .map_err(|error| AppError::wrong_use("the intercept list cannot be used").because(&error))
}

fn bundle(
    home: &Home,
    made: std::result::Result<CertificateAuthority, CaError>,
) -> Result<CertificateAuthority> {
    let authority =
        made.map_err(|error| AppError::failed("no new authority could be made").because(&error))?;
    langley_proxy::write_bundle(&home.ca_bundle(), authority.certificate_pem(), &[])
        .map_err(|error| AppError::failed("the bundle could not be written").because(&error))?;
    Ok(authority)
}

fn rotate(home: &Home, hosts: &[String]) -> Result<()> {
    let home = Home::create(home.root())?;
    // Held until the end: a server that starts in between would use the old key.
    let claim = Claim::take(&home)?;
    if matches!(claim, Claim::Theirs) {
        return Err(AppError::failed("the certificate authority is in use")
            .why("a server of this home is running with the present key")
            .next("end it first: `langley stop`, then `langley ca rotate`, then `langley`"));
    }
    let authority = bundle(&home, CertificateAuthority::rotate(&home.ca(), &parse(hosts)?))?;
    println!("new certificate  {}", authority.fingerprint_sha256());
    println!(
        "restart agents that are running; where the old certificate was installed by hand, install the new one"
    );
    Ok(())
}
