//! A listener before the origin that reads each connection's TLS hello and passes all of it on.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use langley_protocol::client_hello::{Peek, peek};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The longest hello that is waited for, in bytes.
const HELLO_MAX: usize = 64 * 1024;

/// The listener; dropped, it and its connections end.
#[derive(Debug)]
pub(super) struct Front {
    address: SocketAddr,
    last: Arc<Mutex<Option<String>>>,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Listens on loopback, in front of an origin whose port for TLS is `tls`, and for what is not `plain`.
    pub(super) async fn open(tls: SocketAddr, plain: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let last = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&last);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                connections.spawn(async move {
                    // A connection that breaks shows at its ends.
                    let _ = pass(stream, tls, plain, &seen).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, last, accepting })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The JA4 of the newest hello.
    pub(super) fn last_ja4(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets it.
    pub(super) fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    mut client: TcpStream,
    tls: SocketAddr,
    plain: SocketAddr,
    seen: &Mutex<Option<String>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut hello = Vec::new();
    while hello.len() < HELLO_MAX && matches!(peek(&hello), Peek::NeedMore) {
        if client.read_buf(&mut hello).await? == 0 {
            return Ok(());
        }
    }
    let mut origin = tls;
    match peek(&hello) {
        Peek::Hello(hello) => {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(hello.ja4());
        }
        Peek::NotTls => origin = plain,
        Peek::NeedMore | Peek::Malformed(_) => {}
    }
    let mut origin = TcpStream::connect(origin).await?;
    origin.set_nodelay(true)?;
    origin.write_all(&hello).await?;
    let copied = tokio::io::copy_bidirectional(&mut client, &mut origin).await;
    if copied.is_err() {
        // A reset must stay one.
        client.set_zero_linger()?;
        origin.set_zero_linger()?;
    }
    Ok(())
}
