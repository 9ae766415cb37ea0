//! `state.json`: where the running server can be found; written when it is ready, removed at its end.

use std::fs;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::config::{Address, Config};
use crate::error::{AppError, Result};
use crate::home::{Home, write_private};

/// The running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Its process id.
    pub(crate) pid: u32,
    /// Where the proxy listens, `ip:port`.
    pub(crate) proxy: SocketAddr,
    /// Where dashboard and API listen, `ip:port`.
    pub(crate) api: SocketAddr,
    /// Its version.
    pub(crate) version: String,
}

impl State {
    /// Reads the file; none when it is missing or not whole.
    pub(crate) fn read(home: &Home) -> Option<Self> {
        serde_json::from_slice(&fs::read(home.state()).ok()?).ok()
    }

    /// Where a server with this configuration would be; its process id is 0.
    ///
    /// # Errors
    /// The configuration leaves the port to chance, or names a host that is no address.
    pub(crate) fn planned(config: &Config) -> Result<Self> {
        let address = |address: &Address| {
            let named = address.host.replace("localhost", "127.0.0.1");
            let ip = named.parse().ok().filter(|_| address.port != 0);
            ip.map(|ip| SocketAddr::new(ip, address.port)).ok_or_else(|| {
                AppError::failed("no server runs, and where one would listen is not settled")
                    .why(format!("the configuration says {address}"))
                    .next("start one: `langley`, or name address and port: --listen 127.0.0.1:9090")
            })
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { pid: 0, proxy: address(&config.proxy)?, api: address(&config.api)?, version })
    }

    /// Writes the file at once.
    ///
    /// # Errors
    /// The home cannot be written.
    pub(crate) fn write(&self, home: &Home) -> Result<()> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        write_private(&home.state(), &json).map_err(|error| {
            AppError::failed(format!("{} cannot be written", home.state().display()))
                .because(&error)
                .next("free some space, or make the home writable")
        })
    }

    /// Removes the file; a missing one is fine.
    pub(crate) fn remove(home: &Home) {
        let _ = fs::remove_file(home.state());
    }
}

/// `address` as something to connect to: an unspecified one means this machine.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_torn_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let state = State {
            pid: 7,
            proxy: "127.0.0.1:9090".parse().unwrap(),
            api: "[::1]:9091".parse().unwrap(),
            version: "0.1.0".into(),
        };
        assert_eq!(State::read(&home), None);
        state.write(&home).unwrap();
        assert_eq!(State::read(&home), Some(state));
        fs::write(home.state(), b"{\"pid\":").unwrap();
        assert_eq!(State::read(&home), None);
        State::remove(&home);
        State::remove(&home);
    }
}
