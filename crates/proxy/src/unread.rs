//! Requests that were not understood: each is answered in words, and on record with what could be read.

use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use langley_model::Break;

use crate::exchange::Route;
use crate::leg::Unread;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::switched::Bottom;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Ends a connection of HTTP/1.1 that is back: by an answer to what was not understood, as the provider
/// ended its own, or by nothing more where it has ended in order. What it says is on
/// record as one of `route`.
pub(crate) async fn conclude<S>(stream: Option<S>, ended: hyper::Result<()>, route: &Route)
where
    S: AsyncRead + AsyncWrite + Bottom + Unpin,
{
    let Err(error) = ended else { return };
    tracing::trace!(%error, "client connection ended");
    if error.is_parse() {
        let unread = route.leg.take_unread();
        let refusal = refusal(&error, &unread, route.limits);
        let stream = stream.filter(|_| unread.status().is_some());
        route.record_unread(&unread, &refusal, stream.is_some());
        if let Some(mut stream) = stream {
            let (_, path) = unread.line();
            answer(&mut stream, &refusal.raw(route.authority.host(), &path)).await;
        }
        return;
    }
    match (route.leg.ending(), stream) {
        (Some(Break::Reset), Some(stream)) => {
            // What the system has not yet sent is lost: so it would have been at the provider's.
            if let Some(socket) = stream.socket() {
                let _already_gone = socket.set_zero_linger();
            }
        }
        (Some(Break::Closed), Some(mut stream)) => {
            let _in_vain = tokio::time::timeout(GOODBYE, stream.shutdown()).await;
        }
        _ => {}
    }
}

/// Says `words` and closes. What still comes is read for a moment: an end of which something is unread is
/// a reset, which may overtake the words.
pub(crate) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, words: &str) {
    let saying = async {
        stream.write_all(words.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = vec![0; 16 * 1024];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _as_far_as_it_listens = tokio::time::timeout(GOODBYE, saying).await;
}

/// What is wrong with a request that the library does not read.
fn refusal(error: &hyper::Error, unread: &Unread, limits: Limits) -> Refusal {
    match unread.status() {
        Some(414) => Refusal::new(
            StatusCode::URI_TOO_LONG,
            "target_too_long",
            "the request's URL is longer than 65,534 bytes; send what is long in the body",
        ),
        Some(431) if unread.bytes < limits.header_bytes as usize => {
            Refusal::too_many_headers(&limits)
        }
        Some(431) => Refusal::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "header_too_large",
            format!(
                "the request's head is larger than {} bytes; send less, or raise \
                 proxy.limits.header_bytes",
                limits.header_bytes
            ),
        ),
        _ => Refusal::new(
            StatusCode::BAD_REQUEST,
            "malformed_request",
            format!(
                "the request is no valid HTTP/1.1 ({error}), and nothing of it was sent on; correct \
                 what sends it"
            ),
        ),
    }
}
