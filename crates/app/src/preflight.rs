//! What a server would stumble over: settings whose values are right and that cannot be used as this
//! machine is. `config check` and `start` ask here, so that they say the same.

use std::collections::BTreeMap;
use std::path::Path;

use langley_proxy::{BaseUrl, ClientCertificate, ReverseOptions, check_roots};
use rustix::fs::{Access, access};

use crate::config::{Config, Layers};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::listen;
use crate::wire::unusable;

/// Base URLs of the providers, where configuration (or the AWS region, for Bedrock) names no other.
const PROVIDERS: [(&str, &str); 4] = [
    ("anthropic", "https://api.anthropic.com"),
    ("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com"),
    ("gemini", "https://generativelanguage.googleapis.com"),
    ("openai", "https://api.openai.com"),
];

/// Switches of redaction that are on unless somebody turns them off, and what is stored then.
pub(crate) const REDACTION: [(&str, &str); 2] = [
    (
        "redaction.bodies.redact_api_keys",
        "keys and passwords in bodies, streams and URLs are stored as they are",
    ),
    ("redaction.bodies.redact_base64_images", "images are stored as they are"),
];

/// One thing that does not work.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Nothing would; a server does not start.
    Whole(AppError),
    /// Some hosts are answered with an error, and all others are served.
    Part(AppError),
}

impl Fault {
    /// What it is, why, and what to do.
    pub(crate) const fn error(&self) -> &AppError {
        match self {
            Self::Whole(error) | Self::Part(error) => error,
        }
    }
}

/// Everything that does not work; nothing is left made or changed. Blocks.
pub(crate) fn faults(config: &Config, layers: &Layers) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(reverse(config).err().map(Fault::Whole));
    faults.extend(upstream_ca(config, layers).and_then(Result::err).map(Fault::Whole));
    faults.extend(listen::shared(&config.proxy, &config.api).map(Fault::Whole));
    let at = Home::at(&config.home);
    faults.extend(at.unmakeable().or_else(|| home(&at)).map(Fault::Whole));
    let certificates = config.client_certificates.iter();
    let unusable = certificates.filter_map(|(name, found)| client_certificate(name, found).err());
    faults.extend(unusable.map(Fault::Part));
    faults
}

/// Before a start: what concerns some hosts only is a warning.
///
/// # Errors
/// Something that nothing would work with; all of it is printed.
pub(crate) fn ready(config: &Config, layers: &Layers) -> Result<()> {
    let mut is_ready = true;
    for fault in faults(config, layers) {
        match fault {
            Fault::Whole(error) => {
                error.print();
                is_ready = false;
            }
            Fault::Part(error) => error.warn("all other hosts are served"),
        }
    }
    if is_ready { Ok(()) } else { Err(AppError::said()) }
}

/// Redaction that is switched off: the key, what follows, and where it was set.
pub(crate) fn weakened(layers: &Layers) -> Vec<String> {
    REDACTION
        .iter()
        .filter_map(|(key, follows)| {
            let entry = layers.entry(key).filter(|entry| entry.value == false)?;
            Some(format!(
                "redaction is switched off in part: `{key}` is false ({}), so {follows}",
                entry.origin
            ))
        })
        .collect()
}

/// Where requests by base URL go.
///
/// # Errors
/// A base URL that cannot be used, or a default that is no upstream.
pub(crate) fn reverse(config: &Config) -> Result<ReverseOptions> {
    let mut upstreams = BTreeMap::new();
    let configured = config.upstreams.iter().map(|(name, url)| (name.as_str(), url.as_str()));
    for (name, url) in PROVIDERS.into_iter().chain(configured) {
        let url = BaseUrl::parse(url).map_err(|e| unusable("base URL of an upstream", &e))?;
        upstreams.insert(name.to_owned(), url);
    }
    let default = config.reverse_default.clone();
    if let Some(name) = default.as_ref().filter(|name| !upstreams.contains_key(*name)) {
        let known: Vec<&str> = upstreams.keys().map(String::as_str).collect();
        return Err(AppError::failed(format!(
            "`proxy.reverse.default` names `{name}`, which is no upstream"
        ))
        .why(format!("known upstreams: {}", known.join(", ")))
        .next(format!("name one of them, or set `proxy.reverse.upstreams.{name}.base_url`")));
    }
    Ok(ReverseOptions { upstreams, default })
}

