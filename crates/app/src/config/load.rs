//! Loading: every layer in order, then one resolved value or all problems at once.

use std::path::{Path, PathBuf};

use super::environment::{Environment, lay_address};
use super::file::{self, FILE_NAME};
use super::layers::{Layers, Origin};
use super::problem::{self, Problem};
use super::resolved::Config;
use super::stored::{self, Stored};
use crate::cli::GlobalArgs;
use crate::error::{AppError, Result, Warned};
use crate::home::Home;

/// What loading gave.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Resolved values.
    pub(crate) config: Config,
    /// Every value with its origin.
    pub(crate) layers: Layers,
    /// The file that was read, or would be.
    pub(crate) file: ConfigFile,
    /// Things to mention that stop nothing.
    pub(crate) warnings: Vec<String>,
}

impl Loaded {
    /// Everything that was set to something and that nothing reads in this version, in words.
    pub(crate) fn unused(&self) -> Vec<String> {
        let rows = self.layers.rows().into_iter();
        rows.filter(|(_, key, _)| !key.is_used())
            .filter_map(|(path, _, entry)| Some((path, &entry?.origin)))
            .filter(|(_, origin)| **origin != Origin::Default)
            .map(|(path, origin)| format!("`{path}` ({origin}) is not used by this version"))
            .collect()
    }
}

/// The configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigFile {
    /// Its path.
    pub(crate) path: PathBuf,
    /// Whether it is there.
    pub(crate) exists: bool,
}

/// What loading gave, and what was wrong on the way.
#[derive(Debug)]
pub(crate) struct Lenient {
    /// What could be used; values with a problem are as if they were not there.
    loaded: Loaded,
    /// Everything wrong.
    problem: Option<AppError>,
    /// Whether what is wrong may have named another home, and nothing else names one.
    is_home_doubtful: bool,
    /// What the command has warned of.
    warned: Warned,
}

impl Lenient {
    /// All of it, or none.
    ///
    /// # Errors
    /// The problem.
    pub(crate) fn strict(self) -> Result<Loaded> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(self.loaded),
        }
    }

    /// What could be used, after warning of the rest: for commands that only talk to a running server
    /// or read what was recorded.
    pub(crate) fn told(self) -> Loaded {
        if let Some(problem) = self.problem {
            let home = self.loaded.config.home.display();
            let done = if self.is_home_doubtful {
                format!("it was left out, and the home is {home}")
            } else {
                String::from("it was left out")
            };
            self.warned.warn(problem, &done);
        }
        self.loaded
    }

    /// The same, for commands that change something in the home or of its server.
    ///
    /// # Errors
    /// What is wrong may have named another home than the one that would be used.
    pub(crate) fn sure_of_home(self) -> Result<Self> {
        let Some(problem) = self.problem.as_ref().filter(|_| self.is_home_doubtful) else {
            return Ok(self);
        };
        let (what, reason) = (problem.what(), problem.reason().unwrap_or_default());
        let home = self.loaded.config.home.display();
        let error = AppError::wrong_use("it is not sure which home is meant")
            .why(format!("{what}, and may name another home than {home}:\n{reason}"))
            .next("name it: `langley --home DIR`, or set LANGLEY_HOME");
        Err(problem.hints().iter().fold(error, AppError::next))
    }

    /// What could be used.
    pub(crate) const fn usable(&self) -> &Loaded {
        &self.loaded
    }

    /// What was wrong.
    pub(crate) const fn problem(&self) -> Option<&AppError> {
        self.problem.as_ref()
    }
}

/// Loads defaults, the dashboard's settings, file, environment and flags.
///
/// # Errors
/// Unknown keys and bad values, all of them at once; a file that was named, or settings that are there, and
/// cannot be read.
pub(crate) fn load(args: &GlobalArgs, environment: &Environment) -> Result<Loaded> {
    load_leniently(args, environment)?.strict()
}

