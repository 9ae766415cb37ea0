//! The process's environment as configuration sees it; passed in, so that tests have their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::key::{self, KEYS};
use super::layers::{Layers, Origin};
use super::problem::Problem;
use super::suggest;

/// Variables that are Langley's own and no configuration keys.
const OWN: [&str; 3] = ["LANGLEY_CONFIG", "LANGLEY_HOME", "LANGLEY_LOG"];

/// Variables and folders of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Environment variables that are UTF-8.
    pub(crate) variables: BTreeMap<String, String>,
    /// The current folder.
    pub(crate) folder: PathBuf,
}

/// Where base-URL requests to Bedrock go: to the region that the AWS tools are set to.
const BEDROCK: &str = "proxy.reverse.upstreams.bedrock.base_url";

impl Environment {
    /// The present process's.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables, folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")) }
    }

    /// A variable's value, when set and not empty.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `path` made absolute against the current folder.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Folder for data, after the XDG base directory specification.
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        self.xdg("XDG_DATA_HOME", ".local/share")
    }

    /// Folder for configuration, after the XDG base directory specification.
    pub(crate) fn config_folder(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    fn xdg(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        let named = self.value(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = named.or_else(|| Some(PathBuf::from(self.value("HOME")?).join(below_home)))?;
        Some(folder.join("langley"))
    }

    /// Lays the system's own variables, those of proxies and of the AWS region, over `layers`; weaker
    /// than any of Langley's. They are meant for every program, so one that we cannot use is a warning
    /// and not an error.
    pub(crate) fn lay_system(&self, layers: &mut Layers) -> Vec<String> {
        let table = [
            ("proxy.upstream_proxy", ["HTTPS_PROXY", "https_proxy"]),
            ("proxy.no_proxy", ["NO_PROXY", "no_proxy"]),
            (BEDROCK, ["AWS_REGION", "AWS_DEFAULT_REGION"]),
        ];
        let mut warnings = Vec::new();
        for (path, names) in table {
            let found = names.into_iter().find_map(|name| Some((name, self.value(name)?)));
            let (Some((name, text)), Some(key)) = (found, key::find(path)) else { continue };
            let value = match path {
                BEDROCK => Value::from(format!("https://bedrock-runtime.{text}.amazonaws.com")),
                _ => Value::from(text),
            };
            match key.kind.accept(&value, None) {
                Ok(_) => layers.set(path, &value, Origin::System(name.to_owned())),
                Err(why) => warnings.push(format!(
                    "environment {name} cannot be used and was ignored ({why}); set `{path}` to say what is meant"
                )),
            }
        }
        warnings
    }

    /// Lays what Langley's own variables say of the two addresses over `layers`.
    pub(crate) fn lay_addresses(&self, layers: &mut Layers) {
        const ADDRESSES: [&str; 5] =
            ["proxy.host", "proxy.port", "proxy.allow_remote", "api.host", "api.port"];
        let mut own = Layers::default();
        // What is not known is another command's to warn of.
        let _ = self.lay(&mut own);
        layers.take_over(&own, &ADDRESSES);
        let of_addresses =
            |problem: &&Problem| problem.is_of(&ADDRESSES, &["LANGLEY_LISTEN", "LANGLEY_API"]);
        for problem in own.problems().iter().filter(of_addresses) {
            layers.problem(problem.clone());
        }
    }

    /// Lays Langley's own variables over `layers`; returns warnings about variables it does not know.
    pub(crate) fn lay(&self, layers: &mut Layers) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, value) in &self.variables {
            let Some(rest) = name.strip_prefix("LANGLEY_") else { continue };
            if OWN.contains(&name.as_str()) || value.is_empty() {
                continue;
            }
            let origin = Origin::Env(name.clone());
            let value = Value::String(value.clone());
            if rest.contains("__") {
                layers.set(&rest.to_ascii_lowercase().replace("__", "."), &value, origin);
            } else if name == "LANGLEY_LISTEN" || name == "LANGLEY_API" {
                let section = if name == "LANGLEY_API" { "api" } else { "proxy" };
                lay_address(layers, section, value.as_str().unwrap_or_default(), origin);
            } else if let Some(key) = KEYS.iter().find(|key| key.short_env == Some(name.as_str())) {
                layers.set(key.path, &value, origin);
            } else if let Some(upstream) = rest.strip_prefix("UPSTREAM_") {
                let path =
                    format!("proxy.reverse.upstreams.{}.base_url", upstream.to_ascii_lowercase());
                layers.set(&path, &value, origin);
            } else {
                warnings.push(unknown(name));
            }
        }
        warnings
    }
}

