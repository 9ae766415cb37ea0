//! An environment written for a shell, or for the settings of an IDE.

use langley_server::shell_quoted;
use serde_json::{Map, Value};

use crate::cli::EnvForm;

/// The variables in that form.
pub(crate) fn written<'a>(
    form: EnvForm,
    variables: impl Iterator<Item = (&'static str, &'a str)>,
) -> String {
    match form {
        EnvForm::Shell => variables
            .map(|(name, value)| format!("export {name}={}\n", shell_quoted(value)))
            .collect(),
        EnvForm::Fish => {
            let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
            variables.map(|(name, value)| format!("set -gx {name} '{}'\n", quoted(value))).collect()
        }
        EnvForm::Json => {
            let object: Map<String, Value> =
                variables.map(|(name, value)| (name.to_owned(), value.into())).collect();
            format!("{:#}\n", Value::Object(object))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_each_reader_needs_it() {
        let shown = |form| written(form, [("A", "it's"), ("B", "C:\\x \"y\"")].into_iter());
        assert_eq!(shown(EnvForm::Shell), "export A='it'\\''s'\nexport B='C:\\x \"y\"'\n");
        assert_eq!(shown(EnvForm::Fish), "set -gx A 'it\\'s'\nset -gx B 'C:\\\\x \"y\"'\n");
        let json: Value = serde_json::from_str(&shown(EnvForm::Json)).unwrap();
        assert_eq!((&json["A"], &json["B"]), (&"it's".into(), &"C:\\x \"y\"".into()));
    }
}
