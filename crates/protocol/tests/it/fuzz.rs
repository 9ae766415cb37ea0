//! Every decoder on damaged input: cassettes are mutated, cut anywhere, and must neither end in a panic,
//! nor read differently by how they are cut, nor take long, nor much memory.
//!
//! A short run is part of the tests; `cargo xtask fuzz` runs each target for as long as it is told.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use langley_protocol::anthropic::{Anthropic, Vertex};
use langley_protocol::bedrock::{Converse, Invoke};
use langley_protocol::dialect::{Dialect, ResponseDecoder};
use langley_protocol::encoding::ContentDecoder;
use langley_protocol::event_stream::EventStreamDecoder;
use langley_protocol::gemini::{Gemini, Interactions};
use langley_protocol::json_array::JsonArrayDecoder;
use langley_protocol::openai::{Chat, Responses};
use langley_protocol::sse::{SseDecoder, SseEvent};
use langley_protocol::websocket::{Compression, FrameDecoder};
use langley_protocol::{bedrock, client_hello};

/// Inputs a target gets in the short run.
const SHORT: u32 = 1_000;

/// The largest input, in bytes.
const INPUT_MAX: usize = 64 * 1024;

/// The longest that one input may take in a long run: a hang, and not a slow machine.
const LONGEST: Duration = Duration::from_secs(10);

/// By how much the process may grow in a long run of one target, in KiB.
const GROWTH_MAX: u64 = 64 * 1024;

/// Seconds for each target; set by `cargo xtask fuzz`.
const SECONDS: &str = "LANGLEY_FUZZ_SECONDS";

/// Only targets whose name holds this; set by `cargo xtask fuzz`.
const ONLY: &str = "LANGLEY_FUZZ_ONLY";

/// Reads input that came in these pieces, and says all it has found.
type Target = fn(&[&[u8]]) -> String;

/// Whether what is found must not depend on the pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cuts {
    Agree,
    /// The library below finds some damage at the end of one piece and not of another.
    MayDiffer,
}

const TARGETS: [(&str, Target, Cuts); 23] = [
    ("anthropic stream", |reads| stream(reads, &Anthropic), Cuts::Agree),
    ("chat stream", |reads| stream(reads, &Chat), Cuts::Agree),
    ("responses stream", |reads| stream(reads, &Responses), Cuts::Agree),
    ("gemini stream", |reads| stream(reads, &Gemini), Cuts::Agree),
    ("gemini array", array, Cuts::Agree),
    ("interactions stream", |reads| stream(reads, &Interactions), Cuts::Agree),
    ("converse stream", |reads| messages(reads, &Converse), Cuts::Agree),
    ("invoke stream", |reads| messages(reads, &Invoke::ANTHROPIC), Cuts::Agree),
    ("anthropic bodies", |reads| bodies(reads, &Anthropic), Cuts::Agree),
    ("vertex bodies", |reads| bodies(reads, &Vertex), Cuts::Agree),
    ("chat bodies", |reads| bodies(reads, &Chat), Cuts::Agree),
    ("responses bodies", |reads| bodies(reads, &Responses), Cuts::Agree),
    ("gemini bodies", |reads| bodies(reads, &Gemini), Cuts::Agree),
    ("interactions bodies", |reads| bodies(reads, &Interactions), Cuts::Agree),
    ("converse bodies", |reads| bodies(reads, &Converse), Cuts::Agree),
    ("websocket", |reads| frames(reads, Compression::default()), Cuts::Agree),
    (
        "websocket deflate",
        |reads| frames(reads, Compression { deflate: true, no_context_takeover: false }),
        Cuts::Agree,
    ),
    ("gzip", |reads| encoded(reads, "gzip"), Cuts::Agree),
    ("deflate", |reads| encoded(reads, "deflate"), Cuts::Agree),
    ("br", |reads| encoded(reads, "br"), Cuts::MayDiffer),
    ("zstd", |reads| encoded(reads, "zstd"), Cuts::Agree),
    ("client hello", hello, Cuts::Agree),
    ("hello message", hello_message, Cuts::Agree),
];

