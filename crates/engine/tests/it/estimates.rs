//! Usage that a provider did not tell: estimated from what passed, beside the provider's own numbers and never
//! among them.

use std::sync::Arc;

use langley_engine::{BookPrices, Lookout, PriceBook, PriceOverride, analyse_for, reprice};
use langley_model::{
    CostClass, Ending, EstimateSource, Flow, MicroUsd, Micros, Rate, Rates, Tokens, UsageEstimate,
};
use langley_store::{CostQuery, Measure, RepriceQuery, Tally};

use crate::kit::{Script, start, text, text_start};
use crate::stored::Home;

/// 40 bytes of text in two pieces: ten tokens.
const SAID: [&str; 2] = ["twenty bytes of text", " and as many again.."];

fn of_bytes(input: Option<u64>, output: u64, cost: Option<i64>) -> UsageEstimate {
    UsageEstimate {
        source: EstimateSource::Bytes,
        input: input.map(Tokens),
        output: Some(Tokens(output)),
        cost: cost.map(MicroUsd),
    }
}

fn cut(model: &str) -> Script {
    let begun = start().replace("claude-x", model) + &text_start(0);
    let said = SAID.map(|piece| text(0, piece)).concat();
    Script::messages("{}").sse().data((begun + &said).as_bytes()).ends(Ending::UpstreamGone)
}

/// A chat stream of which usage was not asked for, up to its last words.
fn chat(model: &str) -> Script {
    let body = format!(
        r#"{{"model":"{model}","stream":true,"messages":[{{"role":"user","content":"hello"}}]}}"#
    );
    let deltas = SAID.map(|piece| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{piece}\"}},\"finish_reason\":null}}]}}\n\n"
        )
    });
    let script = Script::post("/v1/chat/completions", &[]).request(body.as_bytes()).request_end();
    let mut script = script.sse().data(deltas.concat().as_bytes());
    script.opened.host = "api.openai.com".into();
    script
}

/// The same, whole.
fn untold() -> Script {
    let stop = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    chat("gpt-5").data(stop.as_bytes()).end()
}

fn played(script: &Script) -> Flow {
    script.play().flow(script.flow).clone()
}

#[test]
fn an_answer_that_was_cut_keeps_what_was_told_and_has_its_output_estimated_beside_it() {
    let flow = played(&cut("claude-opus-5-5"));
    assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(25)), None));
    // 25 × 4 + 7 × 0.2 millionths; ten tokens of output at 20 are beside it.
    assert_eq!((flow.cost, flow.cost_source.as_deref()), (Some(MicroUsd(101)), Some("estimated")));
    assert_eq!(flow.estimate, Some(of_bytes(None, 10, Some(200))));
    let unknown = played(&cut("a-model-of-nobody"));
    assert_eq!((unknown.cost, unknown.estimate), (None, Some(of_bytes(None, 10, None))));
}

#[test]
fn a_stream_that_tells_no_usage_has_none_and_an_estimate_of_all_of_it() {
    let flow = played(&untold());
    assert!(flow.usage.is_empty());
    assert_eq!((flow.cost, flow.cost_source), (None, None));
    // 78 bytes of request are 20 tokens at 1.25 millionths, 40 bytes of answer 10 at 10.
    assert_eq!(flow.estimate, Some(of_bytes(Some(20), 10, Some(125))));
}

