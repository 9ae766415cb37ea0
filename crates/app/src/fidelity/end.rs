//! How an answer ended, as its client saw it.

use std::fmt;
use std::io;

use hyper::body::{Body as _, Incoming};

/// The words by which rustls says that a connection ended without its goodbye.
const UNANNOUNCED: &str = "close_notify";

/// The end of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// Where its framing says.
    #[default]
    Whole,
    /// With the connection, in order.
    Closed,
    /// With the connection, without TLS's goodbye.
    Unannounced,
    /// With the connection, which was reset.
    Reset,
    /// With the reset of its stream, for this reason.
    StreamReset(String),
}

impl End {
    /// What an error of a connection says of the end that it is; none where it is something else.
    pub(super) fn of_io(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::UnexpectedEof if error.to_string().contains(UNANNOUNCED) => {
                Some(Self::Unannounced)
            }
            io::ErrorKind::UnexpectedEof => Some(Self::Closed),
            io::ErrorKind::ConnectionReset => Some(Self::Reset),
            _ => None,
        }
    }

    /// What an error of a stream says of its end.
    pub(super) fn of_stream(error: &hyper::Error) -> Option<Self> {
        let cause = std::error::Error::source(error)?.downcast_ref::<h2::Error>()?;
        let reset = cause.reason().filter(|_| cause.is_reset()).map(Self::stream_reset);
        reset.or_else(|| Self::of_io(cause.get_io()?))
    }

    /// The end of a body that has said all it had to say: hyper takes a reset with NO_ERROR for an end.
    pub(super) fn of_body(body: &Incoming) -> Self {
        if body.is_end_stream() { Self::Whole } else { Self::stream_reset(h2::Reason::NO_ERROR) }
    }

    fn stream_reset(reason: h2::Reason) -> Self {
        Self::StreamReset(format!("{reason:?}"))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("where its framing says"),
            Self::Closed => f.write_str("the connection was closed in order"),
            Self::Unannounced => {
                f.write_str("the connection was closed without TLS's goodbye (close_notify)")
            }
            Self::Reset => f.write_str("the connection was reset"),
            Self::StreamReset(why) => write!(f, "the stream was reset ({why})"),
        }
    }
}
