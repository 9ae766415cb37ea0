//! The outgoing record stream of one handshake, without sockets: the library's records in, the mirrored
//! ones out.

use std::io;

use langley_protocol::client_hello::HelloMessage;

use super::numbers::{ALERT, CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE};
use super::pending::Entry;
use super::profile::Profile;
use super::rewrite::Turn;
use super::transcript::random;

/// A record's type, version and length (RFC 8446 § 5.1).
const HEADER: usize = 5;

/// Rewrites hellos until the handshake has gone past them.
#[derive(Debug)]
pub(crate) struct Rewriter {
    profile: Profile,
    /// The start of a record that is not whole yet.
    partial: Vec<u8>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was sent.
    Silent,
    /// A hello was sent, and the library has not hashed it for sure.
    Hello { entry: Entry, turn: Turn },
    /// The library has hashed its hellos: it sent something that follows on the server's answer.
    Over,
}

fn broken(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl Rewriter {
    pub(crate) const fn new(profile: Profile) -> Self {
        Self { profile, partial: Vec::new(), stage: Stage::Silent }
    }

    /// Whether everything from here on passes as it is.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Takes what the library writes, cut anywhere, and appends what is to be sent to `out`.
    ///
    /// # Errors
    /// The library wrote what no client writes: the connection cannot go on.
    pub(crate) fn feed(&mut self, data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.partial.extend_from_slice(data);
        let bytes = std::mem::take(&mut self.partial);
        let mut rest = bytes.as_slice();
        while !self.is_over() {
            let [kind, major, minor, high, low, ..] = rest else { break };
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((record, behind)) = rest.split_at_checked(HEADER + len) else { break };
            match (*kind, &record[HEADER..]) {
                (HANDSHAKE, hello @ [CLIENT_HELLO, ..]) => {
                    let sent = self.replace(hello)?;
                    let len = u16::try_from(sent.len())
                        .map_err(|_| broken("the mirrored hello fits no record"))?;
                    out.extend([HANDSHAKE, *major, *minor]);
                    out.extend(len.to_be_bytes());
                    out.extend(sent);
                }
                (CHANGE_CIPHER_SPEC | ALERT, _) => out.extend_from_slice(record),
                _ => {
                    if matches!(self.stage, Stage::Silent) {
                        return Err(broken("the handshake begins without a hello"));
                    }
                    out.extend_from_slice(record);
                    self.stage = Stage::Over;
                }
            }
            rest = behind;
        }
        if self.is_over() {
            out.extend_from_slice(rest);
        } else {
            self.partial = rest.to_vec();
        }
        Ok(())
    }

    /// The hello to send in place of the library's `written` one, which the transcript will look for.
    fn replace(&mut self, written: &[u8]) -> io::Result<Vec<u8>> {
        let (Some(ours), Some(random)) = (HelloMessage::parse(written), random(written)) else {
            return Err(broken("the library's hello is split, or cannot be read"));
        };
        let (entry, turn) = match std::mem::replace(&mut self.stage, Stage::Silent) {
            Stage::Silent => {
                let entry = Entry::open(*random, self.profile.inbound());
                (entry.ok_or_else(|| broken("this random is in use"))?, Turn::First)
            }
            Stage::Hello { entry, turn: Turn::First } if entry.is_for(random) => {
                (entry, Turn::Second)
            }
            Stage::Hello { .. } | Stage::Over => {
                return Err(broken("a hello that nobody asked for"));
            }
        };
        let sent = self.profile.rewrite(&ours, turn);
        let sent = sent.ok_or_else(|| broken("the agent's hello cannot carry this one"))?;
        if !entry.replace(written, &sent) {
            return Err(broken("more hellos than a handshake has"));
        }
        self.stage = Stage::Hello { entry, turn };
        Ok(sent)
    }
}
