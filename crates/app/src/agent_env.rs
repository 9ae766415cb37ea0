//! The environment that points one process (and its children) at the proxy and makes it trust us.
//!
//! Trust is given by variables only, never by the system's store, and never by switching checks off.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use langley_model::{PROJECT_HEADER, Project};
use serde_json::{Value, json};

use crate::config::Environment;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::state::reachable;
use crate::token::Token;

/// Variables that name the proxy; both spellings, because programs read one or the other.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Variables whose file is added to what a program trusts.
const ADDING: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

/// Variables whose file replaces what a program trusts, hence need the system's roots too.
const REPLACING: [&str; 6] = [
    "AWS_CA_BUNDLE",
    "CODEX_CA_CERTIFICATE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

/// Node's own fetch and `http` read the variables above only when told to (22.21 and 24 on).
const NODE: &str = "NODE_USE_ENV_PROXY";

/// Variables that agents and SDKs take a base URL from, the upstream that it stands for in reverse
/// mode, and what follows the proxy's own URL.
pub(crate) const BASE_URLS: [(&str, &str, &str); 5] = [
    ("ANTHROPIC_BASE_URL", "anthropic", ""),
    ("ANTHROPIC_BEDROCK_BASE_URL", "bedrock", ""),
    ("GOOGLE_GEMINI_BASE_URL", "gemini", ""),
    ("OPENAI_API_BASE", "openai", "/v1"),
    ("OPENAI_BASE_URL", "openai", "/v1"),
];

/// opencode's configuration inside the environment, which goes over its files.
const OPENCODE: &str = "OPENCODE_CONFIG_CONTENT";

/// Headers that Claude Code adds to what it asks, one to a line.
const HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";

/// Hosts that are reached without the proxy: a provider on loopback would otherwise loop.
const LOOPBACK: &str = "127.0.0.1,localhost,::1";

/// Where a cloud's machines ask for their own credentials (AWS's for instances, containers and pods, and
/// Google's): nothing of a provider is there, and what is answered is nobody's to read.
const METADATA: &str = "169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23,\
     metadata.google.internal";

/// Every variable that names a file of certificates.
pub(crate) fn trust_files() -> impl Iterator<Item = &'static str> {
    ADDING.into_iter().chain(REPLACING)
}

/// Whether the file of a variable is added to what a program trusts, and does not replace it.
pub(crate) fn is_added(name: &str) -> bool {
    ADDING.contains(&name)
}

/// Variables to set, in order.
#[derive(Debug)]
pub(crate) struct AgentEnvironment {
    variables: Vec<(&'static str, String)>,
}

impl AgentEnvironment {
    /// The environment that makes clients take the proxy at `proxy` for their provider.
    pub(crate) fn reverse(proxy: SocketAddr, present: &Environment) -> Self {
        let url = reverse_url(proxy);
        let base = BASE_URLS.map(|(name, _, path)| (name, format!("{url}{path}")));
        let mut variables = Vec::from(base);
        variables.extend(opencode(&url, present.value(OPENCODE)).map(|text| (OPENCODE, text)));
        Self { variables }
    }

