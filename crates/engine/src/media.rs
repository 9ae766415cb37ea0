//! What a message's media type means for keeping its body.

/// How a body is read and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Server-sent events.
    EventStream,
    /// Events as Amazon's binary messages.
    BinaryEvents,
    /// JSON.
    Json,
    /// Other text, or no type stated.
    Text,
    /// Bytes that nobody reads: only a sample is kept.
    Binary,
}

/// Whether `data` is JSON, or one of the marks that stand in its place in streams.
pub(crate) fn is_json(data: &[u8]) -> bool {
    data.trim_ascii().is_empty()
        || data == b"[DONE]"
        || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
}

impl Media {
    /// By the value of `content-type` (RFC 9110 § 8.3).
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        let Some(value) = content_type else { return Self::Text };
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (family, kind) = essence.split_once('/').unwrap_or((&essence, ""));
        match (family, kind) {
            ("text", "event-stream") => Self::EventStream,
            ("application" | "text", "json") => Self::Json,
            (_, kind) if kind.ends_with("+json") => Self::Json,
            ("image" | "audio" | "video" | "font" | "model", kind) if kind != "svg+xml" => {
                Self::Binary
            }
            ("application", "vnd.amazon.eventstream") => Self::BinaryEvents,
            (
                "application",
                "octet-stream" | "zip" | "gzip" | "x-gzip" | "x-tar" | "zstd" | "pdf" | "wasm"
                | "grpc" | "x-protobuf" | "protobuf",
            ) => Self::Binary,
            _ => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_says_how_a_body_is_kept() {
        for (value, media) in [
            (Some("text/event-stream; charset=utf-8"), Media::EventStream),
            (Some("application/vnd.amazon.eventstream"), Media::BinaryEvents),
            (Some("application/json"), Media::Json),
            (Some("Application/Problem+JSON;x=y"), Media::Json),
            (Some("application/octet-stream"), Media::Binary),
            (Some("image/png"), Media::Binary),
            (Some("image/svg+xml"), Media::Text),
            (Some("video/mp4"), Media::Binary),
            (Some("text/html"), Media::Text),
            (Some("nonsense"), Media::Text),
            (None, Media::Text),
        ] {
            assert_eq!(Media::of(value), media, "{value:?}");
        }
    }
}
