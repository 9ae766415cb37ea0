//! Exchanges are counted, and what they come to decides when their connection is cut.

mod breaking;
mod wire;

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use hyper::rt::Executor as _;
use tokio::sync::oneshot;

use super::*;
use crate::streams::AgentStreams;

/// Whether the connection is cut now.
fn is_cut(cut: &mut Cut, leg: &Leg, is_over: bool) -> bool {
    cut.poll(leg, is_over, &mut Context::from_waker(Waker::noop())).is_ready()
}

fn on(leg: &Arc<Leg>) -> Running {
    Running::on(leg).unwrap()
}

#[test]
fn a_connection_is_cut_when_all_that_run_on_it_have_broken_off() {
    let (leg, mut cut) = (Leg::tied(), Cut::default());
    assert!(!is_cut(&mut cut, &leg, true), "nothing has run");
    let (mut first, mut second, third) = (on(&leg), on(&leg), on(&leg));
    first.breaks();
    first.breaks();
    assert!(!is_cut(&mut cut, &leg, false));
    drop(third);
    assert!(!is_cut(&mut cut, &leg, false));
    second.breaks();
    assert!(is_cut(&mut cut, &leg, false));
    // The agent has given them up itself.
    drop((first, second));
    assert!(leg.tie().unwrap().is_idle());
    assert!(!is_cut(&mut cut, &leg, true));
    assert!(Running::on(&Leg::http2()).is_none(), "its streams end by themselves");
}

#[test]
fn what_was_written_last_leaves_before_a_connection_is_cut() {
    let (leg, mut cut) = (Leg::tied(), Cut::default());
    leg.is_lent(false);
    let (mut broken, other) = (on(&leg), on(&leg));
    broken.breaks();
    drop(other);
    for _ in 0..2 {
        assert!(!is_cut(&mut cut, &leg, true));
        leg.has_left();
    }
    assert!(is_cut(&mut cut, &leg, true));
    // One more, which has come and ended between two looks.
    drop(on(&leg));
    for _ in 0..2 {
        assert!(!is_cut(&mut cut, &leg, true));
        leg.has_left();
    }
    assert!(is_cut(&mut cut, &leg, true));
}

#[tokio::test(start_paused = true)]
async fn those_that_have_something_left_are_waited_for_once_nothing_more_comes() {
    let (leg, mut cut) = (Leg::tied(), Cut::default());
    let (mut broken, _unread) = (on(&leg), on(&leg));
    broken.breaks();
    assert!(!is_cut(&mut cut, &leg, false));
    tokio::time::advance(2 * PATIENCE).await;
    assert!(!is_cut(&mut cut, &leg, false), "the provider is still there");
    assert!(!is_cut(&mut cut, &leg, true));
    tokio::time::advance(PATIENCE - Duration::from_millis(1)).await;
    assert!(!is_cut(&mut cut, &leg, true));
    tokio::time::advance(Duration::from_millis(2)).await;
    assert!(is_cut(&mut cut, &leg, true));
    // Who comes after a break that the agent took back is waited for anew.
    drop(broken);
    assert!(!is_cut(&mut cut, &leg, true));
    on(&leg).breaks();
    let mut broken = on(&leg);
    broken.breaks();
    assert!(!is_cut(&mut cut, &leg, true));
}

#[tokio::test]
async fn who_sends_on_a_switched_stream_has_its_turn_before_that_counts_as_broken_off() {
    let (tell, told) = oneshot::channel();
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    AgentStreams.execute(async move {
        let outlet = AgentStreams::upgrading();
        AgentStreams.execute(poll_fn(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Poll::Pending
        }));
        tell.send(outlet).unwrap();
    });
    let outlet = told.await.unwrap();
    let (leg, mut cut) = (Leg::tied(), Cut::default());
    assert!(on(&leg).breaks_off(&Break::Gone, &outlet).await.is_none(), "the stream alone");
    let before = turns.load(Ordering::SeqCst);
    let _broken = on(&leg).breaks_off(&Break::Unannounced, &outlet).await.unwrap();
    assert!(turns.load(Ordering::SeqCst) > before);
    assert!(is_cut(&mut cut, &leg, true));
    assert_eq!(leg.ending(), Some(Break::Unannounced));
}
