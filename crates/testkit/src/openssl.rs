//! The `openssl` program: a TLS stack that is not ours, as client and as server, on loopback.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// How long the program may take for anything.
const LONGEST: Duration = Duration::from_secs(30);

/// Says what is missing, instead of a puzzle further down.
const MISSING: &str = "the program `openssl` (3.0 or newer) was not found; `cargo xtask test --only \
                       provision` installs it, or install the package `openssl` by hand";

/// Starts `openssl`; it ends with its handle.
fn start<S: AsRef<OsStr>>(words: &[S]) -> Child {
    let mut command = Command::new("openssl");
    command.args(words).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect(MISSING)
}

/// Runs `openssl` with `words`; what it printed.
///
/// # Panics
/// It is missing, fails, or takes too long.
pub async fn openssl(words: &[&str]) -> String {
    let output = tokio::time::timeout(LONGEST, start(words).wait_with_output()).await;
    let output = output.expect("openssl takes too long").expect("its output");
    assert!(output.status.success(), "openssl {words:?} failed");
    String::from_utf8(output.stdout).expect("text")
}

/// `openssl s_server`, which sends every line back reversed.
#[derive(Debug)]
pub struct OpensslServer {
    /// Where it listens.
    pub address: SocketAddr,
    _child: Child,
    _output: BufReader<ChildStdout>,
}

impl OpensslServer {
    /// Starts one with these further words.
    ///
    /// # Panics
    /// It is missing, or does not listen.
    pub async fn start<S: AsRef<OsStr>>(words: &[S]) -> Self {
        let fixed = ["s_server", "-accept", "127.0.0.1:0", "-rev"];
        let words: Vec<&OsStr> =
            fixed.iter().map(OsStr::new).chain(words.iter().map(AsRef::as_ref)).collect();
        let mut child = start(&words);
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let listening = async {
            let mut line = String::new();
            loop {
                line.clear();
                let read = output.read_line(&mut line).await.expect("a line");
                assert!(read > 0, "openssl s_server ended: {words:?}");
                if let Some(address) = line.strip_prefix("ACCEPT ") {
                    return address.trim().parse().expect("an address");
                }
            }
        };
        let address = tokio::time::timeout(LONGEST, listening).await.expect("it listens");
        Self { address, _child: child, _output: output }
    }
}

/// Sends `request` by `openssl s_client` through an HTTP proxy to `target`, with these further `words`;
/// the whole answer.
///
/// # Panics
/// It is missing, or takes too long.
pub async fn openssl_ask(
    proxy: SocketAddr,
    target: &str,
    ca: &Path,
    words: &[&str],
    request: &str,
) -> String {
    let proxy = proxy.to_string();
    let ca = ca.to_str().expect("a path in UTF-8");
    let fixed = ["s_client", "-quiet", "-verify_return_error", "-proxy", &proxy, "-CAfile", ca];
    let all = [&fixed, ["-connect", target].as_slice(), words].concat();
    let mut child = start(&all);
    let mut input = child.stdin.take().expect("its input");
    let mut output = child.stdout.take().expect("its output");
    input.write_all(request.as_bytes()).await.expect("a request is taken");
    let mut answer = String::new();
    let read = tokio::time::timeout(LONGEST, output.read_to_string(&mut answer)).await;
    read.expect("an answer in time").expect("text");
    answer
}
