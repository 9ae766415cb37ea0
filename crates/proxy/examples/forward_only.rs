//! The proxy without a recorder: the floor against which the cost of recording is measured.
//!
//! Usage: `forward_only LISTEN CA_DIR UPSTREAM_CA HOST[,HOST…]`; it runs until it is interrupted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use langley_model::{Capture, CaptureSink, Closed, Opened, Tunnel};
use langley_proxy::{CertificateAuthority, HostList, Proxy, ProxyOptions};
use tokio_util::sync::CancellationToken;

struct Nothing;

impl CaptureSink for Nothing {
    fn open(&self, _opened: Box<Opened>) -> bool {
        false
    }
    fn offer(&self, _capture: Capture) -> bool {
        false
    }
    fn close(&self, _closed: Box<Closed>) {}
    fn tunnel(&self, _tunnel: Tunnel) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, dir, upstream_ca, hosts] = arguments.as_slice() else {
        return Err("usage: forward_only LISTEN CA_DIR UPSTREAM_CA HOST[,HOST…]".into());
    };
    let hosts: Vec<&str> = hosts.split(',').collect();
    let list = HostList::parse(&hosts)?;
    let authority = CertificateAuthority::open_or_create(Path::new(dir), &list)?;
    let mut options = ProxyOptions::new(list);
    options.upstream_ca = Some(PathBuf::from(upstream_ca));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let own = listener.local_addr()?;
    let proxy = Proxy::new(options, authority, Arc::new(Nothing), own)?;
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        let _either_way = tokio::signal::ctrl_c().await;
        stop.cancel();
    });
    proxy.serve(listener, shutdown).await;
    Ok(())
}
