//! Content encodings, as a provider's library writes them.

use std::io::Write;

use flate2::Compression;

/// `plain` in that content encoding.
///
/// # Panics
///
/// For one that is not known.
#[must_use]
pub fn encode(encoding: &str, plain: &[u8]) -> Vec<u8> {
    encode_pieces(encoding, &[plain]).concat()
}

/// The encoded bytes that each piece and its flush bring; the end's are one more.
///
/// # Panics
///
/// For an encoding that is not known.
#[must_use]
pub fn encode_pieces(encoding: &str, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    fn run<W: Write>(
        mut writer: W,
        pieces: &[&[u8]],
        out: impl Fn(&W) -> Vec<u8>,
        end: impl FnOnce(W) -> Vec<u8>,
    ) -> Vec<Vec<u8>> {
        let mut ends = vec![0];
        for piece in pieces {
            writer.write_all(piece).expect("written");
            writer.flush().expect("flushed");
            ends.push(out(&writer).len());
        }
        let all = end(writer);
        ends.push(all.len());
        ends.windows(2).map(|pair| all[pair[0]..pair[1]].to_vec()).collect()
    }
    let level = Compression::default();
    match encoding {
        "gzip" | "x-gzip" => run(
            flate2::write::GzEncoder::new(Vec::new(), level),
            pieces,
            |writer| writer.get_ref().clone(),
            |writer| writer.finish().expect("finished"),
        ),
        "deflate" => run(
            flate2::write::ZlibEncoder::new(Vec::new(), level),
            pieces,
            |writer| writer.get_ref().clone(),
            |writer| writer.finish().expect("finished"),
        ),
        "raw" => run(
            flate2::write::DeflateEncoder::new(Vec::new(), level),
            pieces,
            |writer| writer.get_ref().clone(),
            |writer| writer.finish().expect("finished"),
        ),
        "br" => run(
            brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20),
            pieces,
            |writer| writer.get_ref().clone(),
            brotli::CompressorWriter::into_inner,
        ),
        "zstd" => run(
            zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder"),
            pieces,
            |writer| writer.get_ref().clone(),
            |writer| writer.finish().expect("finished"),
        ),
        other => panic!("{other}"),
    }
}
