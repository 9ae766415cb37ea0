//! The phases of a flow as HTTP Archive 1.2 counts them: in milliseconds, −1 for what does not apply, the
//! greeting a part of connecting, and all of them together the whole time from the request's head to its
//! end. A connection that was there before the request is no phase of it.

use std::time::Duration;

use langley_model::{Flow, Mode};
use serde_json::{Value, json};

/// What stands for a phase that the request did not have.
const ABSENT: f64 = -1.0;

/// Where a flow's time went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timings {
    connect: Option<Duration>,
    ssl: Option<Duration>,
    wait: Duration,
    receive: Duration,
}

impl Timings {
    pub(super) fn of(flow: &Flow) -> Self {
        let whole = flow.duration.unwrap_or_default();
        // Without an answer all of the time was spent waiting for it.
        let first = flow.ttfb.unwrap_or(whole).min(whole);
        let ssl = flow.tls_handshake();
        let connect = flow.connect.map(|connect| connect + ssl.unwrap_or_default());
        // What took longer than until the answer began was not waited for by this request.
        let connect = connect.filter(|connect| !is_behind_connect(flow) && *connect <= first);
        Self {
            connect,
            ssl: ssl.filter(|_| connect.is_some()),
            wait: first - connect.unwrap_or_default(),
            receive: whole - first,
        }
    }

    /// The sum of all phases.
    pub(super) fn total(&self) -> f64 {
        ms(self.connect.unwrap_or_default() + self.wait + self.receive)
    }

    pub(super) fn json(&self) -> Value {
        let phase = |time: Option<Duration>| time.map_or(ABSENT, ms);
        json!({
            "blocked": ABSENT, "dns": ABSENT, "connect": phase(self.connect), "ssl": phase(self.ssl),
            "send": 0, "wait": ms(self.wait), "receive": ms(self.receive),
        })
    }
}

/// Whether the provider's connection was made for a CONNECT, before the request came.
fn is_behind_connect(flow: &Flow) -> bool {
    flow.mode == Mode::Forward && flow.scheme == "https"
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Micros};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn flow(mode: Mode, scheme: &str) -> Flow {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        flow.mode = mode;
        flow.scheme = scheme.to_owned();
        flow
    }

    fn millis(time: u64) -> Option<Duration> {
        Some(Duration::from_millis(time))
    }

    /// `connect`, `ssl`, `wait`, `receive` of an exchange of 100 ms that was answered after 40, where
    /// connecting took 20 and the greeting 10.
    fn phases(mode: Mode, scheme: &str) -> [f64; 4] {
        let mut flow = flow(mode, scheme);
        (flow.connect, flow.tls) = (millis(20), millis(10));
        (flow.ttfb, flow.duration) = (millis(40), millis(100));
        told(&Timings::of(&flow))
    }

    fn told(timings: &Timings) -> [f64; 4] {
        let json = timings.json();
        ["connect", "ssl", "wait", "receive"].map(|phase| json[phase].as_f64().expect("a number"))
    }

    #[test]
    fn a_connection_made_before_the_request_is_no_phase_of_it_and_any_other_is() {
        assert_eq!(phases(Mode::Forward, "https"), [-1.0, -1.0, 40.0, 60.0]);
        assert_eq!(phases(Mode::Reverse, "https"), [30.0, 10.0, 10.0, 60.0]);
        assert_eq!(phases(Mode::Reverse, "http"), [20.0, -1.0, 20.0, 60.0]);
        assert_eq!(phases(Mode::Forward, "http"), [20.0, -1.0, 20.0, 60.0]);
    }

    #[test]
    fn a_request_that_fails_spends_its_time_in_the_phase_in_which_it_fails() {
        let mut flow = flow(Mode::Reverse, "https");
        assert_eq!(told(&Timings::of(&flow)), [-1.0, -1.0, 0.0, 0.0], "still open");
        flow.duration = millis(30);
        assert_eq!(told(&Timings::of(&flow)), [-1.0, -1.0, 30.0, 0.0], "while connecting");
        (flow.connect, flow.tls) = (millis(20), millis(5));
        assert_eq!(told(&Timings::of(&flow)), [25.0, 5.0, 5.0, 0.0], "before an answer");
        flow.ttfb = millis(28);
        assert_eq!(told(&Timings::of(&flow)), [25.0, 5.0, 3.0, 2.0], "within the answer");
        flow.connect = millis(200);
        assert_eq!(told(&Timings::of(&flow)), [-1.0, -1.0, 28.0, 2.0], "connected long before");
    }

    proptest! {
        #[test]
        fn phases_add_up_to_the_whole_time_and_none_is_negative(
            is_forward: bool,
            is_https: bool,
            times in [(); 4].map(|()| option::of(0_u64..90_000_000_000)),
        ) {
            let mode = if is_forward { Mode::Forward } else { Mode::Reverse };
            let mut flow = flow(mode, if is_https { "https" } else { "http" });
            [flow.connect, flow.tls, flow.ttfb, flow.duration] =
                times.map(|time| time.map(Duration::from_nanos));
            let timings = Timings::of(&flow);
            let [connect, ssl, wait, receive] = told(&timings);
            let whole = flow.duration.map_or(0.0, ms);
            prop_assert!((timings.total() - whole).abs() < 1e-6);
            prop_assert!((connect.max(0.0) + wait + receive - whole).abs() < 1e-6);
            prop_assert!(wait >= 0.0 && receive >= 0.0, "{timings:?}");
            for phase in [connect, ssl] {
                prop_assert!(phase >= 0.0 || (phase - ABSENT).abs() < f64::EPSILON, "{timings:?}");
            }
            prop_assert!(ssl <= connect.max(ABSENT), "{timings:?}");
            prop_assert!(connect < 0.0 || !(is_forward && is_https), "{timings:?}");
            prop_assert!(ssl < 0.0 || is_https, "{timings:?}");
        }
    }
}
