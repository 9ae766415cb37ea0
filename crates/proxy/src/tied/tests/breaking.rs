//! What an agent sees whose connection breaks off with the provider's, and in what order.

use h2::Reason;
use langley_model::{Break, Ending};

use super::wire::{ACK, DATA, END_STREAM, Ends, GOAWAY, HEADERS, PING, RST_STREAM, ends};

/// What a stream's first window lets pass (RFC 9113 §6.9.2).
const WINDOW: usize = 65_535;

/// Turns of all others that a break may take.
const TURNS: usize = 10_000;

/// Two streams of which both were asked for, and their answers begun.
async fn begun() -> Ends {
    let mut ends = ends().await;
    for stream in [1, 3] {
        ends.agent.ask(stream).await;
        assert_eq!(ends.provider.until(HEADERS).await.stream, stream);
        ends.provider.begin(stream).await;
    }
    ends
}

impl Ends {
    /// The provider's connection ends, and one exchange has nothing to do any more but to wait for the agent's
    /// to end too.
    async fn breaks(&mut self) {
        self.provider.leave().await;
        // Without a clock, which would stand still meanwhile.
        for _ in 0..TURNS {
            if self.leg.tie().unwrap().has_broken() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("nothing waits for the break");
    }

    /// The provider closed its connection under that flow.
    async fn assert_closed(&self, flow: usize) {
        let flow = self.recording.assert_ending(flow, Ending::UpstreamGone).await;
        assert_eq!(flow.closed.unwrap().broke, Some(Break::Closed));
    }
}

#[tokio::test]
async fn a_whole_answer_comes_to_its_end_before_the_connection_is_cut() {
    let mut ends = begun().await;
    ends.provider.send(3, WINDOW + 20_000, END_STREAM).await;
    ends.agent.take(3, WINDOW).await;
    ends.breaks().await;
    ends.agent.widen(3).await;
    let rest = ends.agent.rest().await;
    assert_eq!((rest.bytes(3), rest.has_ended(3)), (20_000, true));
    assert!(rest.is_wordless(), "{rest:?}");
    ends.assert_closed(0).await;
    ends.recording.assert_ending(1, Ending::Whole).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_does_not_hold_the_break_of_others_back() {
    for is_read_in_time in [true, false] {
        let mut ends = begun().await;
        ends.provider.send(1, WINDOW + 20_000, 0).await;
        ends.provider.send(3, 100, 0).await;
        ends.agent.take(1, WINDOW).await;
        ends.breaks().await;
        if is_read_in_time {
            ends.agent.widen(1).await;
        }
        let rest = ends.agent.rest().await;
        let more = if is_read_in_time { 20_000 } else { 0 };
        assert_eq!((rest.bytes(1), rest.has_ended(1), rest.has_ended(3)), (more, false, false));
        assert!(rest.is_wordless(), "{rest:?}");
        for flow in 0..2 {
            ends.assert_closed(flow).await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_given_up_goes_on_with_what_was_begun_and_refuses_the_rest() {
    let mut ends = ends().await;
    ends.agent.ask(1).await;
    ends.provider.until(HEADERS).await;
    ends.provider.begin(1).await;
    ends.provider.send(1, 100, 0).await;
    ends.agent.take(1, 100).await;
    // NO_ERROR, and no stream behind the first.
    ends.provider.say(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]).await;
    ends.provider.say(PING, 0, 0, &[0; 8]).await;
    while ends.provider.until(PING).await.flags != ACK {}
    ends.agent.ask(3).await;
    let given_up = ends.agent.until(GOAWAY).await;
    assert_eq!(given_up.payload[4..8], [0; 4]);
    let ping = ends.agent.until(PING).await;
    let refused = ends.agent.until(RST_STREAM).await;
    let code = u32::from(Reason::REFUSED_STREAM).to_be_bytes();
    assert_eq!((refused.stream, refused.payload), (3, code.to_vec()));
    let flow = ends.recording.assert_ending(1, Ending::UpstreamGone).await;
    assert_eq!(flow.closed.unwrap().broke, Some(Break::GivenUp("NO_ERROR".into())));
    ends.provider.send(1, 50, END_STREAM).await;
    let last = ends.agent.until(DATA).await;
    assert_eq!((last.stream, last.payload.len(), last.flags), (1, 50, END_STREAM));
    ends.recording.assert_ending(0, Ending::Whole).await;
    ends.agent.say(PING, ACK, 0, &ping.payload).await;
    ends.agent.rest().await;
    assert_eq!(ends.leg.ending(), None, "it has ended in order");
}

#[tokio::test]
async fn a_websocket_breaks_off_with_its_connection_before_its_answer_and_after() {
    for is_answered in [false, true] {
        let mut ends = ends().await;
        ends.agent.ask_to_switch(1).await;
        ends.provider.until(HEADERS).await;
        if is_answered {
            ends.provider.begin(1).await;
            ends.provider.send(1, WINDOW + 1_000, 0).await;
            ends.agent.take(1, WINDOW).await;
            ends.agent.widen(1).await;
            ends.agent.take(1, 1_000).await;
            ends.provider.send(1, 10, 0).await;
        }
        ends.provider.leave().await;
        let rest = ends.agent.rest().await;
        assert_eq!(rest.bytes(1), if is_answered { 10 } else { 0 });
        assert!(rest.is_wordless(), "{rest:?}");
        assert_eq!(ends.leg.ending(), Some(Break::Closed));
        ends.assert_closed(0).await;
    }
}

#[tokio::test]
async fn a_websocket_says_its_last_words_before_another_exchange_cuts_the_connection() {
    let mut ends = ends().await;
    ends.agent.ask(1).await;
    ends.provider.until(HEADERS).await;
    ends.provider.begin(1).await;
    ends.agent.ask_to_switch(3).await;
    ends.provider.until(HEADERS).await;
    ends.provider.begin(3).await;
    // More than hyper takes while the stream's window is full.
    ends.provider.send(3, WINDOW + 100_000, 0).await;
    ends.agent.take(3, WINDOW).await;
    ends.breaks().await;
    ends.agent.widen(3).await;
    let rest = ends.agent.rest().await;
    assert_eq!(rest.bytes(3), 100_000);
    assert!(rest.is_wordless(), "{rest:?}");
    for flow in 0..2 {
        ends.assert_closed(flow).await;
    }
}
