//! `langley ca`: the certificate authority that agents have to trust.

use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::ValueEnum;
use jiff::Timestamp;
use langley_proxy::{CaError, CertificateAuthority, HostList};
use langley_server::shell_word;
use serde_json::json;

use crate::ca_facts::CaFacts;
use crate::cli::{CaVerb, GlobalArgs, StoreArgs};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;
use crate::trust::{Change, Direction, Installed, Store};

/// Runs the verb.
///
/// # Errors
/// There is no authority yet, it cannot be read or made, or the system's store cannot be changed.
pub(crate) fn ca(global: &GlobalArgs, verb: &CaVerb) -> Result<()> {
    let home = || Home::named(global);
    match verb {
        CaVerb::Path => println!("{}", home()?.ca_certificate().display()),
        CaVerb::Show { json } => show(&home()?, *json)?,
        CaVerb::Install(args) => change(&Home::meant(global)?, args, Direction::Install)?,
        CaVerb::Remove(args) => change(&Home::meant(global)?, args, Direction::Remove)?,
        // The new certificate is made for the intercept list.
        CaVerb::Rotate => {
            let config = config::load(global, &Environment::of_process())?.config;
            rotate(&Home::at(&config.home), &config.intercept_hosts)?;
        }
    }
    Ok(())
}

fn show(home: &Home, json: bool) -> Result<()> {
    let path = home.ca_certificate();
    let facts = CaFacts::read(&path)?;
    let store = Store::of(Path::new("/"), None, &path).ok();
    let installed = store.as_ref().map(|store| (store.installed(), store.place()));
    if json {
        let shown = json!({
            "path": path,
            "bundle_path": home.ca_bundle(),
            "fingerprint_sha256": facts.fingerprint,
            "not_before": facts.not_before.to_string(),
            "not_after": facts.not_after.to_string(),
            "permitted": facts.permitted,
            "installed": installed.map(|(installed, _)| installed == Installed::Yes),
        });
        println!("{shown:#}");
        return Ok(());
    }
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    println!("certificate  {}", path.display());
    println!("bundle       {}", home.ca_bundle().display());
    println!("SHA-256      {}", facts.fingerprint);
    println!("valid        {} to {}", day(facts.not_before), day(facts.not_after));
    println!(
        "installed    {}",
        match installed {
            None => "no (this system has no store that is known)".to_owned(),
            Some((Installed::No, _)) => "no".to_owned(),
            Some((Installed::Yes, place)) => format!("yes, {place}"),
            Some((Installed::Other(_), place)) => format!("an earlier one, {place}"),
        }
    );
    println!("signs only   {}", facts.permitted.join("\n             "));
    Ok(())
}

/// Installs or removes, after showing what that means and asking.
fn change(home: &Home, args: &StoreArgs, direction: Direction) -> Result<()> {
    let store = Store::of(&args.root, args.store, &home.ca_certificate())?;
    let change = Change::plan(&store, direction);
    if change.is_done() && !args.dry_run {
        println!(
            "{}",
            match direction {
                Direction::Install => format!("already installed: {}", store.place()),
                Direction::Remove => "not installed; there is nothing to remove".to_owned(),
            }
        );
        return Ok(());
    }
    println!("certificate  {}", store.certificate().display());
    println!("SHA-256      {}", store.fingerprint());
    if let Installed::Other(fingerprint) = store.installed() {
        println!("instead of   {fingerprint}");
    }
    for step in change.steps() {
        println!("  {step}");
    }
    if args.dry_run {
        println!("nothing was changed");
        return Ok(());
    }
    if store.is_foreign() {
        return Err(AppError::wrong_use("these commands are for another operating system")
            .why(format!("this is {}", std::env::consts::OS))
            .next("copy the certificate there (`langley ca path`) and run them there")
            .next("or leave --store out"));
    }
    if !args.yes && !confirmed(direction)? {
        println!("nothing was changed");
        return Ok(());
    }
    change.apply(&by_hand(home, args, direction))?;
    match direction {
        Direction::Install => {
            println!("installed: {}", store.place());
            println!(
                "programs that read the system's store trust it from their next start on; Node, Python \
                 and browsers have stores of their own, for which `langley run` is the way"
            );
        }
        Direction::Remove => println!("removed"),
    }
    Ok(())
}

/// Asks on the terminal.
fn confirmed(direction: Direction) -> Result<bool> {
    let verb = verb(direction);
    if !std::io::stdin().is_terminal() {
        return Err(AppError::wrong_use(format!(
            "`langley ca {verb}` asks first, and nobody can answer"
        ))
        .why("stdin is no terminal")
        .next("add --yes, or look with --dry-run"));
    }
    print!("{verb}? [y/N] ");
    let failed = |error: std::io::Error| {
        AppError::failed("the answer could not be read").because(&error).next("add --yes")
    };
    std::io::stdout().flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The same command with the administrator's rights; they have another home, so ours is named.
fn by_hand(home: &Home, args: &StoreArgs, direction: Direction) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "langley".into());
    let root = std::path::absolute(home.root()).unwrap_or_else(|_| home.root().to_owned());
    let mut line = format!(
        "sudo {} --home {} ca {}",
        shell_word(&program),
        shell_word(&root),
        verb(direction)
    );
    if args.root != Path::new("/") {
        line.push_str(&format!(" --root {}", shell_word(&args.root)));
    }
    if let Some(name) = args.store.and_then(|store| store.to_possible_value()) {
        line.push_str(&format!(" --store {}", name.get_name()));
    }
    line
}

const fn verb(direction: Direction) -> &'static str {
    match direction {
        Direction::Install => "install",
        Direction::Remove => "remove",
    }
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
    println!("restart agents that are running: they trust the old one only");
    let store = Store::of(Path::new("/"), None, &home.ca_certificate()).ok();
    if let Some(Installed::Other(_)) = store.map(|store| store.installed()) {
        println!(
            "the system's store still holds the old one; put the new one in its place: `langley ca install`"
        );
    }
    println!("where you installed the old one yourself (a browser, an IDE), install the new one");
    Ok(())
}
