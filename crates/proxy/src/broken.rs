//! How a connection broke off, read from the errors of the libraries that noticed.

use std::error::Error;
use std::io;

use langley_model::Break;

/// The words by which rustls says that a connection ended without a goodbye.
const UNANNOUNCED: &str = "close_notify";

/// The word by which hyper's decoder of the chunked coding tells its errors from those of the socket.
const CHUNK: &str = "chunk";

/// What an error of an exchange says of the break.
pub(crate) fn break_of(error: &hyper::Error) -> Break {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return of_http2(error);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_chunks(error).unwrap_or_else(|| of_io(error));
        }
        cause = error.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        Break::Closed
    } else {
        Break::Fault(told(error))
    }
}

/// What an error says of the chunked coding; none when it is the socket's.
fn of_chunks(error: &io::Error) -> Option<Break> {
    let is_invalid =
        matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
    let what = is_invalid.then(|| error.to_string())?;
    what.to_lowercase().contains(CHUNK).then_some(Break::Chunking(what))
}

/// What an error of a socket says of the break, or one of an upgraded stream, in which hyper hides its own.
pub(crate) fn of_io(error: &io::Error) -> Break {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<hyper::Error>()) {
        return break_of(error);
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<h2::Error>()) {
        return of_http2(error);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof if error.to_string().contains(UNANNOUNCED) => {
            Break::Unannounced
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::WriteZero => Break::Closed,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Break::Reset,
        io::ErrorKind::TimedOut => Break::Silence,
        _ => Break::Fault(error.to_string()),
    }
}

fn of_http2(error: &h2::Error) -> Break {
    let name = || error.reason().map_or_else(|| error.to_string(), |why| format!("{why:?}"));
    if let Some(error) = error.get_io() {
        of_io(error)
    } else if !error.is_remote() {
        Break::Fault(error.to_string())
    } else if error.is_go_away() {
        Break::GivenUp(name())
    } else if error.is_reset() {
        Break::StreamReset(name())
    } else {
        Break::Fault(error.to_string())
    }
}

/// An error's own words and those of its causes.
pub(crate) fn told(error: &hyper::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use h2::Reason;
    use http::Request;
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;
    use crate::body::TapBody;
    use crate::tests::ROOM;
    use crate::upstream::Sender;

    /// What an exchange with a provider on HTTP/2 breaks off with.
    async fn on_http2<F>(
        provider: impl FnOnce(h2::server::Connection<DuplexStream, Bytes>) -> F,
    ) -> Break
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (near, far) = duplex(ROOM);
        let begun = tokio::spawn(h2::server::handshake(far));
        let opened = Sender::http2(near).await.expect("a connection");
        let connection = begun.await.expect("a task").expect("a handshake");
        tokio::spawn(provider(connection));
        exchange(opened).await
    }

    async fn exchange((sender, driver): (Sender, crate::upstream::Driver)) -> Break {
        tokio::spawn(driver);
        let request = Request::get("http://a.example/").body(TapBody::own("")).expect("a request");
        let answer = match sender.send(request).await {
            Ok(answer) => answer.into_body().collect().await.map(drop),
            Err(error) => Err(error),
        };
        break_of(&answer.expect_err("no break"))
    }

    /// A provider that begins an answer and resets it.
    async fn resetting(mut connection: h2::server::Connection<DuplexStream, Bytes>, why: Reason) {
        let (_, mut respond) = connection.accept().await.expect("a request").expect("its head");
        let mut body = respond.send_response(http::Response::new(()), false).expect("a head");
        body.send_data(Bytes::from_static(b"half"), false).expect("a piece");
        body.send_reset(why);
        while connection.accept().await.is_some() {}
    }

    #[tokio::test]
    async fn a_reset_of_a_stream_has_the_providers_reason() {
        for (why, name) in [
            (Reason::INTERNAL_ERROR, "INTERNAL_ERROR"),
            (Reason::ENHANCE_YOUR_CALM, "ENHANCE_YOUR_CALM"),
        ] {
            let broke = on_http2(|connection| resetting(connection, why)).await;
            assert_eq!(broke, Break::StreamReset(name.into()));
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_given_up_has_the_providers_reason() {
        let (near, mut far) = duplex(ROOM);
        tokio::spawn(async move {
            // RFC 9113: empty SETTINGS; after the request's HEADERS a GOAWAY that takes no stream.
            far.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.expect("settings are sent");
            let mut preface = [0; 24];
            far.read_exact(&mut preface).await.expect("the preface");
            loop {
                let mut head = [0; 9];
                far.read_exact(&mut head).await.expect("a frame");
                let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                far.read_exact(&mut vec![0; len]).await.expect("its payload");
                if head[3] == 1 {
                    break;
                }
            }
            let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
            far.write_all(&goaway).await.expect("the GOAWAY is sent");
            let _until_it_ends = far.read_to_end(&mut Vec::new()).await;
        });
        let broke = exchange(Sender::http2(near).await.expect("a connection")).await;
        assert_eq!(broke, Break::GivenUp("ENHANCE_YOUR_CALM".into()));
    }

    #[tokio::test]
    async fn a_connection_that_ends_under_its_streams_was_closed() {
        let broke = on_http2(|mut connection| async move {
            let _request = connection.accept().await.expect("a request").expect("its head");
        });
        assert_eq!(broke.await, Break::Closed);
    }

    /// What an exchange breaks off with whose provider on HTTP/1.1 says this, and closes.
    async fn on_http1(said: &'static str) -> Break {
        let (near, mut far) = duplex(ROOM);
        tokio::spawn(async move {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                read.push(far.read_u8().await.expect("a head"));
            }
            far.write_all(said.as_bytes()).await.expect("the answer is sent");
        });
        exchange(Sender::http1(near).await.expect("a connection")).await
    }

    #[tokio::test]
    async fn http1_was_closed_wherever_something_was_missing() {
        for said in [
            "",
            "HTTP/1.1 200 O",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        ] {
            assert_eq!(on_http1(said).await, Break::Closed, "{said:?}");
        }
        let garbled = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n";
        let broke = on_http1(garbled).await;
        assert!(matches!(&broke, Break::Chunking(what) if what.contains("nvalid")), "{broke:?}");
        let broke = on_http1("SSH-2.0-OpenSSH\r\n\r\n").await;
        assert!(matches!(&broke, Break::Fault(what) if what.contains("nvalid")), "{broke:?}");
    }

    #[test]
    fn what_a_socket_says_is_told_apart() {
        let of = |kind: io::ErrorKind| of_io(&kind.into());
        assert_eq!(of(io::ErrorKind::ConnectionReset), Break::Reset);
        assert_eq!(of(io::ErrorKind::BrokenPipe), Break::Closed);
        assert_eq!(of(io::ErrorKind::TimedOut), Break::Silence);
        let said = "peer closed connection without sending TLS close_notify";
        let unannounced = io::Error::new(io::ErrorKind::UnexpectedEof, said);
        assert_eq!(of_io(&unannounced), Break::Unannounced);
        assert_eq!(of(io::ErrorKind::UnexpectedEof), Break::Closed);
        // A stream's reset is no break of its connection, whatever kind hyper gives it.
        let reset = io::Error::new(io::ErrorKind::BrokenPipe, h2::Error::from(Reason::CANCEL));
        assert!(matches!(of_io(&reset), Break::Fault(_)));
        let fault = io::Error::new(io::ErrorKind::InvalidData, "bad record");
        assert_eq!(of_io(&fault), Break::Fault("bad record".into()));
    }
}
