//! Tests of [`super`]: what flows cost by the book, calculated here by hand.

use langley_model::{ConnectionId, FlowId, Micros, Tokens, Usage};

use super::*;

fn at(text: &str) -> Micros {
    Micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn tokens(count: u64) -> Option<Tokens> {
    Some(Tokens(count))
}

/// A whole answer on 2026-11-21.
fn flow(provider: Provider, model: &str, usage: Usage) -> Flow {
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at("2026-11-21T12:00:00Z"));
    (flow.provider, flow.model) = (Some(provider), Some(model.to_owned()));
    flow.path = match provider.dialect() {
        langley_model::DialectName::Anthropic => "/v1/messages",
        langley_model::DialectName::OpenAi => "/v1/responses",
        langley_model::DialectName::Gemini => "/v1beta/models/m:generateContent",
        langley_model::DialectName::Bedrock => "/model/m/converse",
    }
    .to_owned();
    flow.usage = usage;
    flow.outcome = Some(Outcome::Completed);
    flow
}

fn simple(input: u64, output: u64) -> Usage {
    Usage { input: tokens(input), output: tokens(output), ..Usage::default() }
}

fn priced(flow: &Flow) -> Option<i64> {
    Pricer::new(PriceBook::vendored()).quote(flow).map(|quote| quote.cost.0)
}

#[test]
fn the_book_is_read_whole() {
    let book = PriceBook::vendored();
    assert_eq!(book.version(), "2026-11-21");
    assert!(book.models().len() > 140, "{}", book.models().len());
    assert_eq!(book.window(Provider::Anthropic, "claude-opus-5-5-20260924"), Some(1_000_000));
    assert_eq!(book.window(Provider::Anthropic, "claude-none"), None);
}

#[test]
fn each_class_has_its_price_and_the_provider_its_own_sense_of_input() {
    let usage = Usage {
        input: tokens(110),
        cache_read: tokens(8_322),
        cache_write_5m: tokens(1_555),
        cache_write_1h: tokens(255),
        output: tokens(670),
        ..Usage::default()
    };
    assert_eq!(priced(&flow(Provider::Anthropic, "claude-opus-5-5", usage)), Some(25_319));
    // 1,000 of which 600 were read: 400 × 1.25 + 600 × 0.125 + 100 × 10 millionths.
    let cached = Usage { cache_read: tokens(600), ..simple(1_000, 100) };
    assert_eq!(priced(&flow(Provider::OpenAi, "gpt-5-2025-08-07", cached)), Some(1_575));
    // Written to the cache is part of the input too: 300 × 4 + 600 × 0.4 + 100 × 5 + 100 × 20.
    let written = Usage { cache_write_5m: tokens(100), ..cached };
    assert_eq!(priced(&flow(Provider::OpenAi, "gpt-5.6-sol", written)), Some(3_940));
    // Thoughts are beside the candidates: 1,000 × 2 + (100 + 50) × 12.
    let thought = Usage { reasoning: tokens(50), ..simple(1_000, 100) };
    assert_eq!(priced(&flow(Provider::Gemini, "gemini-3-pro-preview", thought)), Some(3_800));
    // And within the output elsewhere: 1,000 × 1.25 + 100 × 10.
    assert_eq!(priced(&flow(Provider::OpenAi, "gpt-5", thought)), Some(2_250));
    let mut grok = flow(Provider::XAi, "grok-4-fast", thought);
    grok.path = "/v1/chat/completions".to_owned();
    assert_eq!(priced(&grok), Some(275));
}

#[test]
fn a_search_of_the_providers_own_is_billed_for_each_call() {
    let usage = Usage { web_search_requests: Some(3), ..simple(0, 0) };
    assert_eq!(priced(&flow(Provider::Anthropic, "claude-opus-5-5", usage)), Some(30_000));
    assert_eq!(priced(&flow(Provider::OpenAi, "gpt-5", usage)), Some(30_000));
    assert_eq!(priced(&flow(Provider::XAi, "grok-4", usage)), None, "its price is not known");
}

