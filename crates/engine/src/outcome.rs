//! From what the sockets saw, the status and what the answer said of itself to the one outcome.

use langley_model::{Ending, Flow, Mode, Outcome, Provider};

/// How far the answer got by its own account, as its dialect reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It did not say that it is whole, or nobody can read it.
    #[default]
    Open,
    /// It said that it is whole.
    Whole,
    /// It ended in an error.
    Failed,
}

/// The outcome of a flow.
///
/// A provider's error counts as one only when the exchange itself completed. An agent that leaves
/// after the answer said it was whole has lost nothing, so that is no `client_gone`; a provider that
/// breaks off even there has broken the framing, so that stays `upstream_gone`.
pub(crate) fn outcome(ending: Ending, status: Option<u16>, answer: Answer) -> Outcome {
    let refused_by_provider = status.is_some_and(|status| status >= 400);
    match (ending, answer) {
        (Ending::Whole | Ending::ClientGone, Answer::Failed) => Outcome::ProviderError,
        (Ending::Whole, Answer::Open | Answer::Whole) | (Ending::ClientGone, Answer::Whole) => {
            if refused_by_provider {
                Outcome::ProviderError
            } else {
                Outcome::Completed
            }
        }
        (Ending::ClientGone, Answer::Open) => Outcome::ClientGone,
        (Ending::UpstreamGone | Ending::Unreached, _) => Outcome::UpstreamGone,
        (Ending::TimedOut, _) => Outcome::TimedOut,
        (Ending::Refused, _) => Outcome::Refused,
        (Ending::Unaccounted, _) => Outcome::Lost,
    }
}

/// What most probably is wrong with an agent's base URL, where its provider does not know the path.
pub(crate) fn mistaken_base_url(flow: &Flow) -> Option<String> {
    if flow.mode != Mode::Reverse || flow.status != Some(404) {
        return None;
    }
    let path = flow.path.split('?').next().unwrap_or_default();
    let (_, hint) = Provider::of_mistaken_path(path)?;
    Some(format!("the provider answered 404: if it does not know the path, {hint}"))
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Micros};

    use super::*;

    #[test]
    fn a_provider_that_does_not_know_a_path_without_its_version_is_told_with_a_hint() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        (flow.mode, flow.status) = (Mode::Reverse, Some(404));
        flow.path = "/chat/completions?x=1".into();
        assert!(mistaken_base_url(&flow).is_some_and(|hint| hint.contains("lacks /v1")));
        flow.status = Some(401);
        assert_eq!(mistaken_base_url(&flow), None, "it knows the path");
        (flow.status, flow.path) = (Some(404), "/v1/chat/completions".into());
        assert_eq!(mistaken_base_url(&flow), None, "the model may be what it does not know");
        (flow.mode, flow.path) = (Mode::Forward, "/responses".into());
        assert_eq!(mistaken_base_url(&flow), None, "there is no base URL of ours");
    }

    #[test]
    fn every_ending_has_its_outcome() {
        use Answer::{Failed, Open, Whole};
        let table = [
            (Ending::Whole, Some(200), Open, Outcome::Completed),
            (Ending::Whole, Some(200), Whole, Outcome::Completed),
            (Ending::Whole, Some(200), Failed, Outcome::ProviderError),
            (Ending::Whole, Some(304), Open, Outcome::Completed),
            (Ending::Whole, Some(399), Open, Outcome::Completed),
            (Ending::Whole, Some(400), Open, Outcome::ProviderError),
            (Ending::Whole, Some(529), Failed, Outcome::ProviderError),
            (Ending::Whole, Some(101), Open, Outcome::Completed),
            (Ending::Whole, None, Open, Outcome::Completed),
            (Ending::ClientGone, Some(200), Open, Outcome::ClientGone),
            (Ending::ClientGone, None, Open, Outcome::ClientGone),
            (Ending::ClientGone, Some(500), Open, Outcome::ClientGone),
            (Ending::ClientGone, Some(200), Whole, Outcome::Completed),
            (Ending::ClientGone, Some(500), Whole, Outcome::ProviderError),
            (Ending::ClientGone, Some(200), Failed, Outcome::ProviderError),
            (Ending::UpstreamGone, Some(200), Open, Outcome::UpstreamGone),
            (Ending::UpstreamGone, Some(200), Whole, Outcome::UpstreamGone),
            (Ending::UpstreamGone, Some(500), Failed, Outcome::UpstreamGone),
            (Ending::Unreached, Some(502), Failed, Outcome::UpstreamGone),
            (Ending::Unreached, None, Open, Outcome::UpstreamGone),
            (Ending::TimedOut, None, Open, Outcome::TimedOut),
            (Ending::TimedOut, Some(200), Whole, Outcome::TimedOut),
            (Ending::Refused, Some(502), Open, Outcome::Refused),
            (Ending::Refused, None, Failed, Outcome::Refused),
            (Ending::Unaccounted, Some(200), Whole, Outcome::Lost),
            (Ending::Unaccounted, Some(500), Open, Outcome::Lost),
            (Ending::Unaccounted, None, Failed, Outcome::Lost),
        ];
        for (ending, status, answer, expected) in table {
            assert_eq!(
                outcome(ending, status, answer),
                expected,
                "{ending:?} {status:?} {answer:?}"
            );
        }
    }
}
