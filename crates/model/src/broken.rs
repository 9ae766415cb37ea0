//! How a connection broke off in the middle of an exchange, as the sockets told it.

/// What broke an exchange off. Whose doing it was is the [`Ending`](crate::Ending)'s to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Break {
    /// The connection was closed in order, before all that was announced had come.
    Closed,
    /// The connection was closed without the goodbye that TLS has for it (RFC 8446 § 6.1).
    Unannounced,
    /// The connection was reset.
    Reset,
    /// One stream of HTTP/2 was reset, for this reason (RFC 9113 § 7).
    StreamReset(String),
    /// A connection of HTTP/2 was given up, for this reason (RFC 9113 § 6.8).
    GivenUp(String),
    /// The WebSocket was closed by a close frame, with this code and this text (RFC 6455 § 7.4).
    SaidClose {
        /// What class of reason it had.
        code: u16,
        /// The reason in words; empty where none was given.
        text: String,
    },
    /// The system has stopped waiting for the other side.
    Silence,
    /// A body on HTTP/1.1 was no valid chunked coding (RFC 9112 § 7.1), in a library's words.
    Chunking(String),
    /// What came was not what the protocol allows, or something else failed, in a library's words.
    Fault(String),
    /// It is not there any more; nothing better is known.
    Gone,
}

impl Break {
    /// A word for a break that the provider made, as the error's kind. What Langley answers in the
    /// provider's place has other ones, which begin with `upstream_`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed | Self::SaidClose { .. } => "provider_closed",
            Self::Unannounced => "provider_closed_unannounced",
            Self::Reset => "provider_reset",
            Self::StreamReset(_) => "provider_stream_reset",
            Self::GivenUp(_) => "provider_gave_up",
            Self::Silence => "provider_silent",
            Self::Chunking(_) | Self::Fault(_) => "provider_fault",
            Self::Gone => "provider_gone",
        }
    }

    /// What happened, where `who` made the break.
    #[must_use]
    pub fn told_of(&self, who: &'static str) -> String {
        match self {
            Self::Closed => format!("{who} closed the connection"),
            Self::Unannounced => {
                format!("{who} closed the connection without TLS's goodbye (close_notify)")
            }
            Self::Reset => format!("{who} reset the connection"),
            Self::StreamReset(why) => format!("{who} reset the stream (HTTP/2 {why})"),
            Self::GivenUp(why) => format!("{who} gave the connection up (HTTP/2 GOAWAY, {why})"),
            Self::SaidClose { code, text } if text.is_empty() => {
                format!("{who} closed the connection (WebSocket code {code})")
            }
            Self::SaidClose { code, text } => {
                format!("{who} closed the connection (WebSocket code {code}, \"{text}\")")
            }
            Self::Silence => format!("{who} was silent for so long that the system gave it up"),
            Self::Chunking(what) => {
                format!("{who} sent a body that is no valid chunked coding ({what})")
            }
            Self::Fault(what) => format!("the connection to {who} failed ({what})"),
            Self::Gone => format!("{who} went away"),
        }
    }
}
