//! `langley config`: the settings in force, each with its origin.

use serde_json::{Value, json};

use crate::cli::{ConfigVerb, GlobalArgs};
use crate::config::{self, Environment, Layers, Origin};
use crate::error::{AppError, Result};
use crate::preflight;
use crate::table::Table;

/// Runs the verb.
///
/// # Errors
/// The configuration has problems, which `check` is there to say.
pub(crate) fn config(global: &GlobalArgs, verb: ConfigVerb) -> Result<()> {
    if matches!(verb, ConfigVerb::Reference) {
        print!("{}", config::markdown());
        return Ok(());
    }
    let lenient = config::load_leniently(global, &Environment::of_process())?;
    if matches!(verb, ConfigVerb::Path) {
        println!("{}", lenient.told().file.path.display());
        return Ok(());
    }
    let loaded = lenient.strict()?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    match verb {
        ConfigVerb::Show { json: true } => println!("{:#}", as_json(&loaded.layers)),
        ConfigVerb::Show { json: false } => print!("{}", as_table(&loaded.layers)),
        ConfigVerb::Check => {
            let faults = preflight::faults(&loaded.config, &loaded.layers);
            faults.iter().for_each(|fault| fault.error().print());
            if !faults.is_empty() {
                return Err(AppError::said());
            }
            let file = if loaded.file.exists {
                loaded.file.path.display().to_string()
            } else {
                "no file".to_owned()
            };
            for weak in preflight::weakened(&loaded.layers) {
                eprintln!("warning: {weak}");
            }
            println!("the configuration is in order ({file}, environment and flags)");
            for unused in loaded.unused() {
                println!("note: {unused}");
            }
        }
        ConfigVerb::Path | ConfigVerb::Reference => {}
    }
    Ok(())
}

fn as_json(layers: &Layers) -> Value {
    let rows = layers.rows().into_iter().map(|(path, key, entry)| {
        let value = entry.map_or(Value::Null, |entry| config::public(&entry.value));
        let (source, origin) = entry.map_or(("default", "default".to_owned()), |entry| {
            (entry.origin.word(), entry.origin.to_string())
        });
        json!({
            "key": path, "value": value, "source": source, "origin": origin, "used": key.is_used(),
        })
    });
    json!({ "items": rows.collect::<Vec<_>>(), "next_cursor": null })
}

fn as_table(layers: &Layers) -> String {
    let mut table = Table::new(["KEY", "VALUE", "FROM"]);
    for (path, key, entry) in layers.rows() {
        let (value, from) = match entry {
            Some(entry) => {
                let from = match &entry.added_to {
                    Some(below) if entry.origin != Origin::Default => {
                        format!("{} (added to {below})", entry.origin)
                    }
                    _ => entry.origin.to_string(),
                };
                (shown(&config::public(&entry.value)), from)
            }
            None => ("-".to_owned(), format!("default: {}", key.unset())),
        };
        let unused = if key.is_used() { "" } else { " (not used by this version)" };
        table.row([path, value, format!("{from}{unused}")]);
    }
    table.to_string()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) if items.len() > 4 => {
            let some: Vec<String> = items.iter().take(3).map(shown).collect();
            format!("{} … ({} in all; --json shows them)", some.join(", "), items.len())
        }
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
