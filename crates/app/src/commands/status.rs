//! `langley status`: whether a server runs, where, and what it has recorded.

use serde_json::{Value, json};

use crate::alarm::red;
use crate::api::Api;
use crate::cli::GlobalArgs;
use crate::detach;
use crate::error::{AppError, Result};
use crate::hint::at_home;
use crate::home::Home;
use crate::lock::Claim;
use crate::missing;
use crate::reading;
use crate::runtime;
use crate::state::reachable;
use crate::token::Token;

/// Prints the status.
///
/// # Errors
/// No server runs (exit code 1, after saying so).
pub(crate) fn status(global: &GlobalArgs, as_json: bool) -> Result<()> {
    let home = Home::named(global)?;
    let found = runtime::small()?.block_on(async {
        let state = detach::healthy(&home).await?;
        let token = Token::read(&home).ok().flatten();
        reading::committed(&home, &state).await;
        let stats = Api::new(state.api, token).get("/api/stats").await.unwrap_or(Value::Null);
        Some((state, stats))
    });
    let say = |line: &str| println!("{}", at_home(line, global.home.as_deref()));
    let Some((state, stats)) = found else {
        if as_json {
            let has_raw = home.holds_raw_bodies();
            println!(
                "{}",
                json!({ "running": false, "home": home.root(), "has_raw_bodies": has_raw })
            );
        } else if Claim::is_held(&home) {
            println!("a server holds {}, but does not answer", home.root().display());
            say("it may be starting or ending: try again in a moment; otherwise `langley stop`");
        } else {
            println!("no server is running for {}", home.root().display());
            say("start one: `langley`");
        }
        if !as_json {
            tell_of_raw(&home, false, say);
        }
        return Err(AppError::said());
    };
    if as_json {
        let shown = json!({
            "running": true,
            "home": home.root(),
            "pid": state.pid,
            "version": state.version,
            "proxy": state.proxy,
            "api": state.api,
            "keeps_raw_bodies": stats["raw_bodies"].is_object(),
            "has_raw_bodies": home.holds_raw_bodies(),
            "stats": stats,
        });
        println!("{shown:#}");
    } else {
        println!("running    process {}, version {}", state.pid, state.version);
        println!("proxy      http://{}", reachable(state.proxy));
        let dashboard = reachable(state.api);
        say(&format!("dashboard  http://{dashboard} (`langley` prints a link that signs in)"));
        println!("home       {}", home.root().display());
        if let (Some(flows), Some(open)) = (stats["flows"].as_u64(), stats["open_flows"].as_u64()) {
            let open = if open > 0 { format!(", {open} of them open") } else { String::new() };
            println!("recorded   {flows} flows{open}");
        } else {
            say("recorded   unknown: the server does not tell; see `langley doctor`");
        }
        let dead = stats["recorder"]["threads_failed"].as_u64().is_some_and(|count| count > 0);
        if dead || stats["writer_failing"] == true {
            say(&red("recording  FAILS; traffic goes on, and `langley doctor` says what to do"));
        }
        tell_of_raw(&home, stats["raw_bodies"].is_object(), say);
        let spent = stats["budgets_spent"].as_array().into_iter().flatten();
        let spent: Vec<&str> = spent.filter_map(Value::as_str).collect();
        if !spent.is_empty() {
            let line =
                format!("budgets    {} spent; `GET /api/budgets` tells more", spent.join(", "));
            println!("{}", red(&line));
        }
        let unchecked = stats["insecure_hosts"].as_array().into_iter().flatten();
        let unchecked: Vec<&str> = unchecked.filter_map(Value::as_str).collect();
        if !unchecked.is_empty() {
            let line =
                format!("insecure   the certificate of {} is NOT CHECKED", unchecked.join(", "));
            println!("{}", red(&line));
        }
        if let Some(dropped) = stats["drops"]["total"].as_u64().filter(|n| *n > 0) {
            println!(
                "dropped    {dropped} observations (stream events, bodies, rows …); see Health in the dashboard"
            );
        }
        if let Some(line) = missing::line(&stats["drops"]) {
            say(&red(&line));
        }
    }
    Ok(())
}

/// Says where bodies are kept unredacted, and whether more are to come.
fn tell_of_raw(home: &Home, more: bool, say: impl Fn(&str)) {
    let path = home.raw_bodies();
    if more {
        let line =
            format!("raw        bodies are kept UNREDACTED, keys included, in {}", path.display());
        println!("{}", red(&line));
    } else if home.holds_raw_bodies() {
        say(&format!(
            "raw        unredacted bodies of an earlier run are in {}; `langley db raw --remove-all` removes them",
            path.display()
        ));
    }
}
