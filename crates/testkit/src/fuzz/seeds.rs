//! What damage begins with: streams as providers send them, encodings, frames, hellos, transcripts.

use std::path::{Path, PathBuf};

use crate::encode::encode;
use crate::hellos::captured_hellos;

/// Every recorded stream, and what else decoders are fed with.
///
/// # Panics
///
/// Where the recordings cannot be read.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, into) } else { into.push(path) }
        }
    }
    let mut paths = Vec::new();
    for folder in ["cassettes", "transcripts"] {
        let folder = Path::new("../protocol/tests").join(folder);
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths);
    }
    paths.sort();
    let mut seeds: Vec<_> = paths.iter().map(|path| std::fs::read(path).expect("a file")).collect();
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        seeds.push(encode(encoding, &seeds[0].clone()));
    }
    seeds.extend(captured_hellos().into_iter().map(|(_, hello)| hello));
    let text = &seeds[0].iter().copied().take(120).collect::<Vec<_>>()[..];
    seeds.push([&[0x81, 0xf8, 1, 2, 3, 4][..], text].concat());
    seeds.push([&[0x01, 0x05][..], b"in pa", &[0x89, 0x00, 0x80, 0x03], b"rts"].concat());
    // Lengths at the edge of what is one, behind a beginning and alone.
    for top in [0xff, 0x7f, 0x80, 0x00] {
        let length = [&[0x7f, top][..], &[0xff; 7]].concat();
        seeds.push([&[0x01, 0x01, b'a', 0x80][..], &length, text].concat());
        seeds.push([&[0x82][..], &length, text].concat());
    }
    seeds
}
