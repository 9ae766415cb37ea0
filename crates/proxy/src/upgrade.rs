//! After a 101: raw copying in both directions, with the tap beside it.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use langley_model::{Ending, Side};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::tap::FlowTap;

/// Room for one read of either direction.
const READ_SIZE: usize = 16 * 1024;

/// Copies between the two sides once both have switched, until both have ended.
pub(crate) async fn copy_both(client: OnUpgrade, upstream: OnUpgrade, tap: Arc<FlowTap>) {
    let (client, upstream) = match tokio::join!(client, upstream) {
        (Ok(client), Ok(upstream)) => (client, upstream),
        (Err(_), _) => return tap.end(Ending::ClientGone),
        (Ok(_), Err(_)) => return tap.end(Ending::UpstreamGone),
    };
    let (client_read, client_write) = tokio::io::split(TokioIo::new(client));
    let (upstream_read, upstream_write) = tokio::io::split(TokioIo::new(upstream));
    let left = OnceLock::new();
    let up = copy(client_read, upstream_write, Side::Client, &tap, &left);
    let down = copy(upstream_read, client_write, Side::Upstream, &tap, &left);
    tokio::join!(up, down);
    tap.end_of(Side::Client);
    tap.end_of(Side::Upstream);
}

/// `left` is the side that said first, by its end or its failure, that it has nothing more to say: what
/// breaks after that breaks because of it.
async fn copy<R, W>(mut from: R, mut to: W, side: Side, tap: &FlowTap, left: &OnceLock<Side>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = BytesMut::new();
    let ending = loop {
        buffer.reserve(READ_SIZE);
        match from.read_buf(&mut buffer).await {
            Ok(0) => {
                left.get_or_init(|| side);
                break None;
            }
            Ok(_) => {}
            Err(_) => break Some(side),
        }
        let data = buffer.split().freeze();
        if to.write_all(&data).await.is_err() || to.flush().await.is_err() {
            break Some(match side {
                Side::Client => Side::Upstream,
                Side::Upstream => Side::Client,
            });
        }
        tap.frame(side, &data);
    };
    match ending.map(|failed| *left.get_or_init(|| failed)) {
        None => {}
        Some(Side::Client) => tap.end(Ending::ClientGone),
        Some(Side::Upstream) => tap.end(Ending::UpstreamGone),
    }
    let _already_gone = to.shutdown().await;
}