#[test]
fn a_long_prompt_makes_all_of_its_response_dearer() {
    let of = |provider, model: &str, input| priced(&flow(provider, model, simple(input, 10)));
    let sonnet = "claude-sonnet-4-5";
    assert_eq!(of(Provider::Anthropic, sonnet, 200_000), Some(600_150));
    assert_eq!(of(Provider::Anthropic, sonnet, 200_001), Some(1_200_231));
    let mut cached = flow(Provider::Anthropic, sonnet, simple(1, 10));
    cached.usage.cache_read = tokens(200_000);
    assert_eq!(priced(&cached), Some(120_231), "what the cache gave is part of the prompt");
    assert_eq!(of(Provider::Anthropic, "claude-opus-5-5", 500_000), Some(2_000_200));
    assert_eq!(of(Provider::OpenAi, "gpt-5.4", 271_999), Some(680_148), "679,997.5 + 150");
    assert_eq!(of(Provider::OpenAi, "gpt-5.4", 272_000), Some(1_360_225));
    assert_eq!(of(Provider::Gemini, "gemini-2.5-pro", 200_001), Some(500_152));
}

#[test]
fn another_tier_has_another_price_and_one_that_nobody_prices_none() {
    let of = |provider, model: &str, tier: &str| {
        let mut flow = flow(provider, model, simple(1_000, 1_000));
        flow.service_tier = Some(tier.to_owned());
        priced(&flow)
    };
    for (tier, micro) in [
        ("standard", Some(24_000)),
        ("batch", Some(12_000)),
        ("standard+us", Some(26_400)),
        ("batch+us", Some(13_200)),
        ("fast", None),
        ("elsewhere", None),
    ] {
        assert_eq!(of(Provider::Anthropic, "claude-opus-5-5", tier), micro, "{tier}");
    }
    assert_eq!(of(Provider::Anthropic, "claude-opus-4-6", "standard+fast"), Some(180_000));
    assert_eq!(of(Provider::OpenAi, "gpt-5.4", "default"), Some(17_500));
    assert_eq!(of(Provider::OpenAi, "gpt-5.4", "flex"), Some(8_750));
    assert_eq!(of(Provider::OpenAi, "gpt-5.4", "priority"), Some(35_000));
    assert_eq!(of(Provider::Azure, "gpt-5.4", "default"), Some(17_500));
    assert_eq!(of(Provider::Gemini, "gemini-2.5-pro", "on_demand"), Some(11_250));
    assert_eq!(of(Provider::Gemini, "gemini-2.5-pro", "provisioned_throughput"), None);
}

#[test]
fn bedrock_and_vertex_have_the_makers_prices_and_regions_cost_a_tenth_more() {
    let asked = |model: &str, answered: Option<&str>| {
        let mut flow = flow(Provider::Bedrock, "", simple(1_000, 1_000));
        flow.model_requested = Some(model.to_owned());
        flow.model = answered.map(str::to_owned);
        priced(&flow)
    };
    let profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123";
    for (model, micro) in [
        ("anthropic.claude-opus-5-5-v1:0", Some(26_400)),
        ("us.anthropic.claude-opus-5-5-v1:0", Some(26_400)),
        ("global.anthropic.claude-opus-5-5-v1:0", Some(24_000)),
        ("eu.anthropic.claude-sonnet-4-20250514-v1:0", Some(18_000)),
        ("us.amazon.nova-pro-v1:0", Some(4_000)),
        ("meta.llama3-3-70b-instruct-v1:0", Some(1_440)),
        ("openai.gpt-5.4", Some(19_250)),
        (profile, None),
    ] {
        assert_eq!(asked(model, None), micro, "{model}");
    }
    assert_eq!(asked(profile, Some("claude-opus-5-5")), Some(26_400));
    let at_vertex = |place: &str| {
        let mut flow = flow(Provider::Vertex, "claude-opus-5-5@20260924", simple(1_000, 1_000));
        flow.path = format!(
            "/v1/projects/p/locations/{place}/publishers/anthropic/models/claude-opus-5-5@20260924:rawPredict"
        );
        priced(&flow)
    };
    assert_eq!((at_vertex("global"), at_vertex("us-east5")), (Some(24_000), Some(26_400)));
}

