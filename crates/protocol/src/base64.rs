//! Base64 texts (RFC 4648) of which only the size is of interest.

/// Bytes that a text in base64 stands for.
pub(crate) fn decoded_len(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_base64_is_measured_by_what_it_stands_for() {
        for (base64, len) in [("", 0), ("TQ==", 1), ("TWE=", 2), ("TWFu", 3), ("TWFuTQ", 4)] {
            assert_eq!(decoded_len(base64), len, "{base64}");
        }
    }
}
