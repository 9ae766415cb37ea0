//! Why an exchange was broken off, and how far it had come, in a sentence.

use langley_model::{Break, Ending, Flow, Outcome};

use crate::outcome::Answer;

/// Tells an ended flow what broke it off, unless something better is known.
pub(crate) fn tell(flow: &mut Flow, answer: Answer, is_switched: bool, how: Option<&Break>) {
    let Some(how) = how else { return };
    let Some(said) = sentence(flow, answer, is_switched, how) else { return };
    flow.reason.get_or_insert(said);
    // What the provider said of an error before is worth more than a word of ours.
    if flow.outcome == Some(Outcome::UpstreamGone) && flow.error_message.is_none() {
        flow.error_kind.get_or_insert_with(|| how.code().to_owned());
    }
}

/// The sentence on a flow that `how` has ended; none where nobody is to blame.
fn sentence(flow: &Flow, answer: Answer, is_switched: bool, how: &Break) -> Option<String> {
    let (who, is_agents) = match flow.outcome? {
        Outcome::UpstreamGone => ("the provider", false),
        Outcome::ClientGone => ("the agent", true),
        Outcome::Completed
        | Outcome::ProviderError
        | Outcome::TimedOut
        | Outcome::Refused
        | Outcome::Lost => return None,
    };
    let done = how.told_of(who);
    Some(match (flow.status, flow.event_count, flow.response_bytes) {
        (None, ..) if is_agents => format!("{done} before the answer began"),
        (None, ..) => format!("{done} before it answered"),
        _ if is_switched => format!("{done} while the WebSocket was open"),
        _ if answer == Answer::Whole => format!("{done} after the answer's last event"),
        (Some(_), 0, 0) => format!("{done} after the head of the answer"),
        (Some(_), 0, bytes) => format!("{done} after {bytes} bytes of the answer"),
        (Some(_), 1, _) => format!("{done} after one event, in the middle of the answer"),
        (Some(_), events, _) => {
            format!("{done} after {events} events, in the middle of the answer")
        }
    })
}

/// What lacks at the end of an answer that is whole all the same.
pub(crate) fn unsaid(ending: Ending, how: Option<&Break>) -> Option<&'static str> {
    (ending == Ending::Whole && how == Some(&Break::Unannounced)).then_some(
        "the answer's end was the connection's, which was closed without TLS's goodbye (close_notify): \
         whether it was whole cannot be known",
    )
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Micros};

    use super::*;

    fn flow(outcome: Outcome, status: Option<u16>, events: u64, bytes: u64) -> Flow {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        flow.outcome = Some(outcome);
        (flow.status, flow.event_count, flow.response_bytes) = (status, events, bytes);
        flow
    }

    fn told(flow: &Flow, answer: Answer, how: &Break) -> String {
        sentence(flow, answer, false, how).unwrap()
    }

    #[test]
    fn who_did_what_and_how_far_the_answer_was_is_told() {
        use Outcome::{ClientGone, UpstreamGone};
        let open = Answer::Open;
        assert_eq!(
            told(&flow(UpstreamGone, Some(200), 12, 900), open, &Break::Closed),
            "the provider closed the connection after 12 events, in the middle of the answer"
        );
        assert_eq!(
            told(&flow(UpstreamGone, Some(200), 1, 90), open, &Break::Reset),
            "the provider reset the connection after one event, in the middle of the answer"
        );
        assert_eq!(
            told(&flow(UpstreamGone, None, 0, 0), open, &Break::GivenUp("NO_ERROR".into())),
            "the provider gave the connection up (HTTP/2 GOAWAY, NO_ERROR) before it answered"
        );
        assert_eq!(
            told(&flow(UpstreamGone, Some(200), 0, 70), open, &Break::Unannounced),
            "the provider closed the connection without TLS's goodbye (close_notify) after 70 bytes \
             of the answer"
        );
        let reset = Break::StreamReset("INTERNAL_ERROR".into());
        assert_eq!(
            told(&flow(UpstreamGone, Some(200), 9, 70), Answer::Whole, &reset),
            "the provider reset the stream (HTTP/2 INTERNAL_ERROR) after the answer's last event"
        );
        assert_eq!(
            told(&flow(ClientGone, None, 0, 0), open, &Break::Gone),
            "the agent went away before the answer began"
        );
        assert_eq!(
            sentence(&flow(ClientGone, Some(101), 4, 0), open, true, &Break::Reset).unwrap(),
            "the agent reset the connection while the WebSocket was open"
        );
        let completed = flow(Outcome::Completed, Some(200), 9, 70);
        assert_eq!(sentence(&completed, Answer::Whole, false, &Break::Gone), None);
    }
}