#[test]
fn nothing_is_estimated_of_what_was_told_whole_or_said_nothing() {
    let whole = Script::messages("{}").sse().data(crate::kit::answer(&SAID).as_bytes()).end();
    assert_eq!(played(&whole).estimate, None);
    let refused = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let media = [("content-type", "application/json")];
    let refused = Script::messages("{}").head(529, &media).data(refused.as_bytes()).end();
    assert_eq!(played(&refused).estimate, None);
    let counted = Script::post("/v1/messages/count_tokens", &[]).request(b"{}").request_end();
    let counted = counted.head(200, &media).data(br#"{"input_tokens":3}"#).end();
    assert_eq!(played(&counted).estimate, None);
    let silent = Script::messages("{}").sse().data(start().as_bytes()).ends(Ending::UpstreamGone);
    assert_eq!(played(&silent).estimate, None);
}

#[test]
fn a_request_that_names_an_earlier_answer_has_no_input_estimated() {
    let body = r#"{"model":"gpt-5","previous_response_id":"resp_0","input":"go on"}"#;
    let answer = r#"{"id":"resp_1","object":"response","model":"gpt-5","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]}]}"#;
    let script = Script::post("/v1/responses", &[]).request(body.as_bytes()).request_end();
    let media = [("content-type", "application/json")];
    let mut script = script.head(200, &media).data(answer.as_bytes()).end();
    script.opened.host = "api.openai.com".into();
    assert_eq!(played(&script).estimate, Some(of_bytes(None, 1, Some(10))));
}

#[test]
fn estimates_have_sums_of_their_own_and_are_in_no_other() {
    let home = Home::new();
    home.play(&cut("claude-opus-5-5"));
    home.play(&untold());
    let (store, _folder) = home.finish();
    for by in ["model", "host,agent", "project"] {
        let by = by.split(',').map(|word| langley_store::CostBy::parse(word).unwrap()).collect();
        let query = CostQuery { by, groups_max: 10, ..CostQuery::default() };
        let sums = store.costs(&query).unwrap().totals;
        let of = |measure| (sums.figure(measure).sum, sums.figure(measure).flows);
        assert_eq!((sums.tally(Tally::Flows), sums.tally(Tally::Estimated)), (2, 2));
        assert_eq!((of(Measure::Cost), of(Measure::Output)), ((101, 1), (0, 0)));
        assert_eq!(of(Measure::EstimatedInput), (20, 1));
        assert_eq!(of(Measure::EstimatedOutput), (20, 2));
        assert_eq!(of(Measure::EstimatedCost), (325, 2));
    }
}

fn by_tokenizer(input: u64, output: u64, cost: i64) -> UsageEstimate {
    let source = EstimateSource::Tokenizer;
    UsageEstimate { source, ..of_bytes(Some(input), output, Some(cost)) }
}

#[test]
fn what_a_model_of_openais_did_not_tell_is_counted_by_its_tokenizer() {
    let home = Home::new();
    let broken = |model| chat(model).ends(Ending::UpstreamGone);
    let (newer, older, unknown) = (broken("gpt-5"), broken("gpt-4"), broken("a-model-of-nobody"));
    let claude = cut("claude-opus-5-5");
    for script in [&newer, &older, &unknown, &claude] {
        home.play(script);
    }
    let redactor = Arc::clone(&home.redactor);
    let (store, _folder) = home.finish();
    let estimate = |script: &Script| store.flow(script.flow).unwrap().unwrap().estimate;
    assert_eq!(estimate(&newer), Some(of_bytes(Some(20), 10, Some(125))), "at first");
    let prices = Arc::new(BookPrices::new(PriceBook::vendored()));
    analyse_for(&store, &redactor, Micros(1), Lookout { prices, ..Lookout::default() }).unwrap();
    // 12 × 1.25 + 10 × 10 millionths; 12 × 30 + 9 × 60.
    assert_eq!(estimate(&newer), Some(by_tokenizer(12, 10, 115)));
    assert_eq!(estimate(&older), Some(by_tokenizer(12, 9, 900)));
    assert_eq!(estimate(&unknown), Some(of_bytes(Some(23), 10, None)));
    assert_eq!(estimate(&claude), Some(of_bytes(None, 10, Some(200))));
    let of = |measure| {
        let sums = store.costs(&CostQuery::default()).unwrap().totals;
        (sums.figure(measure).sum, sums.figure(measure).flows)
    };
    assert_eq!(of(Measure::EstimatedInput), (12 + 12 + 23, 3));
    assert_eq!(of(Measure::EstimatedOutput), (10 + 9 + 10 + 10, 4));
    assert_eq!(of(Measure::EstimatedCost), (115 + 900 + 200, 3));
    // It follows what is priced anew.
    let mut rates = Rates::default();
    rates.set(CostClass::Output, Rate::per_million("20"));
    let own = PriceOverride::new("gpt-5", None, None, rates).unwrap();
    let book = Arc::new(PriceBook::vendored().with(vec![own]));
    let all = redactor.seal(RepriceQuery::default());
    reprice(&store, &all, &book, false).unwrap();
    assert_eq!(estimate(&newer), Some(by_tokenizer(12, 10, 215)));
}
