//! Listeners, opened before anything slow happens, with an error that names the way out.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use tokio::net::{TcpListener, TcpSocket};

use crate::config::Address;
use crate::error::{AppError, Result};
use crate::neighbour::Neighbour;

/// Connections the system may hold for us before they are accepted.
const BACKLOG: u32 = 4096;

/// Whose listener it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The proxy.
    Proxy,
    /// Dashboard and API.
    Api,
}

impl Door {
    const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "the proxy",
            Self::Api => "the dashboard",
        }
    }

    const fn flag(self) -> &'static str {
        match self {
            Self::Proxy => "--listen",
            Self::Api => "--api",
        }
    }
}

/// That `proxy` and `api` are one port of one address; none where each gets its own.
pub(crate) fn shared(proxy: &Address, api: &Address) -> Option<AppError> {
    if proxy.port == 0 || proxy.port != api.port || !is_same_place(&proxy.host, &api.host) {
        return None;
    }
    let (first, second) = (Door::Proxy.name(), Door::Api.name());
    Some(
        AppError::failed(format!("{first} ({proxy}) and {second} ({api}) cannot share a port"))
            .why("`proxy.port` and `api.port` are the same, at the same address")
            .next(format!("choose another port for one of them: {}", another(Door::Api))),
    )
}

/// Whether one port cannot be opened at both.
fn is_same_place(one: &str, other: &str) -> bool {
    let address = |host: &str| match host {
        "localhost" => Some(IpAddr::from([127, 0, 0, 1])),
        host => host.parse::<IpAddr>().ok(),
    };
    // The unspecified address is every one; that of IPv6 is IPv4's as well.
    let covers =
        |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    match (address(one), address(other)) {
        (Some(one), Some(other)) => one == other || covers(one, other) || covers(other, one),
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// How to have any free port.
fn another(door: Door) -> String {
    format!("`langley {} 127.0.0.1:0` (0 takes any free port)", door.flag())
}

/// Opens the listener of `door` at `address`. Needs the runtime's context.
///
/// # Errors
/// The name does not resolve, the port is taken, or the address is not ours.
pub(crate) fn open(door: Door, address: &Address) -> Result<TcpListener> {
    let refused = |error: &std::io::Error| {
        let failed = AppError::failed(format!("{} cannot listen on {address}", door.name()));
        let other = another(door);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => taken(failed, address, &other),
            std::io::ErrorKind::PermissionDenied => failed
                .why("ports below 1024 belong to the administrator")
                .next(format!("choose a higher port: {other}")),
            _ => failed.because(error).next(format!("choose an address of this machine: {other}")),
        }
    };
    let resolved = resolve(address).map_err(|error| refused(&error))?;
    listen(resolved).map_err(|error| refused(&error))
}

/// Who has the port, where that is another Langley.
fn taken(failed: AppError, address: &Address, other: &str) -> AppError {
    match resolve(address).ok().and_then(Neighbour::at) {
        Some(neighbour) => failed
            .why(format!("{neighbour}, has that port"))
            .next(neighbour.next())
            .next(format!("or choose another port: {other}")),
        None => failed
            .why("another program has that port")
            .next(format!("stop that program, or choose another port: {other}")),
    }
}

/// The first IPv4 address of a name, else the first at all: agents are told the address, and
/// `localhost` means 127.0.0.1 to most of them.
fn resolve(address: &Address) -> std::io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = (address.host.as_str(), address.port).to_socket_addrs()?.collect();
    found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first())
        .copied()
        .ok_or_else(|| std::io::Error::other("the name has no address"))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the old server's connections to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_same_place_by_another_name_and_where_one_is_all_of_them() {
        for (one, other, is_same) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("localhost", "127.0.0.1", true),
            ("0.0.0.0", "127.0.0.1", true),
            ("127.0.0.1", "::", true),
            ("::1", "::", true),
            ("::1", "0.0.0.0", false),
            ("::1", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.2", false),
            ("desk.example", "DESK.example", true),
            ("desk.example", "127.0.0.1", false),
        ] {
            assert_eq!(is_same_place(one, other), is_same, "{one} {other}");
            assert_eq!(is_same_place(other, one), is_same, "{other} {one}");
        }
        let at = |port| Address { host: "127.0.0.1".into(), port };
        assert!(shared(&at(9090), &at(9090)).is_some());
        assert!(shared(&at(0), &at(0)).is_none() && shared(&at(9090), &at(9091)).is_none());
    }

    #[tokio::test]
    async fn a_taken_port_is_refused_with_the_flag_that_helps() {
        let free = Address { host: "localhost".into(), port: 0 };
        let first = open(Door::Proxy, &free).unwrap();
        let port = first.local_addr().unwrap().port();
        let taken = Address { host: "127.0.0.1".into(), port };
        let error = open(Door::Api, &taken).unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(&port.to_string(), "PORT"), @r"
        error: the dashboard cannot listen on 127.0.0.1:PORT
        why:   another program has that port
        next:  stop that program, or choose another port: `langley --api 127.0.0.1:0` (0 takes any free port)
        ");
    }
}
