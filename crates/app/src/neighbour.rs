//! Another Langley on a port that we want: named where the system tells whose the port is, else recognised
//! by its own words.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use langley_server::shell_word;

use crate::state::reachable;

/// How long a stranger is waited for in all, however it spreads what it says.
const PATIENCE: Duration = Duration::from_millis(500);
/// The longest answer that is looked at.
const ANSWER: usize = 4096;

/// Somebody else's server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Neighbour {
    /// Its process and its home, where the system tells them.
    known: Option<(u32, PathBuf)>,
}

impl Neighbour {
    /// The Langley that listens at `address`; none where it is something else, or says nothing. Blocks for
    /// a moment.
    pub(crate) fn at(address: SocketAddr) -> Option<Self> {
        let there = reachable(address);
        let known = owner(Path::new("/proc"), there);
        // Only where the system does not tell is it asked: a refused tunnel stays on its record.
        let until = Instant::now() + PATIENCE;
        (known.is_some() || is_api(there, until) || is_proxy(there, until))
            .then_some(Self { known })
    }

    /// What a person can do about it.
    pub(crate) fn next(&self) -> String {
        let home =
            self.known.as_ref().map_or_else(|| "DIR".to_owned(), |(_, home)| shell_word(home));
        format!("use that one (`langley --home {home}`), or end it: `langley stop --home {home}`")
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.known {
            Some((pid, home)) => {
                write!(f, "another Langley, of the home {} (process {pid})", home.display())
            }
            None => f.write_str("another Langley, of another home"),
        }
    }
}

/// Asked to connect to itself, a proxy of ours says that this would be a circle (or asks for its password
/// first); nobody is contacted for it.
fn is_proxy(at: SocketAddr, until: Instant) -> bool {
    let answer = ask(at, &format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n"), until);
    answer.is_some_and(|answer| answer.to_ascii_lowercase().contains("\r\nx-langley-error: "))
}

/// Our API tells its version to everybody.
fn is_api(at: SocketAddr, until: Instant) -> bool {
    let request = format!("GET /api/health HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    let answer = ask(at, &request, until).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str::<serde_json::Value>(body)
        .is_ok_and(|said| said["version"].is_string() && said["status"].is_string())
}

/// What is said to `request` until then; none where nothing was.
fn ask(at: SocketAddr, request: &str, until: Instant) -> Option<String> {
    let left = || until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
    let mut stream = TcpStream::connect_timeout(&at, left()?).ok()?;
    stream.set_write_timeout(Some(left()?)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let (mut answer, mut part) = (Vec::new(), [0; 1024]);
    // One that does not close is taken at what it said until then.
    while answer.len() < ANSWER
        && let Some(left) = left()
        && stream.set_read_timeout(Some(left)).is_ok()
        && let Ok(read @ 1..) = stream.read(&mut part)
    {
        answer.extend_from_slice(part.get(..read)?);
    }
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// The process that listens at `at`, and the home whose lock it has open, from Linux's `proc(5)` below
/// `proc`; of other users' processes nothing can be read.
fn owner(proc: &Path, at: SocketAddr) -> Option<(u32, PathBuf)> {
    let table = if at.is_ipv4() { "net/tcp" } else { "net/tcp6" };
    let table = fs::read_to_string(proc.join(table)).ok()?;
    let socket = format!("socket:[{}]", listener(&table, at.port())?);
    for entry in fs::read_dir(proc).ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(open) = fs::read_dir(entry.path().join("fd")) else { continue };
        let open: Vec<PathBuf> =
            open.flatten().filter_map(|file| fs::read_link(file.path()).ok()).collect();
        if open.iter().any(|target| target == Path::new(&socket)) {
            let database = open.iter().find(|target| target.ends_with("langley.db"))?;
            return Some((pid, database.parent()?.to_owned()));
        }
    }
    None
}

/// The inode of the socket that listens on `port` (state 0A, `LISTEN`).
fn listener(table: &str, port: u16) -> Option<&str> {
    let ending = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (local, state) = (columns.next()?, columns.nth(1)?);
        (local.ends_with(&ending) && state == "0A").then(|| columns.nth(5))?
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_listening_socket_of_a_port_is_found_among_others() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:2382 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
            \x20  1: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1\n";
        assert_eq!(listener(table, 0x2382), Some("22"));
        assert_eq!(listener(table, 0x2383), None);
    }

    #[test]
    fn one_that_the_system_does_not_name_is_known_by_its_words() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let said = [
            "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ok\",\"version\":\"1\"}",
            "HTTP/1.1 502 Bad Gateway\r\nX-Langley-Error: proxy_loop\r\n\r\n",
        ];
        let other = std::thread::spawn(move || {
            for said in said {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 512];
                assert!(stream.read(&mut asked).unwrap() > 0);
                stream.write_all(said.as_bytes()).unwrap();
            }
        });
        let until = Instant::now() + Duration::from_secs(20);
        assert!(is_api(at, until) && is_proxy(at, until));
        other.join().unwrap();
        assert_eq!(Neighbour { known: None }.to_string(), "another Langley, of another home");
    }

    #[test]
    fn a_stranger_is_none_whatever_it_says() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let stranger = std::thread::spawn(move || {
            for said in ["HTTP/1.1 200 OK\r\n\r\n{\"version\":\"1\"}", "HTTP/1.1 405 No\r\n\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 512];
                assert!(stream.read(&mut asked).unwrap() > 0);
                stream.write_all(said.as_bytes()).unwrap();
            }
        });
        assert_eq!(Neighbour::at(at), None);
        stranger.join().unwrap();
    }

    #[test]
    fn one_that_never_ends_what_it_says_is_left_when_the_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        // Said at once what makes it a Langley, in pieces, and the connection stays open.
        let (asked, is_asked) = std::sync::mpsc::sync_channel(1);
        let stranger = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
            is_asked.recv().unwrap();
        });
        let said = ask(at, "x", Instant::now() + Duration::from_millis(200));
        assert_eq!(said.as_deref(), Some("HTTP/1.1 200 OK\r\n"));
        asked.send(()).unwrap();
        stranger.join().unwrap();
        assert_eq!(ask(at, "x", Instant::now()), None, "no time is left to ask");
    }
}