#[test]
fn usage_keeps_the_price_of_its_day() {
    let on = |day: &str, model: &str| {
        let mut flow = flow(Provider::OpenAi, model, simple(1_000, 1_000));
        flow.started_at = at(day);
        priced(&flow)
    };
    assert_eq!(on("2026-08-20T23:59:59Z", "gpt-5.6-sol"), Some(35_000));
    assert_eq!(on("2026-08-21T00:00:00Z", "gpt-5.6-sol"), Some(24_000));
    assert_eq!(on("2025-06-09T23:00:00Z", "o3"), Some(50_000));
    assert_eq!(on("2025-06-10T01:00:00Z", "o3"), Some(10_000));
    let peak = |hour: &str| {
        let mut flow = flow(Provider::DeepSeek, "deepseek-v4-flash", simple(1_000, 1_000));
        flow.started_at = at(hour);
        priced(&flow)
    };
    assert_eq!(peak("2026-11-20T02:00:00Z"), Some(1_760));
    assert_eq!(peak("2026-11-20T05:00:00Z"), Some(880));
}

#[test]
fn what_is_not_known_is_unpriced_and_never_nothing() {
    let of = |provider, model: &str| priced(&flow(provider, model, simple(1_000, 1_000)));
    assert_eq!(of(Provider::Anthropic, "claude-unheard-of"), None);
    assert_eq!(of(Provider::OpenAi, "claude-opus-5-5"), None, "another's model");
    assert_eq!(of(Provider::OpenRouter, "anthropic/claude-opus-5.5"), None);
    assert_eq!(of(Provider::Ollama, "llama3"), None);
    assert_eq!(priced(&flow(Provider::Anthropic, "claude-opus-5-5", Usage::default())), None);
    let zero = flow(Provider::Anthropic, "claude-opus-5-5", simple(0, 0));
    assert_eq!(priced(&zero), Some(0), "it was told that nothing was used");
    let mut nobodys = flow(Provider::Anthropic, "claude-opus-5-5", simple(1, 1));
    nobodys.provider = None;
    assert_eq!(priced(&nobodys), None);
}

#[test]
fn what_broke_off_is_estimated_from_what_is_known() {
    let mut pricer = Pricer::new(PriceBook::vendored());
    let mut broken = flow(Provider::Anthropic, "claude-opus-5-5", simple(1_000, 0));
    (broken.usage.output, broken.outcome) = (None, Some(Outcome::UpstreamGone));
    pricer.price(&mut broken);
    assert_eq!(
        (broken.cost, broken.cost_source.as_deref()),
        (Some(MicroUsd(4_000)), Some("estimated"))
    );
    let mut whole = flow(Provider::Anthropic, "claude-opus-5-5", simple(1_000, 7));
    pricer.price(&mut whole);
    assert_eq!((whole.cost, whole.cost_source.as_deref()), (Some(MicroUsd(4_140)), Some("priced")));
    assert_eq!(whole.cost_shares().unwrap().map(|it| it.0), [4_000, 0, 0, 0, 140, 0, 0]);
    let mut vectors = flow(Provider::OpenAi, "text-embedding-3-large", simple(1_000, 0));
    vectors.usage.output = None;
    pricer.price(&mut vectors);
    assert_eq!(
        (vectors.cost, vectors.cost_source.as_deref()),
        (Some(MicroUsd(130)), Some("priced"))
    );
    let mut told = flow(Provider::OpenRouter, "x", simple(1, 1));
    (told.cost, told.cost_source) = (Some(MicroUsd(5)), Some("reported".to_owned()));
    pricer.price(&mut told);
    assert_eq!((told.cost, told.terms), (Some(MicroUsd(5)), None));
}