/// The same, as far as it can be used.
///
/// # Errors
/// There is no folder for Langley's data.
pub(crate) fn load_leniently(args: &GlobalArgs, environment: &Environment) -> Result<Lenient> {
    let without = load_with(args, environment, &Stored::new())?;
    // The settings lie in the home, which only the other layers can name.
    match stored::read(&Home::at(&without.loaded.config.home).database()) {
        Ok(found) if found.is_empty() => Ok(without),
        Ok(found) => load_with(args, environment, &found),
        // What they keep or redact is not known, so nothing may write or remove without them.
        Err(unread) => Ok(Lenient { problem: without.problem.or(Some(unread)), ..without }),
    }
}

fn load_with(args: &GlobalArgs, environment: &Environment, settings: &Stored) -> Result<Lenient> {
    let mut layers = Layers::defaults();
    let mut warnings = environment.lay_system(&mut layers);
    warnings.extend(stored::lay(&mut layers, settings));

    let named_home = named_home(args, environment);
    let file = config_file(args, environment, named_home.as_deref());
    let unreadable = match read(&file, args, environment) {
        Ok(text) => {
            file::lay(&mut layers, &file.path, text.as_deref().unwrap_or_default());
            None
        }
        Err(unreadable) => Some(unreadable),
    };
    let in_home = named_home.as_deref().is_some_and(|home| file.path.starts_with(home));
    if in_home && let Some(entry) = layers.entry("home") {
        let sentence = "a file inside the home cannot move the home; use --home or LANGLEY_HOME";
        let problem = Problem::value(entry.origin.clone(), "home", sentence);
        layers.problem(problem);
    }

    warnings.extend(environment.lay(&mut layers));
    if let Some(home) = environment.value("LANGLEY_HOME") {
        set_path(&mut layers, "home", &environment.absolute(Path::new(home)), || {
            Origin::Env("LANGLEY_HOME".into())
        });
    }
    if let Some(home) = &args.home {
        set_path(&mut layers, "home", &environment.absolute(home), || Origin::Flag("--home"));
    }
    lay_flags(&mut layers, args);
    if layers.value("home").is_none() {
        let home = environment.data_folder().ok_or_else(no_home)?;
        set_path(&mut layers, "home", &home, || Origin::Default);
    }

    let hidden = unreadable.is_some() || layers.problems().iter().any(Problem::hides_home);
    let is_home_doubtful = named_home.is_none() && hidden;
    let (config, problem) = match settle(&layers, environment) {
        Ok(config) => (config, unreadable),
        Err(problem) => (rest(&layers, environment)?, unreadable.or(Some(problem))),
    };
    let loaded = Loaded { config, layers, file, warnings };
    Ok(Lenient { loaded, problem, is_home_doubtful, warned: args.warned.clone() })
}

/// What of `layers` can be used; where their values contradict each other, the home alone.
fn rest(layers: &Layers, environment: &Environment) -> Result<Config> {
    Config::resolve(layers, environment).or_else(|_| {
        let mut bare = Layers::defaults();
        bare.take_over(layers, &["home"]);
        settle(&bare, environment)
    })
}

/// What environment and flags say of the two addresses, and nothing else.
pub(crate) fn addresses(args: &GlobalArgs, environment: &Environment) -> Layers {
    let mut layers = Layers::default();
    environment.lay_addresses(&mut layers);
    lay_flags(&mut layers, args);
    layers
}

/// Lays the flags for the two addresses over `layers`.
fn lay_flags(layers: &mut Layers, args: &GlobalArgs) {
    if let Some(listen) = &args.listen {
        lay_address(layers, "proxy", listen, Origin::Flag("--listen"));
    }
    if let Some(api) = &args.api {
        lay_address(layers, "api", api, Origin::Flag("--api"));
    }
}

/// The resolved value of `layers`.
///
/// # Errors
/// Every problem found while laying them, or values that contradict each other.
pub(crate) fn settle(layers: &Layers, environment: &Environment) -> Result<Config> {
    if !layers.problems().is_empty() {
        return Err(problem::error(layers.problems()));
    }
    Config::resolve(layers, environment).map_err(|found| problem::error(&[found]))
}

