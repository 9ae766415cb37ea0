//! Usage as Anthropic states it: cumulative, and the split of cache writes not in every report.

use langley_model::{Tokens, Usage};

use crate::dialect::Delta;
use crate::json::Object;

/// Speeds and places of inference that cost nothing more.
const USUAL: [&str; 4] = ["standard", "global", "not_available", ""];

/// What is remembered of one answer's earlier reports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UsageReader {
    /// Cache writes for five minutes and for one hour, once a report has told them apart.
    split: Option<(u64, u64)>,
}

impl UsageReader {
    /// Hands out what a `usage` object says: the tokens, and what has to do with their price.
    pub(super) fn tell(&mut self, usage: &Object<'_>, out: &mut dyn FnMut(Delta<'_>)) {
        out(Delta::Usage(self.read(usage)));
        let own = ["speed", "inference_geo"].map(|name| usage.text(name));
        let own = own.into_iter().flatten().filter(|word| !USUAL.contains(&&**word));
        for word in usage.text("service_tier").into_iter().chain(own) {
            out(Delta::Tier(word));
        }
    }

    /// Reads a `usage` object. Only its own members count: nested `iterations` repeat parts of it.
    ///
    /// Cache writes without a split are taken for five-minute ones (the default of the API), less
    /// the one-hour writes that an earlier report of the same answer named.
    fn read(&mut self, usage: &Object<'_>) -> Usage {
        let tokens = |name| usage.number(name).map(Tokens);
        let split = usage.object("cache_creation");
        let stated = |name| split.as_ref().and_then(|split| split.number(name));
        let mut write_5m = stated("ephemeral_5m_input_tokens");
        let write_1h = stated("ephemeral_1h_input_tokens");
        if write_5m.is_some() || write_1h.is_some() {
            self.split = Some((write_5m.unwrap_or(0), write_1h.unwrap_or(0)));
        } else if let Some(total) = usage.number("cache_creation_input_tokens") {
            let (known_5m, known_1h) = self.split.unwrap_or((total, 0));
            write_5m = Some(total.checked_sub(known_1h).unwrap_or(known_5m));
        }
        let server_tools = usage.object("server_tool_use");
        Usage {
            input: tokens("input_tokens"),
            cache_read: tokens("cache_read_input_tokens"),
            cache_write_5m: write_5m.map(Tokens),
            cache_write_1h: write_1h.map(Tokens),
            output: tokens("output_tokens"),
            reasoning: None,
            web_search_requests: server_tools.and_then(|used| used.number("web_search_requests")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut UsageReader, json: &str) -> Usage {
        reader.read(&Object::read(json.as_bytes()).expect("an object"))
    }

    #[test]
    fn cache_writes_without_a_split_are_five_minute_ones() {
        let usage = read(
            &mut UsageReader::default(),
            r#"{"input_tokens": 3, "cache_creation_input_tokens": 50, "output_tokens": null}"#,
        );
        assert_eq!(usage.cache_write_5m, Some(Tokens(50)));
        assert_eq!(usage.cache_write_1h, None);
        assert_eq!(usage.output, None);
    }

    #[test]
    fn a_later_total_does_not_count_one_hour_writes_twice() {
        let mut reader = UsageReader::default();
        let first = read(
            &mut reader,
            r#"{"cache_creation_input_tokens": 70, "cache_creation":
               {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 50}}"#,
        );
        let mut whole = first;
        whole.update(&read(&mut reader, r#"{"cache_creation_input_tokens": 70}"#));
        assert_eq!(whole, first);
        whole.update(&read(&mut reader, r#"{"cache_creation_input_tokens": 90}"#));
        assert_eq!(
            (whole.cache_write_5m, whole.cache_write_1h),
            (Some(Tokens(40)), Some(Tokens(50)))
        );
    }

    #[test]
    fn nested_iterations_are_ignored() {
        let usage = read(
            &mut UsageReader::default(),
            r#"{"iterations": [{"output_tokens": 900}], "output_tokens": 12,
               "server_tool_use": {"web_search_requests": 2}}"#,
        );
        assert_eq!(usage.output, Some(Tokens(12)));
        assert_eq!(usage.web_search_requests, Some(2));
    }
}
