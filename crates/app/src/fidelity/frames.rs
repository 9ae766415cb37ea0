//! WebSocket frames (RFC 6455 §5), the same over either HTTP.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::case::Frame;
use super::wire::Wire;

/// The frames' masking key (RFC 6455 §5.3); a fixed one, so that both ways send the same bytes.
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

/// Sends the frames, each after the echo of the one before; every byte that came back.
pub(super) async fn talk<S>(wire: &mut Wire<S>, frames: &[Frame]) -> io::Result<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard = Vec::new();
    for (first, payload) in frames {
        // An origin that answers the last frame and resets at once may do so before the sender has heard
        // that the frame left: what was answered tells whether it came.
        let sent = wire.send(&masked(*first, payload)).await;
        let start = match (wire.exactly(2).await, sent) {
            (Ok(start), _) => start,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
        };
        heard.extend_from_slice(&start);
        let length = match start[1] & 0x7f {
            126 => {
                let size = wire.exactly(2).await?;
                heard.extend_from_slice(&size);
                usize::from(u16::from_be_bytes([size[0], size[1]]))
            }
            127 => {
                let size = wire.exactly(8).await?;
                heard.extend_from_slice(&size);
                size.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
            }
            small => usize::from(small),
        };
        heard.extend_from_slice(&wire.exactly(length).await?);
    }
    Ok(heard.into())
}

/// A client's frame (RFC 6455 §5.2).
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(small) if small < 126 => frame.push(0x80 | small),
        _ => match u16::try_from(payload.len()) {
            Ok(medium) => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&medium.to_be_bytes());
            }
            Err(_) => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
            }
        },
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_masked_and_say_their_length_in_the_shortest_form() {
        assert_eq!(masked(0x81, b"Hi"), [0x81, 0x82, 0x11, 0x22, 0x33, 0x44, 0x59, 0x4b]);
        assert_eq!(masked(0x82, &[0; 126])[..4], [0x82, 0xfe, 0, 126]);
        assert_eq!(masked(0x82, &[0; 70_000])[1], 0xff);
    }
}
