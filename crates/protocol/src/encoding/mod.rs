//! Content encodings undone as the bytes come, because a compressed event stream must show each
//! event when its bytes arrive, not when the stream ends.
//!
//! Formats: RFC 9110 § 8.4.1 (gzip, x-gzip, deflate), RFC 7932 (br), RFC 8878 and RFC 9659 (zstd).

mod brotli;
mod deflate;
mod gzip;
mod zstd;

use self::brotli::Brotli;
use self::deflate::Deflate;
use self::gzip::Gzip;
use self::zstd::Zstd;

/// The most encodings that may be applied one over the other.
const MAX_LAYERS: usize = 4;

/// Decoded bytes are handed on in pieces of at most this size.
const PIECE: usize = 8 * 1024;

/// Why a body cannot be decoded (any further). What was decoded before stays valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// The header names an encoding that is not implemented.
    #[error("content encoding {name:?} is not known, so the body is kept encoded")]
    Unsupported {
        /// The encoding as named.
        name: String,
    },
    /// The header names more than four encodings.
    #[error(
        "{count} content encodings over each other are too many (at most 4), so the body is kept encoded"
    )]
    TooManyLayers {
        /// How many.
        count: usize,
    },
    /// The bytes are not of this encoding.
    #[error("the {encoding} data is damaged ({what}); decoding stopped there")]
    Corrupt {
        /// The encoding.
        encoding: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// The encoded data is complete, but more bytes follow it.
    #[error("bytes that do not belong to it follow the {encoding} data; they were ignored")]
    TrailingGarbage {
        /// The encoding.
        encoding: &'static str,
    },
    /// The body ended in the middle of the encoded data.
    #[error("the {encoding} data ends too early; what came before it was decoded")]
    Truncated {
        /// The encoding.
        encoding: &'static str,
    },
    /// The decoded body is longer than allowed.
    #[error("the body decodes to more than {limit} bytes; the rest was not decoded")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

/// Undoes a `Content-Encoding`. Any cutting of the same bytes gives the same output, and each call
/// gives all output that the bytes so far determine.
#[derive(Debug)]
pub struct ContentDecoder {
    /// In order of decoding: the encoding applied last comes first.
    layers: Vec<Layer>,
    max_output: u64,
    failed: Option<EncodingError>,
}

#[derive(Debug)]
struct Layer {
    codec: Codec,
    /// Bytes decoded so far.
    total: u64,
}

#[derive(Debug)]
enum Codec {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Box<Brotli>),
    Zstd(Zstd),
}

/// What one step of a codec did. It needs more input when it wrote less than it could have.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    read: usize,
    written: usize,
}

impl ContentDecoder {
    /// A decoder for the value of a `Content-Encoding` header: one encoding, or a comma list in
    /// the order of application; none, empty and `identity` mean that there is nothing to undo.
    /// No layer may give more than `max_output` bytes.
    ///
    /// # Errors
    /// An encoding that is not known, or too many of them.
    pub fn for_header(
        content_encoding: Option<&str>,
        max_output: u64,
    ) -> Result<Self, EncodingError> {
        let names = content_encoding.unwrap_or_default().split(',').map(str::trim);
        let names: Vec<_> = names
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
            .collect();
        if names.len() > MAX_LAYERS {
            return Err(EncodingError::TooManyLayers { count: names.len() });
        }
        let layers = names.into_iter().rev().map(Layer::named).collect::<Result<_, _>>()?;
        Ok(Self { layers, max_output, failed: None })
    }

    /// Whether there is nothing to undo; the limit does not apply then.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.layers.is_empty()
    }

    /// Takes the next encoded bytes and appends what they decode to.
    ///
    /// # Errors
    /// See [`EncodingError`]. What could be decoded was appended. An error is final: it is
    /// returned again for any further bytes.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodingError> {
        self.feed_each(bytes, &mut |piece| out.extend_from_slice(piece))
    }

    /// As [`Self::feed`], in pieces of bounded size (identity: one piece, the bytes themselves),
    /// for readers that need not hold the whole.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn feed_each(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), EncodingError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = pump(&mut self.layers, bytes, self.max_output, sink);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// The encoded bytes ended. No decoder here holds output back.
    ///
    /// # Errors
    /// The data is incomplete, or an earlier error. No bytes at all are a complete (empty) body.
    pub fn finish(&self) -> Result<(), EncodingError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let cut = self.layers.iter().find(|layer| !layer.codec.may_end());
        match cut {
            Some(layer) => Err(EncodingError::Truncated { encoding: layer.codec.name() }),
            None => Ok(()),
        }
    }
}

/// Sends `input` through the layers, one after the other, in pieces.
fn pump(
    layers: &mut [Layer],
    mut input: &[u8],
    limit: u64,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), EncodingError> {
    let Some((Layer { codec, total }, inner)) = layers.split_first_mut() else {
        if !input.is_empty() {
            sink(input);
        }
        return Ok(());
    };
    // On the stack: thousands of streams may be open, each idle most of the time.
    let mut piece = [0; PIECE];
    while !input.is_empty() {
        loop {
            let Step { read, written } = codec.step(input, &mut piece)?;
            input = &input[read..];
            let room = usize::try_from(limit - *total).unwrap_or(usize::MAX);
            let allowed = written.min(room);
            *total += allowed as u64;
            pump(inner, &piece[..allowed], limit, sink)?;
            if allowed < written {
                return Err(EncodingError::TooLarge { limit });
            }
            if written < piece.len() {
                if read == 0 && written == 0 && !input.is_empty() {
                    let encoding = codec.name();
                    return Err(EncodingError::Corrupt { encoding, what: "no progress" });
                }
                break;
            }
        }
    }
    Ok(())
}

impl Layer {
    fn named(name: &str) -> Result<Self, EncodingError> {
        let codec = match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Codec::Gzip(Gzip::new()),
            "deflate" => Codec::Deflate(Deflate::new()),
            "br" => Codec::Brotli(Box::new(Brotli::new())),
            "zstd" => Codec::Zstd(Zstd::new()?),
            _ => return Err(EncodingError::Unsupported { name: name.to_owned() }),
        };
        Ok(Self { codec, total: 0 })
    }
}

impl Codec {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, EncodingError> {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            Self::Brotli(brotli) => brotli.step(input, output),
            Self::Zstd(zstd) => zstd.step(input, output),
        }
    }

    /// Whether the data may end here.
    fn may_end(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.may_end(),
            Self::Deflate(deflate) => deflate.may_end(),
            Self::Brotli(brotli) => brotli.may_end(),
            Self::Zstd(zstd) => zstd.may_end(),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Gzip(_) => gzip::NAME,
            Self::Deflate(_) => deflate::NAME,
            Self::Brotli(_) => brotli::NAME,
            Self::Zstd(_) => zstd::NAME,
        }
    }
}
