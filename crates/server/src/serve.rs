//! Answers a listener until told to stop, and then stops within a bound.

use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::doors::Doors;
use crate::router::router;

/// How long running answers may take to end after the stop.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Serves until `shutdown` completes; then ends the live feed, and gives answers under way five
/// seconds.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(
    listener: TcpListener,
    doors: Doors,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Without it, small answers wait for the peer's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let hub = std::sync::Arc::clone(doors.hub());
    let signal = async move {
        shutdown.await;
        hub.close();
        stopping.send_replace(true);
    };
    let serving = axum::serve(listener, router(doors)).with_graceful_shutdown(signal);
    tokio::select! {
        done = serving.into_future() => done,
        () = async {
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(LAST_ANSWERS).await;
        } => Ok(()),
    }
}