/// The home as flag or environment name it.
fn named_home(args: &GlobalArgs, environment: &Environment) -> Option<PathBuf> {
    let named = args.home.clone().or_else(|| environment.value("LANGLEY_HOME").map(PathBuf::from));
    named.map(|home| environment.absolute(&home))
}

fn config_file(
    args: &GlobalArgs,
    environment: &Environment,
    named_home: Option<&Path>,
) -> ConfigFile {
    let named =
        args.config.clone().or_else(|| environment.value("LANGLEY_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        let path = environment.absolute(&path);
        return ConfigFile { exists: path.exists(), path };
    }
    let home = named_home.map(Path::to_owned).or_else(|| environment.data_folder());
    let in_home = home.map(|home| home.join(FILE_NAME));
    let in_xdg = environment.config_folder().map(|folder| folder.join(FILE_NAME));
    let found = [&in_home, &in_xdg].into_iter().flatten().find(|path| path.exists()).cloned();
    let exists = found.is_some();
    let path = found.or(in_home).or(in_xdg).unwrap_or_else(|| PathBuf::from(FILE_NAME));
    ConfigFile { path, exists }
}

fn read(file: &ConfigFile, args: &GlobalArgs, environment: &Environment) -> Result<Option<String>> {
    let named = args.config.is_some() || environment.value("LANGLEY_CONFIG").is_some();
    if !file.exists && !named {
        return Ok(None);
    }
    match std::fs::read_to_string(&file.path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(AppError::wrong_use(format!(
            "the configuration file {} cannot be read",
            file.path.display()
        ))
        .because(&error)
        .next("name another with --config, or make this one readable")),
    }
}

fn set_path(layers: &mut Layers, key: &str, path: &Path, origin: impl Fn() -> Origin) {
    match path.to_str() {
        Some(text) => layers.set(key, &text.into(), origin()),
        None => layers.problem(Problem::value(
            origin(),
            key,
            format!("{} is not UTF-8", path.display()),
        )),
    }
}

fn no_home() -> AppError {
    AppError::wrong_use("there is no folder for Langley's data")
        .why("neither HOME nor XDG_DATA_HOME is set")
        .next("name one: `langley --home DIR`, or set LANGLEY_HOME")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(folder: &Path, pairs: &[(&str, &str)]) -> Environment {
        let mut variables: std::collections::BTreeMap<String, String> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        variables.entry("HOME".into()).or_insert_with(|| folder.display().to_string());
        Environment { variables, folder: folder.to_owned() }
    }

    #[test]
    fn flags_beat_environment_beats_file_beats_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let text = "proxy: {port: 1}\napi: {port: 2, host: localhost}\npersistence: {body_max_bytes: 2 MiB}\n";
        std::fs::write(home.join(FILE_NAME), text).unwrap();
        let environment = environment(
            folder.path(),
            &[
                ("LANGLEY_HOME", "home"),
                ("LANGLEY_LISTEN", "127.0.0.1:3"),
                ("LANGLEY_API__PORT", "4"),
            ],
        );
        let args = GlobalArgs { listen: Some("127.0.0.1:5".into()), ..GlobalArgs::default() };
        let loaded = load(&args, &environment).unwrap();
        let config = &loaded.config;
        assert_eq!(config.home, home);
        assert_eq!(config.proxy.port, 5);
        assert_eq!((config.api.port, config.api.host.as_str()), (4, "localhost"));
        assert_eq!(config.persistence.body_max_bytes, 2 << 20);
        let origin = |key| loaded.layers.entry(key).unwrap().origin.to_string();
        assert_eq!(origin("proxy.port"), "flag --listen");
        assert_eq!(origin("api.port"), "environment LANGLEY_API__PORT");
        assert!(origin("api.host").ends_with("home/langley.config.yaml:2"));
        assert_eq!(origin("persistence.queue_max_items"), "default");
    }

    #[test]
    fn time_is_bounded_only_where_somebody_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let limits = |pairs: &[(&str, &str)]| {
            let environment = environment(folder.path(), pairs);
            load(&GlobalArgs::default(), &environment).unwrap().config.limits
        };
        let defaults = limits(&[]);
        assert_eq!((defaults.idle, defaults.total), (None, None));
        let own = langley_proxy::Limits::default();
        assert_eq!(defaults.header_bytes, own.header_bytes);
        assert_eq!(defaults.header_count, own.header_count);
        let set = limits(&[("LANGLEY_PROXY__LIMITS__IDLE_SECONDS", "90")]);
        assert_eq!(set.idle, Some(std::time::Duration::from_secs(90)));
    }

    #[test]
    fn what_is_wrong_leaves_the_rest_usable() {
        let folder = tempfile::tempdir().unwrap();
        let lenient = |pairs: &[(&str, &str)]| {
            load_leniently(&GlobalArgs::default(), &environment(folder.path(), pairs)).unwrap()
        };
        let one = lenient(&[("LANGLEY_PROXY__PORT", "x"), ("LANGLEY_API__PORT", "5")]);
        assert!(one.problem().unwrap().reason().unwrap().contains("`proxy.port`"));
        let usable = &one.usable().config;
        assert_eq!((usable.proxy.port, usable.api.port), (9090, 5));
        assert!(one.strict().is_err());
        // Values that contradict each other leave nothing but the home.
        let other = lenient(&[("LANGLEY_LISTEN", "0.0.0.0:1"), ("LANGLEY_HOME", "h")]);
        assert!(other.problem().unwrap().reason().unwrap().contains("allow_remote"));
        assert_eq!(other.usable().config.home, folder.path().join("h"));
        assert_eq!(other.usable().config.proxy.port, 9090);
        // So does a file that cannot be read.
        let missing = lenient(&[("LANGLEY_CONFIG", "none.yaml"), ("LANGLEY_HOME", "h")]);
        assert!(missing.problem().unwrap().what().contains("none.yaml cannot be read"));
        assert_eq!(missing.usable().config.home, folder.path().join("h"));
        assert!(lenient(&[]).problem().is_none());
    }

    #[test]
    fn a_file_that_may_name_the_home_and_cannot_be_used_leaves_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yaml");
        let doubtful = |text: &[u8], more: &[(&str, &str)]| {
            std::fs::write(&file, text).unwrap();
            let pairs = [&[("LANGLEY_CONFIG", "c.yaml")], more].concat();
            let args = GlobalArgs::default();
            let lenient = load_leniently(&args, &environment(folder.path(), &pairs)).unwrap();
            lenient.sure_of_home().is_err()
        };
        for text in [&b"proxy: [\n"[..], b"- a\n", b"home: [a]\n", b"hme: /a\n", b"\xff: 1\n"] {
            assert!(doubtful(text, &[]), "{text:?}");
            assert!(!doubtful(text, &[("LANGLEY_HOME", "h")]), "{text:?}");
        }
        assert!(!doubtful(b"home: h\nproxy: {prot: 1}\n", &[]), "the home is known");
        assert!(!doubtful(b"", &[("LANGLEY_PROXY__PORT", "x")]));
        assert!(doubtful(b"", &[("LANGLEY_CONFIG", "none.yaml")]), "not there");
    }

    #[test]
    fn a_client_certificate_needs_all_its_parts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        let home = folder.path().display().to_string();
        let environment = environment(folder.path(), &[("LANGLEY_HOME", &home)]);
        let text = "proxy:\n  client_certificates:\n    corp:\n      hosts: [\"*.corp.example\"]\n      certificate: corp.pem\n";
        std::fs::write(&file, text).unwrap();
        let error = load(&GlobalArgs::default(), &environment).unwrap_err();
        let reason = error.reason().unwrap().replace(&folder.path().display().to_string(), "DIR");
        insta::assert_snapshot!(reason, @"DIR/langley.config.yaml:4: `proxy.client_certificates.corp.hosts`: `proxy.client_certificates.corp.key` is needed beside it");
        std::fs::write(&file, format!("{text}      key: keys/corp.key\n")).unwrap();
        let config = load(&GlobalArgs::default(), &environment).unwrap().config;
        let corp = &config.client_certificates["corp"];
        assert_eq!(corp.key, folder.path().join("keys/corp.key"));
        assert!(corp.hosts.matches("llm.corp.example") && !corp.hosts.matches("corp.example"));
    }

    #[test]
    fn whose_hello_is_sent_may_be_said_in_older_words_and_by_host() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let text = "proxy:\n  tls_fingerprint: bun\n  tls:\n    hosts: [\"*.x.ai=mirror-strict:node\"]\n    strip_acknowledgements: yes\n";
        std::fs::write(home.join(FILE_NAME), text).unwrap();
        let pairs = [("LANGLEY_HOME", "home"), ("LANGLEY_TLS_PROVIDER", "utls")];
        let config =
            load(&GlobalArgs::default(), &environment(folder.path(), &pairs)).unwrap().config;
        assert_eq!(config.tls.default.to_string(), "mirror:bun");
        assert_eq!(config.tls.acknowledgements, langley_proxy::Acknowledgements::Strip);
        let rules: Vec<_> = config.tls.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(rules, ["*.x.ai=mirror-strict:node"]);
        let bad = [("LANGLEY_PROXY__TLS__HOSTS", "api.x.ai=safari")];
        let error = load(&GlobalArgs::default(), &environment(folder.path(), &bad)).unwrap_err();
        assert!(error.reason().unwrap().contains("HOST=mirror-strict:PROFILE"), "{error}");
    }

    #[test]
    fn a_file_in_the_home_cannot_move_the_home() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "home: /elsewhere\n").unwrap();
        let args = GlobalArgs { home: Some(folder.path().to_owned()), ..GlobalArgs::default() };
        let error = load(&args, &environment(folder.path(), &[])).unwrap_err();
        assert!(error.reason().unwrap().contains(":1: `home`: a file inside the home"));
    }

    #[test]
    fn the_systems_proxy_is_used_unless_the_user_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let pairs = [("HTTPS_PROXY", "http://corp:3128"), ("NO_PROXY", "localhost,10.0.0.0/8")];
        let loaded = load(&GlobalArgs::default(), &environment(folder.path(), &pairs)).unwrap();
        assert_eq!(loaded.config.upstream_proxy.as_deref(), Some("http://corp:3128"));
        assert_eq!(loaded.config.no_proxy.as_deref(), Some("localhost,10.0.0.0/8"));
        let pairs = [("HTTPS_PROXY", "http://corp:3128"), ("LANGLEY_UPSTREAM_PROXY", "none")];
        let loaded = load(&GlobalArgs::default(), &environment(folder.path(), &pairs)).unwrap();
        assert_eq!(loaded.config.upstream_proxy, None);
        let own = [("HTTPS_PROXY", "http://127.0.0.1:9090")];
        let loaded = load(&GlobalArgs::default(), &environment(folder.path(), &own)).unwrap();
        assert_eq!(loaded.config.upstream_proxy, None, "never through itself");
    }

    #[test]
    fn listening_beyond_loopback_is_refused_without_the_switch() {
        let folder = tempfile::tempdir().unwrap();
        let args = GlobalArgs { listen: Some("0.0.0.0:9090".into()), ..GlobalArgs::default() };
        let error = load(&args, &environment(folder.path(), &[])).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @r"
        error: the configuration has a problem
        why:   flag --listen: `proxy.host`: 0.0.0.0 can be reached from other machines; set `proxy.allow_remote: true` if that is meant (the proxy then asks for the token)
        next:  correct --listen, then run `langley config check`
        ");
        let pairs = [("LANGLEY_PROXY__ALLOW_REMOTE", "true")];
        assert!(load(&args, &environment(folder.path(), &pairs)).is_ok());
    }
}