/// Lays `HOST:PORT` over a section's host and port.
pub(crate) fn lay_address(layers: &mut Layers, section: &str, text: &str, origin: Origin) {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => (host, port),
        _ => {
            let sentence = format!("`{text}` is not an address as in `127.0.0.1:9090`");
            layers.problem(Problem::source(origin, sentence));
            return;
        }
    };
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    layers.set(&format!("{section}.host"), &host.into(), origin.clone());
    layers.set(&format!("{section}.port"), &port.into(), origin);
}

fn unknown(name: &str) -> String {
    let known = KEYS.iter().filter_map(|key| key.short_env).chain(OWN);
    match suggest::nearest(name, known) {
        Some(near) => {
            format!("environment {name} is not known and was ignored; did you mean {near}?")
        }
        None => format!(
            "environment {name} is not known and was ignored; keys are spelt LANGLEY_<SECTION>__<KEY>, as in LANGLEY_{}",
            KEYS[2].path.to_ascii_uppercase().replace('.', "__")
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let variables = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Environment { variables, folder: PathBuf::from("/work") }
    }

    #[test]
    fn long_and_short_variables_set_the_same_keys() {
        let mut layers = Layers::defaults();
        let warnings = environment(&[
            ("LANGLEY_LISTEN", "[::1]:0"),
            ("LANGLEY_API__PORT", "7"),
            ("LANGLEY_UPSTREAM_ANTHROPIC", "https://localhost:18443/"),
            ("LANGLEY_UPSTREAM_CA", "ca.pem"),
            ("LANGLEY_LISTN", "x"),
        ])
        .lay(&mut layers);
        assert_eq!(layers.problems(), []);
        assert_eq!(layers.value("proxy.host"), Some(&json!("::1")));
        assert_eq!(layers.value("proxy.port"), Some(&json!(0)));
        assert_eq!(layers.value("api.port"), Some(&json!(7)));
        assert_eq!(layers.value("proxy.upstream_ca"), Some(&json!("ca.pem")));
        let upstream = layers.value("proxy.reverse.upstreams.anthropic.base_url");
        assert_eq!(upstream, Some(&json!("https://localhost:18443")));
        assert_eq!(
            warnings,
            [
                "environment LANGLEY_LISTN is not known and was ignored; did you mean LANGLEY_LISTEN?"
            ]
        );
    }

    #[test]
    fn a_system_proxy_that_we_cannot_use_is_a_warning() {
        let mut layers = Layers::defaults();
        let pairs = [("https_proxy", "socks5://me:secret@corp:1080"), ("NO_PROXY", "a.example")];
        let warnings = environment(&pairs).lay_system(&mut layers);
        assert_eq!(layers.problems(), []);
        assert_eq!(layers.value("proxy.upstream_proxy"), None);
        assert_eq!(layers.value("proxy.no_proxy"), Some(&json!("a.example")));
        assert!(warnings[0].starts_with("environment https_proxy cannot be used"), "{warnings:?}");
        assert!(!warnings[0].contains("secret"));
    }

    #[test]
    fn bedrock_is_asked_in_the_region_of_the_aws_tools() {
        let bedrock = |pairs: &[(&str, &str)]| {
            let mut layers = Layers::defaults();
            let warnings = environment(pairs).lay_system(&mut layers);
            (layers.value(BEDROCK).cloned(), warnings.len())
        };
        let url = |region| Some(json!(format!("https://bedrock-runtime.{region}.amazonaws.com")));
        let both = [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "us-west-2")];
        assert_eq!(bedrock(&both), (url("eu-west-1"), 0));
        assert_eq!(bedrock(&both[1..]), (url("us-west-2"), 0));
        assert_eq!(bedrock(&[]), (None, 0));
        assert_eq!(bedrock(&[("AWS_REGION", "no such/../region")]), (None, 1));
    }

    #[test]
    fn a_mistyped_path_in_a_variable_is_an_error() {
        let mut layers = Layers::defaults();
        let _ =
            environment(&[("LANGLEY_PROXY__PROT", "1"), ("LANGLEY_API", "9091")]).lay(&mut layers);
        let said: Vec<String> = layers.problems().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        environment LANGLEY_API: `9091` is not an address as in `127.0.0.1:9090`
        environment LANGLEY_PROXY__PROT: `proxy.prot`: unknown key; did you mean `proxy.port`?
        ");
    }

    #[test]
    fn the_data_folder_follows_xdg_and_ignores_a_relative_one() {
        let named = environment(&[("XDG_DATA_HOME", "/data"), ("HOME", "/h")]);
        assert_eq!(named.data_folder(), Some(PathBuf::from("/data/langley")));
        let relative = environment(&[("XDG_DATA_HOME", "data"), ("HOME", "/h")]);
        assert_eq!(relative.data_folder(), Some(PathBuf::from("/h/.local/share/langley")));
        assert_eq!(environment(&[]).data_folder(), None);
    }
}
