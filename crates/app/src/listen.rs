//! Listeners, opened before anything slow happens, with an error that names the way out.

use std::net::{SocketAddr, ToSocketAddrs};

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

/// Opens the listener of `door` at `address`. Needs the runtime's context.
///
/// # Errors
/// The name does not resolve, the port is taken, or the address is not ours.
pub(crate) fn open(door: Door, address: &Address) -> Result<TcpListener> {
    let refused = |error: &std::io::Error| {
        let failed = AppError::failed(format!("{} cannot listen on {address}", door.name()));
        let other = format!("`langley {} 127.0.0.1:0` (0 takes any free port)", door.flag());
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
