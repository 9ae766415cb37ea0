//! Frames as both ends send them, read at every cut.

use std::io::Write;

use flate2::{Compress, Compression as Level, FlushCompress};
use langley_protocol::websocket::{Compression, FrameDecoder, FrameError, Message};

const MAX: usize = 1 << 20;
const DEFLATE: Compression = Compression { deflate: true, no_context_takeover: false };

/// One frame; `first` is its first byte.
fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let bit = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..126 => frame.push(bit | u8::try_from(len).expect("short")),
        len @ 126..65_536 => {
            frame.push(bit | 126);
            frame.write_all(&u16::try_from(len).expect("short").to_be_bytes()).expect("room");
        }
        len => {
            frame.push(bit | 127);
            frame.write_all(&(len as u64).to_be_bytes()).expect("room");
        }
    }
    frame.extend(mask.into_iter().flatten());
    let key = mask.unwrap_or_default();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn deflated(compress: &mut Compress, payload: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(payload.len() + 64);
    compress.compress_vec(payload, &mut packed, FlushCompress::Sync).expect("room");
    assert!(packed.ends_with(&[0, 0, 0xff, 0xff]));
    packed.truncate(packed.len() - 4);
    packed
}

fn read(
    reads: &[&[u8]],
    compression: Compression,
    max: usize,
) -> (Vec<String>, Option<FrameError>) {
    let mut decoder = FrameDecoder::new(compression, max);
    let mut seen = Vec::new();
    for read in reads {
        decoder.feed(read, &mut |message| {
            seen.push(match message {
                Message::Text(text) => format!("text {}", String::from_utf8_lossy(text)),
                other => format!("{other:?}"),
            });
        });
    }
    (seen, decoder.error())
}

#[track_caller]
fn each_cut(stream: &[u8], compression: Compression) -> (Vec<String>, Option<FrameError>) {
    let whole = read(&[stream], compression, MAX);
    let single: Vec<_> = stream.chunks(1).collect();
    assert_eq!(read(&single, compression, MAX), whole, "byte by byte");
    for cut in 0..=stream.len() {
        let (a, b) = stream.split_at(cut);
        assert_eq!(read(&[a, b], compression, MAX), whole, "cut at {cut}");
    }
    whole
}

#[test]
fn messages_fragments_and_control_frames_are_told_apart() {
    let mask = Some([1, 2, 3, 250]);
    let stream = [
        frame(0x81, mask, "héllo".as_bytes()),
        frame(0x01, mask, b"in "),
        frame(0x89, mask, b"ping"),
        frame(0x00, mask, b""),
        frame(0x80, mask, b"parts"),
        frame(0x82, None, &[7; 300]),
        frame(0x8a, None, b""),
        frame(0x81, None, b""),
        frame(0x88, mask, &[0x03, 0xe8, b'b', b'y', b'e']),
    ]
    .concat();
    let (seen, error) = each_cut(&stream, Compression::default());
    assert_eq!(error, None);
    assert_eq!(seen[..3], ["text héllo", "Ping", "text in parts"]);
    assert!(seen[3].starts_with("Binary([7, 7"));
    assert_eq!(seen[4..], ["Pong", "text ", "Close { code: Some(1000), text: [98, 121, 101] }"]);
}

#[test]
fn compressed_messages_refer_to_earlier_ones() {
    let mut compress = Compress::new(Level::default(), false);
    let text = br#"{"type":"response.output_text.delta","delta":"hello"}"#;
    let (first, second) = (deflated(&mut compress, text), deflated(&mut compress, text));
    assert!(second.len() < first.len() / 2, "the second one refers to the first");
    let (a, b) = first.split_at(5);
    let mask = Some([9, 8, 7, 6]);
    let stream = [
        frame(0x41, mask, a),
        frame(0x80, mask, b),
        frame(0xc1, mask, &second),
        frame(0x81, mask, b"plain"),
    ]
    .concat();
    let (seen, error) = each_cut(&stream, DEFLATE);
    let expected = format!("text {}", String::from_utf8_lossy(text));
    assert_eq!(seen, [expected.as_str(), &expected, "text plain"]);
    assert_eq!(error, None);
}