fn event(found: &mut String, decoder: &mut dyn ResponseDecoder, event: &SseEvent<'_>) {
    let mut deltas = String::new();
    let facts = decoder.event(event, &mut |delta| write!(deltas, "{delta:?}").expect("room"));
    for text in &facts.texts {
        // Whoever redacts cuts here.
        let place = event.data.get(text.start..text.end).expect("a place within the data");
        std::str::from_utf8(place).expect("whole characters");
    }
    writeln!(found, "{facts:?} {deltas}").expect("room");
}

fn stream(reads: &[&[u8]], dialect: &dyn Dialect) -> String {
    let (mut found, mut decoder) = (String::new(), dialect.response());
    let mut framer = SseDecoder::new(INPUT_MAX / 4);
    for read in reads {
        framer.feed(read, &mut |it: SseEvent<'_>| event(&mut found, &mut *decoder, &it));
    }
    framer.finish(&mut |it: SseEvent<'_>| event(&mut found, &mut *decoder, &it));
    found
}

fn array(reads: &[&[u8]]) -> String {
    let (mut found, mut decoder) = (String::new(), Gemini.response());
    let mut framer = JsonArrayDecoder::new(INPUT_MAX / 4);
    let mut take = |data: &[u8]| {
        let it = SseEvent { name: "", data, id: None, retry: None };
        event(&mut found, &mut *decoder, &it);
    };
    for read in reads {
        framer.feed(read, &mut take);
    }
    framer.finish(&mut take);
    found
}

fn messages(reads: &[&[u8]], dialect: &dyn Dialect) -> String {
    let (mut found, mut decoder) = (String::new(), dialect.response());
    let mut framer = EventStreamDecoder::new(INPUT_MAX / 4);
    let mut scratch = Vec::new();
    for read in reads {
        framer.feed(read, &mut |message| {
            event(&mut found, &mut *decoder, &bedrock::event(&message, &mut scratch));
        });
    }
    let is_cut = framer.finish();
    format!("{found}{is_cut} {} {}", framer.corrupt(), framer.oversized())
}

fn bodies(reads: &[&[u8]], dialect: &dyn Dialect) -> String {
    let body = reads.concat();
    let mut found = format!("{:?}\n", dialect.request(&body));
    let known =
        dialect.response().json(&body, &mut |delta| write!(found, "{delta:?}").expect("room"));
    format!("{found}{known}")
}

fn frames(reads: &[&[u8]], compression: Compression) -> String {
    let mut decoder = FrameDecoder::new(compression, INPUT_MAX);
    let mut found = String::new();
    for read in reads {
        decoder.feed(read, &mut |message| write!(found, "{message:?}").expect("room"));
    }
    format!("{found}{:?}", decoder.error())
}

fn encoded(reads: &[&[u8]], encoding: &str) -> String {
    let mut decoder = ContentDecoder::for_header(Some(encoding), 1 << 20).expect("an encoding");
    let mut out = Vec::new();
    let fed = reads.iter().try_for_each(|read| decoder.feed(read, &mut out));
    let ended = fed.and_then(|()| decoder.finish()).is_ok();
    // How much of a damaged block comes out before it is given up may depend on the pieces.
    if ended { format!("{:?}", blake(&out)) } else { String::from("damaged") }
}

fn blake(bytes: &[u8]) -> (usize, u64) {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (bytes.len(), sum)
}

fn hello(reads: &[&[u8]]) -> String {
    format!("{:?}", client_hello::peek(&reads.concat()))
}

/// What was taken apart must be what it was, once it is put together.
fn hello_message(reads: &[&[u8]]) -> String {
    let Some(message) = client_hello::HelloMessage::in_records(&reads.concat()) else {
        return String::from("none");
    };
    let encoded = message.encode().expect("what was read fits");
    assert_eq!(client_hello::HelloMessage::parse(&encoded).as_ref(), Some(&message));
    let (shares, groups) = (message.key_shares(), message.groups());
    format!("{message:?} {shares:?} {groups:?} {:?}", message.certificate_compression())
}

/// A generator that any failure can be repeated with.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a length")
    }
}

