//! Where a text may be cut before it is redacted: not inside a word that may be half a secret, which
//! no rule would match any more.

/// A shorter rest of a secret gives nothing away.
const HARMLESS: usize = 12;

/// A longer run of such characters is data, not a credential.
const LONGEST: usize = 8 * 1024;

/// How much of `bytes`, which go on beyond their end, can be kept.
pub(crate) fn safe_end(bytes: &[u8]) -> usize {
    let of_word = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~' | b'%' | b':' | b'@')
    };
    let word = bytes.iter().rev().take(LONGEST).take_while(|byte| of_word(byte)).count();
    if word < HARMLESS { bytes.len() } else { bytes.len() - word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_leaves_out_a_last_word_that_may_be_a_secret() {
        assert_eq!(safe_end(b"key: sk-ant-api03-abcdef"), 5);
        assert_eq!(safe_end(b"the last word"), 13);
        assert_eq!(safe_end(b""), 0);
        assert_eq!(safe_end(&[b'A'; 20_000]), 20_000 - LONGEST);
    }
}