#[test]
fn what_is_agreed_is_read_from_the_answer() {
    let header = "permessage-deflate; server_no_context_takeover; client_max_window_bits=15, x";
    let (server, client) = (Compression::agreed(header, false), Compression::agreed(header, true));
    assert_eq!(server, Compression { deflate: true, no_context_takeover: true });
    assert_eq!(client, Compression { deflate: true, no_context_takeover: false });
    assert_eq!(Compression::agreed("", true), Compression::default());

    let fresh = |text: &[u8]| deflated(&mut Compress::new(Level::default(), false), text);
    let stream = [frame(0xc1, None, &fresh(b"one one one")), frame(0xc1, None, &fresh(b"two two"))];
    let (seen, error) = each_cut(&stream.concat(), server);
    assert_eq!((seen, error), (vec!["text one one one".into(), "text two two".into()], None));
}

#[test]
fn what_is_too_large_is_counted_and_what_follows_is_read() {
    let mut compress = Compress::new(Level::default(), false);
    let large = vec![b'x'; 5000];
    let stream = [
        frame(0x81, None, &large),
        frame(0xc1, None, &deflated(&mut compress, &large)),
        frame(0xc1, None, &deflated(&mut compress, b"small xxxxxxxx")),
    ]
    .concat();
    let (seen, error) = read(&[&stream], DEFLATE, 1000);
    assert_eq!(seen, ["Oversized(5000)", "Oversized(5000)", "text small xxxxxxxx"]);
    assert_eq!(error, None);
}

#[test]
fn a_bomb_is_given_up_in_bounded_memory() {
    let mut compress = Compress::new(Level::best(), false);
    let zeros = vec![0; 1 << 20];
    let mut decoder = FrameDecoder::new(DEFLATE, MAX);
    let mut messages = 0;
    for piece in 0..300_u32 {
        let mut packed = Vec::with_capacity(1 << 20);
        compress.compress_vec(&zeros, &mut packed, FlushCompress::Sync).expect("room");
        let first = if piece == 0 { 0x41 } else { 0x00 };
        decoder.feed(&frame(first, None, &packed), &mut |_| messages += 1);
    }
    assert_eq!((decoder.error(), messages), (Some(FrameError::Bomb), 0));
}

#[test]
fn what_is_no_frame_ends_the_reading_with_a_reason() {
    for (stream, compression) in [
        (frame(0xc1, None, b"x"), Compression::default()),
        (frame(0xb1, None, b"x"), DEFLATE),
        (frame(0x83, None, b"x"), DEFLATE),
        (frame(0x80, None, b"x"), DEFLATE),
        (frame(0x09, None, b"x"), DEFLATE),
        (frame(0x89, None, &[0; 126]), DEFLATE),
        ([frame(0x01, None, b"x"), frame(0x81, None, b"y")].concat(), DEFLATE),
    ] {
        let (seen, error) = each_cut(&[stream, frame(0x81, None, b"after")].concat(), compression);
        assert!(seen.is_empty(), "{seen:?}");
        assert!(matches!(error, Some(FrameError::NotAFrame(_))), "{error:?}");
    }
    for first in [0x81, 0x82] {
        let stream = [&[first, 0x7f][..], &[0xff; 8], b"after"].concat();
        let error = each_cut(&stream, DEFLATE).1;
        assert_eq!(error, Some(FrameError::NotAFrame("a length beyond 63 bits")));
    }
    let (_, error) = each_cut(&frame(0xc1, None, b"not deflate at all"), DEFLATE);
    assert_eq!(error, Some(FrameError::Corrupt));
}

#[test]
fn a_fragment_that_announces_more_than_can_be_is_not_added_up() {
    let first = frame(0x01, None, b"a");
    let hostile = |top: u8| [&first[..], &[0x80, 0x7f, top], &[0xff; 7], b"bcd"].concat();
    let beyond = Some(FrameError::NotAFrame("a length beyond 63 bits"));
    assert_eq!(each_cut(&hostile(0xff), Compression::default()), (vec![], beyond));
    assert_eq!(each_cut(&hostile(0x7f), Compression::default()), (vec![], None));
}

#[test]
fn a_message_whose_header_says_too_much_is_not_gathered() {
    let mut decoder = FrameDecoder::new(Compression::default(), MAX);
    let large = frame(0x82, Some([1, 2, 3, 4]), &vec![7; MAX + 1]);
    let mut seen = Vec::new();
    let mut feed = |decoder: &mut FrameDecoder, bytes: &[u8]| {
        decoder.feed(bytes, &mut |message| seen.push(format!("{message:?}")));
    };
    feed(&mut decoder, &large[..MAX / 2]);
    assert!(format!("{decoder:?}").contains("kept: 0"), "{decoder:?}");
    feed(&mut decoder, &large[MAX / 2..]);
    feed(&mut decoder, &frame(0x89, None, b""));
    assert_eq!(seen, [format!("Oversized({})", MAX + 1), "Ping".to_owned()]);
}