/// The file of `proxy.upstream_ca`, where one is named: how many certificates it adds.
pub(crate) fn upstream_ca(config: &Config, layers: &Layers) -> Option<Result<usize>> {
    const KEY: &str = "proxy.upstream_ca";
    let path = config.upstream_ca.as_deref()?;
    let origin = layers.entry(KEY).map(|entry| format!(" ({})", entry.origin)).unwrap_or_default();
    Some(check_roots(path).map_err(|why| {
        AppError::failed(format!("`{KEY}`{origin} cannot be used"))
            .why(format!("{}: {why}", path.display()))
            .next("name a PEM file that holds certificates, or take the setting out")
    }))
}

/// Whether a certificate for providers that ask for one can be presented.
///
/// # Errors
/// One of its files cannot be read, or they do not belong together.
pub(crate) fn client_certificate(name: &str, certificate: &ClientCertificate) -> Result<()> {
    certificate.check().map_err(|error| {
        AppError::failed(format!("`proxy.client_certificates.{name}` cannot be presented"))
            .why(error.reason())
            .next("name PEM files of a certificate and of its own key; until then its hosts get a 502")
    })
}

/// The home and what a start needs of it, as the system says it may be used.
fn home(home: &Home) -> Option<AppError> {
    let root = home.root();
    if root.exists() && !root.is_dir() {
        return Some(home.unusable(&std::io::Error::other("it is a file, not a folder")));
    }
    denied(home, |path, wanted| access(path, wanted))
}

