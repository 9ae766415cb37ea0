//! The settings changed in the dashboard: the layer between defaults and file, kept in the database
//! as one JSON object, so that a change of several keys is made whole or not at all.

use std::path::Path;

use langley_model::Redactor;
use langley_server::{ChangedSetting, SettingsRefused};
use langley_store::Store;
use serde_json::{Map, Value};

use super::environment::Environment;
use super::key;
use super::layers::{Layers, Origin, public};
use super::problem::Problem;
use super::resolved::Config;
use crate::error::AppError;

/// The database's name of the object.
const NAME: &str = "config";

/// Keys with their values.
pub(crate) type Stored = Map<String, Value>;

/// The settings in the database at `path`; none when there is no database.
///
/// # Errors
/// There is a database, and they cannot be read.
pub(crate) fn read(path: &Path) -> Result<Stored, AppError> {
    if !path.exists() {
        return Ok(Stored::new());
    }
    let unreadable =
        || AppError::failed("the database with the dashboard's settings cannot be read");
    let text = Store::setting_at(path, NAME).map_err(|error| unreadable().said_by(&error))?;
    parse(text.as_deref()).map_err(|error| {
        unreadable()
            .why(format!("the setting `{NAME}` in {} is damaged: {error}", path.display()))
            .next("restore a backup of that file, or move it away to start afresh")
    })
}

fn of(store: &Store) -> Result<Stored, String> {
    let text = store.setting(NAME).map_err(|error| error.to_string())?;
    parse(text.as_deref()).map_err(|error| error.to_string())
}

fn parse(text: Option<&str>) -> serde_json::Result<Stored> {
    text.map_or_else(|| Ok(Stored::new()), serde_json::from_str)
}

/// Lays `stored` over `layers`. A value that this version does not take is a warning: the dashboard,
/// where it could be corrected, must be able to start.
pub(crate) fn lay(layers: &mut Layers, stored: &Stored) -> Vec<String> {
    let mut warnings = Vec::new();
    for (path, value) in stored {
        match problem(path, value) {
            None => layers.set(path, value, Origin::Settings),
            Some(problem) => warnings.push(format!("{problem}; it was ignored")),
        }
    }
    warnings
}

fn problem(path: &str, value: &Value) -> Option<Problem> {
    let mut alone = Layers::defaults();
    alone.set(path, value, Origin::Settings);
    alone.problems().first().cloned()
}

/// Keeps `changes` (null takes a key out), and says what each leads to. `layers` are those in force.
///
/// # Errors
/// A change that cannot be made; none is made then.
pub(crate) fn change(
    layers: &Layers,
    redactor: &Redactor,
    store: &Store,
    changes: &Stored,
) -> Result<Vec<ChangedSetting>, SettingsRefused> {
    let mut stored = of(store).map_err(SettingsRefused::Failed)?;
    for (path, value) in changes {
        check(path, value, redactor).map_err(SettingsRefused::Wrong)?;
        if value.is_null() {
            stored.remove(path);
        } else {
            stored.insert(path.clone(), value.clone());
        }
    }
    let mut next = layers.clone();
    next.forget(&Origin::Settings);
    let weak: Stored = stored.clone().into_iter().filter(|(path, _)| next.is_weak(path)).collect();
    let wrong = lay(&mut next, &weak);
    if !wrong.is_empty() {
        return Err(SettingsRefused::Wrong(wrong.join("\n")));
    }
    Config::resolve(&next, &Environment::of_process())
        .map_err(|problem| SettingsRefused::Wrong(problem.to_string()))?;
    let text = redactor.seal(Value::Object(stored).to_string());
    store.put_setting(NAME, text).map_err(|error| SettingsRefused::Failed(error.to_string()))?;
    let changed = changes.iter().map(|(path, value)| ChangedSetting {
        key: path.clone(),
        value: value.clone(),
        overridden_by: layers
            .entry(path)
            .filter(|_| !next.is_weak(path))
            .map(|entry| entry.origin.to_string()),
    });
    Ok(changed.collect())
}

/// Whether one change can be made at all.
fn check(path: &str, value: &Value, redactor: &Redactor) -> Result<(), String> {
    if path == "home" {
        return Err("`home` cannot be changed here: the settings lie in it".to_owned());
    }
    let taken_out = value.is_null() && key::find(path).is_some();
    if let Some(problem) = problem(path, value).filter(|_| !taken_out) {
        return Err(problem.to_string());
    }
    let text = value.to_string();
    if public(value) != *value || *redactor.seal(text.clone()) != text {
        return Err(format!(
            "`{path}`: the value holds a secret, which the database never does; set it in the file"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;
    use langley_store::StoreOptions;
    use serde_json::json;

    use super::*;

    fn put(store: &Store, layers: &Layers, changes: &Value) -> Result<Vec<ChangedSetting>, String> {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        change(layers, &redactor, store, changes.as_object().unwrap()).map_err(|error| {
            let (SettingsRefused::Wrong(why) | SettingsRefused::Failed(why)) = error;
            why
        })
    }

    #[test]
    fn a_change_is_kept_whole_or_not_at_all_and_weaker_than_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("langley.db");
        let store = Store::open(StoreOptions::new(path.clone()), Box::new(|_| ())).unwrap();
        let mut layers = Layers::defaults();
        layers.set("home", &json!("/h"), Origin::Default);
        layers.set("api.port", &json!(7), Origin::Env("LANGLEY_API__PORT".into()));
        let answer = put(&store, &layers, &json!({"api.port": 8081, "proxy.port": 8080})).unwrap();
        assert_eq!(answer[0].overridden_by.as_deref(), Some("environment LANGLEY_API__PORT"));
        assert_eq!(answer[1].overridden_by, None);
        for (bad, said) in [
            (json!({"proxy.port": 1, "proxy.prot": 1}), "unknown key"),
            (json!({"proxy.port": 99999}), "not a port"),
            (json!({"proxy.prot": null}), "unknown key"),
            (json!({"home": "/x"}), "cannot be changed here"),
            (json!({"proxy.host": "0.0.0.0"}), "allow_remote"),
            (json!({"proxy.upstream_proxy": "http://me:secret@corp:1"}), "holds a secret"),
        ] {
            let error = put(&store, &layers, &bad).unwrap_err();
            assert!(error.contains(said), "{bad}: {error}");
        }
        let mut next = Layers::defaults();
        assert_eq!(lay(&mut next, &read(&path).unwrap()), [] as [String; 0]);
        let entry = next.entry("proxy.port").unwrap();
        assert_eq!((&entry.value, entry.origin.word()), (&json!(8080), "settings"));
        put(&store, &layers, &json!({"proxy.port": null})).unwrap();
        assert_eq!(read(&path).unwrap(), *json!({"api.port": 8081}).as_object().unwrap());
    }
}