    /// The environment for the proxy at `proxy`; `password` when it asks for one.
    ///
    /// Roots that the user's own variables name (a company's, say) stay trusted.
    ///
    /// # Errors
    /// The certificate cannot be read, or a bundle cannot be written.
    pub(crate) fn new(
        home: &Home,
        proxy: SocketAddr,
        password: Option<&Token>,
        present: &Environment,
    ) -> Result<Self> {
        let credentials = password.map(|token| format!("langley:{}@", token.reveal()));
        let url = format!("http://{}{}", credentials.unwrap_or_default(), reachable(proxy));
        let mut variables: Vec<(&'static str, String)> =
            PROXY.into_iter().map(|name| (name, url.clone())).collect();

        let kept = present.value("NO_PROXY").or_else(|| present.value("no_proxy"));
        let direct = match kept {
            Some(kept) => format!("{kept},{LOOPBACK},{METADATA}"),
            None => format!("{LOOPBACK},{METADATA}"),
        };
        variables.push(("NO_PROXY", direct.clone()));
        variables.push(("no_proxy", direct));
        variables.push((NODE, present.value(NODE).unwrap_or("1").to_owned()));

        let extra = extra_roots(home, present);
        let (adding, replacing) = if extra.is_empty() {
            (home.ca_certificate(), home.ca_bundle())
        } else {
            let bundle = bundle_with(home, &extra)?;
            (bundle.clone(), bundle)
        };
        variables.extend(ADDING.map(|name| (name, adding.display().to_string())));
        variables.extend(REPLACING.map(|name| (name, replacing.display().to_string())));
        Ok(Self { variables })
    }

    /// Names the project to Langley, which takes the header off, for agents that take one. One that the user's own
    /// variable names already stays. Where requests are signed with their headers, or may go to a gateway of the
    /// user's past Langley, there is none: a folder's name is nobody else's business.
    #[must_use]
    pub(crate) fn naming(mut self, project: Option<&Project>, present: &Environment) -> Self {
        let kept = present.value(HEADERS).unwrap_or_default();
        let has_one = kept.lines().filter_map(|line| line.split_once(':'));
        let has_one =
            has_one.into_iter().any(|(name, _)| name.trim().eq_ignore_ascii_case(PROJECT_HEADER));
        let goes_on = ["CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_BASE_URL"]
            .iter()
            .any(|name| present.value(name).is_some_and(|value| !value.is_empty()));
        if let Some(project) = project.filter(|_| !has_one && !goes_on) {
            let line = format!("{PROJECT_HEADER}: {}", project.header_value());
            let lines = if kept.is_empty() { line } else { format!("{kept}\n{line}") };
            self.variables.push((HEADERS, lines));
        }
        self
    }

    /// Every variable with its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// The base URL of reverse mode.
pub(crate) fn reverse_url(proxy: SocketAddr) -> String {
    format!("http://{}", reachable(proxy))
}

/// The project of a folder: the root of the repository that it lies in, else the folder.
pub(crate) fn project_of(folder: &Path) -> Option<Project> {
    let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
    Project::parse(root.to_str()?)
}

/// opencode's configuration with our base URLs in it; none when the user's own is no JSON object.
fn opencode(url: &str, present: Option<&str>) -> Option<String> {
    let mut config: Value = serde_json::from_str(present.unwrap_or("{}")).ok()?;
    for provider in ["anthropic", "openai"] {
        let mut place = &mut config;
        for step in ["provider", provider, "options"] {
            place = place.as_object_mut()?.entry(step).or_insert_with(|| json!({}));
        }
        place.as_object_mut()?.insert("baseURL".to_owned(), format!("{url}/v1").into());
    }
    Some(config.to_string())
}

/// Certificates that the user's variables already name and our bundle lacks, each once.
fn extra_roots(home: &Home, present: &Environment) -> Vec<String> {
    let ours = fs::read_to_string(home.ca_bundle()).unwrap_or_default();
    let mut known: HashSet<String> = certificates(&ours).map(bare).collect();
    let mut extra = Vec::new();
    for name in trust_files() {
        let Some(path) = present.value(name).map(Path::new) else { continue };
        let Ok(pem) = fs::read_to_string(present.absolute(path)) else { continue };
        for certificate in certificates(&pem) {
            if known.insert(bare(certificate)) {
                extra.push(certificate.to_owned());
            }
        }
    }
    extra
}

/// The PEM blocks of certificates in `text`.
fn certificates(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut rest = text;
    std::iter::from_fn(move || {
        let from = &rest[rest.find(BEGIN)?..];
        let (block, after) = from.split_at(from.find(END)? + END.len());
        rest = after;
        Some(block)
    })
}

/// The same for the same certificate, however its lines are broken.
fn bare(certificate: &str) -> String {
    certificate.split_ascii_whitespace().collect()
}

/// A bundle of the system's roots, `extra` and ours, named after its extras so that it is reused.
fn bundle_with(home: &Home, extra: &[String]) -> Result<PathBuf> {
    let failed = |error: &std::io::Error| {
        AppError::failed("the bundle of certificates could not be written")
            .because(error)
            .next("make the home writable, and run `langley doctor`")
    };
    let ours = fs::read_to_string(home.ca_certificate()).map_err(|error| failed(&error))?;
    let mut hasher = DefaultHasher::new();
    extra.hash(&mut hasher);
    let path = home.ca().join(format!("bundle-{:016x}.pem", hasher.finish()));
    langley_proxy::write_bundle(&path, &ours, extra).map_err(|error| failed(&error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn environment(folder: &Path, pairs: &[(&str, &str)]) -> Environment {
        let variables: BTreeMap<_, _> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Environment { variables, folder: folder.to_owned() }
    }

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        fs::create_dir(home.ca()).unwrap();
        let pem = "-----BEGIN CERTIFICATE-----\nOURS\n-----END CERTIFICATE-----\n";
        fs::write(home.ca_certificate(), pem).unwrap();
        (folder, home)
    }

    #[test]
    fn every_variable_leads_to_the_proxy_or_to_our_certificate() {
        let (folder, home) = home();
        let present = environment(folder.path(), &[("NO_PROXY", "intern.example")]);
        let proxy = "0.0.0.0:9090".parse().unwrap();
        let made = AgentEnvironment::new(&home, proxy, None, &present).unwrap();
        let shown: Vec<String> = made
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", value.replace(&folder.path().display().to_string(), "HOME"))
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        HTTPS_PROXY=http://127.0.0.1:9090
        https_proxy=http://127.0.0.1:9090
        HTTP_PROXY=http://127.0.0.1:9090
        http_proxy=http://127.0.0.1:9090
        NO_PROXY=intern.example,127.0.0.1,localhost,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23,metadata.google.internal
        no_proxy=intern.example,127.0.0.1,localhost,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23,metadata.google.internal
        NODE_USE_ENV_PROXY=1
        NODE_EXTRA_CA_CERTS=HOME/ca/ca.pem
        DENO_CERT=HOME/ca/ca.pem
        AWS_CA_BUNDLE=HOME/ca/bundle.pem
        CODEX_CA_CERTIFICATE=HOME/ca/bundle.pem
        CURL_CA_BUNDLE=HOME/ca/bundle.pem
        GIT_SSL_CAINFO=HOME/ca/bundle.pem
        REQUESTS_CA_BUNDLE=HOME/ca/bundle.pem
        SSL_CERT_FILE=HOME/ca/bundle.pem
        ");
    }

    #[test]
    fn the_project_is_the_repository_and_stands_beside_the_users_own_headers() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("é/src");
        fs::create_dir_all(&inner).unwrap();
        assert_eq!(project_of(&inner).unwrap().as_str(), inner.to_str().unwrap());
        // Of a worktree it is a file.
        fs::write(folder.path().join("é/.git"), "gitdir: elsewhere").unwrap();
        let project = project_of(&inner).unwrap();
        assert_eq!(project.as_str(), folder.path().join("é").to_str().unwrap());

        let proxy = "127.0.0.1:9090".parse().unwrap();
        let told = |own: Option<&str>| {
            let own: Vec<_> = own.iter().map(|own| (HEADERS, *own)).collect();
            let present = environment(folder.path(), &own);
            let made = AgentEnvironment::reverse(proxy, &present).naming(Some(&project), &present);
            made.iter().find(|(name, _)| *name == HEADERS).map(|(_, value)| value.to_owned())
        };
        let line = format!("x-langley-project: {}/%C3%A9", folder.path().display());
        assert_eq!(told(None).as_deref(), Some(&*line));
        assert_eq!(told(Some("X-A: 1\nX-B: 2")), Some(format!("X-A: 1\nX-B: 2\n{line}")));
        assert_eq!(told(Some("X-Langley-Project: mine")), None, "it stays as it is");
        for elsewhere in ["CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_BASE_URL"] {
            let present = environment(folder.path(), &[(elsewhere, "1")]);
            let made = AgentEnvironment::reverse(proxy, &present).naming(Some(&project), &present);
            assert!(made.iter().all(|(name, _)| name != HEADERS), "{elsewhere}");
        }
    }

    #[test]
    fn base_urls_lead_to_the_proxy_and_leave_other_settings_alone() {
        let own = r#"{"theme": "x", "provider": {"openai": {"options": {"apiKey": "k"}}}}"#;
        let present = environment(Path::new("/"), &[(OPENCODE, own)]);
        let made = AgentEnvironment::reverse("0.0.0.0:9090".parse().unwrap(), &present);
        let shown: Vec<String> =
            made.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        ANTHROPIC_BASE_URL=http://127.0.0.1:9090
        ANTHROPIC_BEDROCK_BASE_URL=http://127.0.0.1:9090
        GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:9090
        OPENAI_API_BASE=http://127.0.0.1:9090/v1
        OPENAI_BASE_URL=http://127.0.0.1:9090/v1
        OPENCODE_CONFIG_CONTENT={"theme":"x","provider":{"openai":{"options":{"apiKey":"k","baseURL":"http://127.0.0.1:9090/v1"}},"anthropic":{"options":{"baseURL":"http://127.0.0.1:9090/v1"}}}}
        "#);
        assert_eq!(opencode("u", Some("{ // comment")), None);
        assert_eq!(opencode("u", Some("{\"provider\": 1}")), None);
    }

    #[test]
    fn roots_that_the_user_already_trusts_stay_trusted() {
        let (folder, home) = home();
        let corp = "-----BEGIN CERTIFICATE-----\nCORP\n-----END CERTIFICATE-----\n";
        fs::write(folder.path().join("corp.pem"), corp).unwrap();
        let present = environment(
            folder.path(),
            &[("SSL_CERT_FILE", "corp.pem"), ("NODE_EXTRA_CA_CERTS", "corp.pem")],
        );
        let proxy = "127.0.0.1:1".parse().unwrap();
        let made = AgentEnvironment::new(&home, proxy, None, &present).unwrap();
        let file = made.iter().find(|(name, _)| *name == "SSL_CERT_FILE").unwrap().1;
        let text = fs::read_to_string(file).unwrap();
        assert_eq!(text.matches("CORP").count(), 1);
        assert!(text.contains("OURS"));
    }
}