/// The first thing that `may` does not let a server do. What is not there yet is made at the start, where the
/// folder above lets it; what is only replaced needs no more than that.
fn denied(home: &Home, may: impl Fn(&Path, Access) -> rustix::io::Result<()>) -> Option<AppError> {
    let nearest = home.root().ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let written = Access::READ_OK | Access::WRITE_OK;
    let [wal, shm] = ["langley.db-wal", "langley.db-shm"].map(|name| home.root().join(name));
    let there = [
        (home.lock(), written),
        (home.database(), written),
        (wal, written),
        (shm, written),
        (home.token(), Access::READ_OK),
        (home.digest_key(), Access::READ_OK),
        (home.ca(), Access::READ_OK | Access::EXEC_OK),
        (home.ca_certificate(), Access::READ_OK),
    ];
    let there = there.into_iter().filter(|(path, _)| path.exists());
    std::iter::once((nearest.to_owned(), Access::WRITE_OK)).chain(there).find_map(
        |(path, wanted)| {
            let denied = may(&path, wanted).err()?;
            Some(home.unusable(&std::io::Error::other(format!("{}: {denied}", path.display()))))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::GlobalArgs;
    use crate::config::{self, Environment};

    fn said(folder: &Path, pairs: &[(&str, &str)]) -> String {
        let mut variables: BTreeMap<String, String> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        variables.entry("LANGLEY_HOME".into()).or_insert_with(|| folder.display().to_string());
        let environment = Environment { variables, folder: folder.to_owned() };
        let loaded = config::load(&GlobalArgs::default(), &environment).unwrap();
        let faults = faults(&loaded.config, &loaded.layers);
        let said: Vec<String> = faults.iter().map(|fault| fault.error().to_string()).collect();
        said.concat().replace(&folder.display().to_string(), "DIR")
    }

    #[test]
    fn what_a_server_would_stumble_over_is_said_with_its_way_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty.pem"), "").unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(said(folder.path(), &[("LANGLEY_REVERSE_DEFAULT", "openai")]), "");
        insta::assert_snapshot!(said(folder.path(), &[
            ("LANGLEY_REVERSE_DEFAULT", "nope"),
            ("LANGLEY_UPSTREAM_CA", "empty.pem"),
            ("LANGLEY_HOME", "file"),
        ]), @r"
        error: `proxy.reverse.default` names `nope`, which is no upstream
        why:   known upstreams: anthropic, bedrock, gemini, openai
        next:  name one of them, or set `proxy.reverse.upstreams.nope.base_url`
        error: `proxy.upstream_ca` (environment LANGLEY_UPSTREAM_CA) cannot be used
        why:   DIR/empty.pem: it holds no certificate
        next:  name a PEM file that holds certificates, or take the setting out
        error: the home folder DIR/file cannot be used
        why:   it is a file, not a folder
        next:  make it writable for you, or name another: `langley --home DIR` or LANGLEY_HOME
        ");
        insta::assert_snapshot!(said(folder.path(), &[
            ("LANGLEY_UPSTREAM_CA", "none.pem"),
            ("LANGLEY_PROXY__CLIENT_CERTIFICATES__LAB__HOSTS", "lab.example"),
            ("LANGLEY_PROXY__CLIENT_CERTIFICATES__LAB__CERTIFICATE", "empty.pem"),
            ("LANGLEY_PROXY__CLIENT_CERTIFICATES__LAB__KEY", "none.key"),
        ]), @r"
        error: `proxy.upstream_ca` (environment LANGLEY_UPSTREAM_CA) cannot be used
        why:   DIR/none.pem: I/O error: No such file or directory (os error 2)
        next:  name a PEM file that holds certificates, or take the setting out
        error: `proxy.client_certificates.lab` cannot be presented
        why:   DIR/empty.pem: it holds no certificate
        next:  name PEM files of a certificate and of its own key; until then its hosts get a 502
        ");
    }

    #[test]
    fn one_port_for_both_doors_is_said_before_either_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        insta::assert_snapshot!(said(folder.path(), &[("LANGLEY_API", "127.0.0.1:9090")]), @r"
        error: the proxy (127.0.0.1:9090) and the dashboard (127.0.0.1:9090) cannot share a port
        why:   `proxy.port` and `api.port` are the same, at the same address
        next:  choose another port for one of them: `langley --api 127.0.0.1:0` (0 takes any free port)
        ");
        for apart in ["127.0.0.1:9091", "127.0.0.1:0", "[::1]:9090"] {
            assert_eq!(said(folder.path(), &[("LANGLEY_API", apart)]), "", "{apart}");
        }
    }

    #[test]
    fn a_home_that_a_start_could_not_make_is_told_in_the_words_of_the_start() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        for home in ["/proc/langley".as_ref(), folder.path().join("file/home").as_path()] {
            let told = said(folder.path(), &[("LANGLEY_HOME", home.to_str().unwrap())]);
            let refused = Home::create(home).unwrap_err().to_string();
            assert_eq!(told, refused.replace(&folder.path().display().to_string(), "DIR"));
            assert!(told.contains("cannot be used\nwhy:"), "{told}");
            assert!(!home.exists());
        }
    }

    #[test]
    fn a_home_that_is_not_there_yet_is_in_order_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("a/b");
        assert_eq!(said(folder.path(), &[("LANGLEY_HOME", home.to_str().unwrap())]), "");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_what_a_start_writes_has_to_be_writable() {
        use rustix::io::Errno;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let root = |name: &str| folder.path().join(name);
        for name in ["ca", "logs"] {
            std::fs::create_dir(root(name)).unwrap();
        }
        let files = [
            "lock",
            "langley.db",
            "langley.db-wal",
            "langley.db-shm",
            "token",
            "digest.key",
            "state.json",
        ];
        for name in files.into_iter().chain(["ca/ca.pem", "logs/server.log"]) {
            std::fs::write(root(name), "").unwrap();
        }
        let without = |name: &str, kind: Access| {
            let closed = root(name);
            denied(&home, |path, wanted| {
                let is_denied = path == closed && wanted.intersects(kind);
                if is_denied { Err(Errno::ACCESS) } else { Ok(()) }
            })
        };
        for name in ["token", "ca", "ca/ca.pem", "state.json", "logs", "logs/server.log"] {
            assert!(without(name, Access::WRITE_OK).is_none(), "{name}");
        }
        for name in ["", "lock", "langley.db", "langley.db-wal", "langley.db-shm"] {
            let told = without(name, Access::WRITE_OK).expect(name);
            let path: std::path::PathBuf = root(name).components().collect();
            assert!(told.reason().unwrap().starts_with(path.to_str().unwrap()), "{told}");
        }
        for name in ["token", "digest.key", "ca", "ca/ca.pem"] {
            assert!(without(name, Access::READ_OK).is_some(), "{name}");
        }
    }
}
