//! A relay in front of a TLS server that keeps the hello each connection began with, byte for byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use langley_protocol::client_hello::{ClientHello, Peek, peek};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What to do with a connection, by its number.
pub(crate) type Passes = fn(usize) -> bool;

/// A running relay.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    seen: watch::Receiver<Vec<ClientHello>>,
}

impl Relay {
    /// Relays to `to` the connections that `passes`, and breaks the others off behind their hello.
    pub(crate) async fn start(to: SocketAddr, passes: Passes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (tell, seen) = watch::channel(Vec::new());
        let tell = Arc::new(tell);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                tokio::spawn(relay(client, to, Arc::clone(&tell), passes(number)));
            }
        });
        Self { address, seen }
    }

    /// The first `count` hellos, once that many have come.
    pub(crate) async fn hellos(&self, count: usize) -> Vec<ClientHello> {
        let mut seen = self.seen.clone();
        let came = seen.wait_for(|hellos| hellos.len() >= count);
        let came = tokio::time::timeout(Duration::from_secs(20), came).await;
        came.expect("hellos within twenty seconds").expect("a relay").clone()
    }

    /// How many have come so far.
    pub(crate) fn count(&self) -> usize {
        self.seen.borrow().len()
    }
}

async fn relay(
    mut client: TcpStream,
    to: SocketAddr,
    tell: Arc<watch::Sender<Vec<ClientHello>>>,
    passes: bool,
) {
    let mut bytes = Vec::new();
    let hello = loop {
        match peek(&bytes) {
            Peek::Hello(hello) => break hello,
            Peek::NeedMore => {}
            Peek::NotTls | Peek::Malformed(_) => return,
        }
        if client.read_buf(&mut bytes).await.is_ok_and(|read| read == 0) {
            return;
        }
    };
    tell.send_modify(|hellos| hellos.push(hello));
    if !passes {
        return;
    }
    let Ok(mut server) = TcpStream::connect(to).await else { return };
    if server.write_all(&bytes).await.is_ok() {
        let _either_end = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
