//! An address at which nobody listens.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// An address at which nobody listens, now and for as long as this process lives: it is held by a socket that does
/// not listen, or another test could be given it.
///
/// # Panics
/// The system gives no port.
#[must_use]
pub fn nobody() -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    Box::leak(Box::new(socket)).local_addr().expect("its address")
}
