//! The `openssl` program, as a TLS stack that is not ours: a client here, a server elsewhere.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Says what is missing, instead of a puzzle further down.
const MISSING: &str = "the program `openssl` (3.0 or newer) was not found; `cargo xtask test --only \
                       provision` installs it, or install the package `openssl` by hand";

/// `openssl`, ready for arguments; it dies with its handle.
pub(crate) fn openssl() -> Command {
    let mut command = Command::new("openssl");
    command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Sends `request` through `proxy` to `target` with these further `words` for `s_client`; the answer.
pub(crate) async fn ask(
    proxy: SocketAddr,
    target: &str,
    ca: &Path,
    words: &[&str],
    request: &str,
) -> String {
    let mut command = openssl();
    command.args(["s_client", "-quiet", "-verify_return_error", "-servername", "localhost"]);
    command.args(["-proxy", &proxy.to_string(), "-connect", target, "-CAfile"]).arg(ca).args(words);
    let mut child = command.spawn().expect(MISSING);
    let mut input = child.stdin.take().expect("its input");
    let mut output = child.stdout.take().expect("its output");
    input.write_all(request.as_bytes()).await.expect("a request is taken");
    let mut answer = String::new();
    let reading = output.read_to_string(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
    read.expect("an answer within twenty seconds").expect("text");
    answer
}