/// What formats mind most.
const SPICES: [&[u8]; 14] = [
    b"\"",
    b"\\",
    b"\n",
    b"\r\n\r\n",
    b"\n\n",
    b"{",
    b"}",
    b"[",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\\ud83d",
    b"null",
    b"99999999999999999999",
    b"data: ",
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(8) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(64)).min(input.len());
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.next().to_le_bytes()[0],
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let spice = SPICES[random.below(SPICES.len())];
                input.splice(at..at, spice.iter().copied());
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                let part = other[from..].iter().copied().take(200).collect::<Vec<_>>();
                input.splice(at..end, part);
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(INPUT_MAX);
    input
}

fn cassettes() -> Vec<Vec<u8>> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, into) } else { into.push(path) }
        }
    }
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cassettes"), &mut paths);
    paths.sort();
    let mut seeds: Vec<_> = paths.iter().map(|path| std::fs::read(path).expect("a file")).collect();
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        seeds.push(crate::encoding::encode(encoding, &seeds[0].clone()));
    }
    seeds.extend(crate::client_hello::captured().into_iter().map(|(_, hello)| hello));
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

/// Runs one input whole and in pieces.
fn run(target: Target, cuts: Cuts, input: &[u8], random: &mut Random) {
    let whole = target(&[input]);
    let mut reads = Vec::new();
    let mut rest = input;
    while !rest.is_empty() && reads.len() < 40 {
        let (read, left) = rest.split_at((1 + random.below(200)).min(rest.len()));
        reads.push(read);
        rest = left;
    }
    reads.push(rest);
    let pieces = target(&reads);
    if cuts == Cuts::Agree {
        assert_eq!(pieces, whole, "in pieces: {:?}", String::from_utf8_lossy(input));
    }
}

/// Memory of the process in KiB; none where the system does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

#[test]
fn damaged_input_is_read_alike_however_it_is_cut() {
    let seeds = cassettes();
    for (name, target, cuts) in TARGETS {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
        for turn in 0..SHORT {
            let input = mutate(&mut random, &seeds);
            let before = random.0;
            let caught =
                std::panic::catch_unwind(|| run(target, cuts, &input, &mut Random(before)));
            assert!(caught.is_ok(), "{name}, input {turn}: {:?}", String::from_utf8_lossy(&input));
        }
    }
}

#[test]
#[ignore = "runs as long as it is told: cargo xtask fuzz"]
fn for_a_long_time() {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let only = std::env::var(ONLY).unwrap_or_default();
    let seeds = cassettes();
    let wanted = TARGETS.iter().filter(|(name, ..)| name.contains(&only));
    assert!(wanted.clone().count() > 0, "no target's name holds {only:?}");
    for &(name, target, cuts) in wanted {
        let begun = Instant::now();
        let seed = begun.elapsed().as_nanos() ^ std::process::id() as u128;
        let mut random = Random(u64::try_from(seed).unwrap_or(1) | 1);
        let (mut inputs, before) = (0_u64, resident());
        while begun.elapsed() < Duration::from_secs(seconds) {
            let input = mutate(&mut random, &seeds);
            let started = Instant::now();
            run(target, cuts, &input, &mut random);
            assert!(started.elapsed() < LONGEST, "{name} hangs: {input:?}");
            inputs += 1;
        }
        let growth = resident().zip(before).map(|(after, before)| after.saturating_sub(before));
        assert!(growth.is_none_or(|growth| growth < GROWTH_MAX), "{name} grew by {growth:?} KiB");
        println!("{name}: {inputs} inputs, {} KiB more memory", growth.unwrap_or(0));
    }
}