#[test]
fn the_users_own_price_goes_before_the_books_from_its_day_on() {
    let rates = |text: &str| Rates::parse(text).unwrap();
    let own = |pattern: &str, provider, from, text: &str| {
        PriceOverride::new(pattern, provider, from, rates(text)).unwrap()
    };
    let book = PriceBook::vendored().with(vec![
        own("^claude-opus-5-5", None, None, "1 - - - - - -"),
        own("opus", None, Some("2026-11-15"), "2 - - - 3 - -"),
        own("^my-", Some(Provider::Compatible), None, "0.5 - - - 1 - -"),
    ]);
    assert_eq!(book.version(), "2026-11-21+");
    let mut pricer = Pricer::new(Arc::new(book));
    let mut of = |provider, model: &str, day: &str, usage| {
        let mut flow = flow(provider, model, usage);
        flow.started_at = at(day);
        pricer.quote(&flow).map(|quote| quote.cost.0)
    };
    let opus = "claude-opus-5-5";
    let mut both = |day| of(Provider::Anthropic, opus, day, simple(1_000, 1_000));
    assert_eq!(both("2026-11-14T23:00:00Z"), Some(21_000), "its output keeps the book's");
    assert_eq!(both("2026-11-15T00:00:00Z"), Some(5_000), "mid-month the later one begins");
    let cached = Usage { cache_read: tokens(100), ..simple(1_000, 1_000) };
    let day = "2026-11-21T00:00:00Z";
    assert_eq!(of(Provider::Compatible, "my-model", day, cached), Some(1_500), "cached is input");
    assert_eq!(of(Provider::Ollama, "my-model", day, cached), None);
    let mut other = flow(Provider::Anthropic, "claude-sonnet-5", simple(1, 1));
    pricer.price(&mut other);
    assert_eq!(other.terms.unwrap().book, "2026-11-21", "nothing of the user's own is in it");
    assert!(PriceOverride::new("(", None, None, Rates::default()).is_err());
    assert!(PriceOverride::new("x", None, Some("soon"), Rates::default()).is_err());
}

#[test]
fn a_way_to_be_served_that_the_book_has_no_price_for_costs_what_the_user_says_and_else_nothing_is_known()
 {
    let with = |own: &str| {
        let rates = Rates::parse(own).unwrap();
        let own = PriceOverride::new("opus", None, None, rates).unwrap();
        let book = Arc::new(PriceBook::vendored().with(vec![own]));
        let mut usage = simple(1_000, 1_000);
        usage.cache_read = tokens(1_000);
        let mut flow = flow(Provider::Anthropic, "claude-opus-5-5", usage);
        flow.service_tier = Some("fast".to_owned());
        Pricer::new(book).price(&mut flow);
        flow.cost.map(|cost| cost.0)
    };
    assert_eq!(with("6 - - - 30 - -"), Some(42_000), "the cache's tokens are input");
    assert_eq!(with("6 0.6 - - 30 - -"), Some(36_600));
    assert_eq!(with("- - - - 30 - -"), None, "what input costs there nobody says");
}

#[test]
fn a_damaged_book_is_refused_with_what_is_wrong() {
    let book = |models: &str| {
        let json = format!(
            r#"{{"book": "2026-01-01", "currency": "USD", "unit": "", "sources": [],
                "providers": [{{"provider": "openai", "source": "", "models": [{models}]}}]}}"#
        );
        PriceBook::parse(&json).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(book(r#"{"names": ["a"], "prices": [{"input": 1}]}"#), Ok(()));
    for (models, said) in [
        (r#"{"names": ["a", "a"], "prices": [{"input": 1}]}"#, "`a` stands twice"),
        (r#"{"names": ["a"], "prices": []}"#, "no name, or no price"),
        (r#"{"names": ["a"], "prices": [{"input": 1}, {"input": 2}]}"#, "order of their days"),
        (r#"{"names": ["a"], "prices": [{"input": "1"}]}"#, "`input` is \"1\""),
        (r#"{"names": ["a"], "price": []}"#, "unknown field"),
    ] {
        let error = book(models).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
