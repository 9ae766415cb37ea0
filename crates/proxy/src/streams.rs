//! The tasks of HTTP/2 streams, and the resets that hyper's upgraded streams do not show.
//!
//! hyper reads the reset of an upgraded stream as its end when the code is CANCEL, which is what
//! RFC 8441 §5 makes of a TCP reset, and its own end is always an orderly one. The sending half of an
//! upgraded stream is a task of its own, though, and that task goes through our hands: it can be asked
//! whether the other side has reset the stream, and dropping it instead of letting it end resets the
//! stream with CANCEL.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use http::Request;
use hyper::rt::Executor;
use parking_lot::Mutex;

/// The outlet that the next upgrade will have.
type Next = Mutex<Option<Arc<Outlet>>>;

tokio::task_local! {
    /// In the task of an agent's stream.
    static STREAM: Next;
    /// In the tasks of a provider's connection.
    static ANSWER: Next;
}

/// Runs the streams of an agent's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentStreams;

/// Runs the streams of a provider's connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderStreams(Arc<Next>);

impl<F> Executor<F> for AgentStreams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        // The task of a stream starts another one only for its upgrade.
        match STREAM.try_with(|next| next.lock().take()) {
            Ok(Some(outlet)) => drop(tokio::spawn(outlet.run(future))),
            Ok(None) | Err(_) => drop(tokio::spawn(STREAM.scope(Mutex::default(), future))),
        }
    }
}

impl<F> Executor<F> for ProviderStreams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        // The task that waits for an answer starts another one only for its upgrade.
        match ANSWER.try_with(|next| next.lock().take()) {
            Ok(Some(outlet)) => drop(tokio::spawn(outlet.run(future))),
            Ok(None) => drop(tokio::spawn(future)),
            Err(_) => {
                let next = Mutex::new(self.0.lock().take());
                drop(tokio::spawn(ANSWER.scope(next, future)));
            }
        }
    }
}

impl AgentStreams {
    /// The outlet of this task's stream, which is about to be upgraded.
    pub(crate) fn upgrading() -> Arc<Outlet> {
        let outlet = Arc::<Outlet>::default();
        // Outside of a stream's task there is no upgrade either.
        let _noted = STREAM.try_with(|next| *next.lock() = Some(Arc::clone(&outlet)));
        outlet
    }
}

impl ProviderStreams {
    /// The outlet of the stream that `request` opens, should it be upgraded.
    ///
    /// hyper starts the task that waits for the answer right after it has taken the request apart, and
    /// starts no other one between the two.
    pub(crate) fn upgrading<B>(&self, request: &mut Request<B>) -> Arc<Outlet> {
        let outlet = Arc::<Outlet>::default();
        let taken = Taken { next: Arc::clone(&self.0), outlet: Arc::clone(&outlet) };
        request.extensions_mut().insert(Arc::new(taken));
        outlet
    }
}

/// Goes along with a request, and is dropped when the request is taken apart.
struct Taken {
    next: Arc<Next>,
    outlet: Arc<Outlet>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.next.lock() = Some(Arc::clone(&self.outlet));
    }
}

/// The sending half of an upgraded stream.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    state: Mutex<State>,
    task: AtomicWaker,
    asker: AtomicWaker,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Somebody wants to know whether it is over.
    Asked,
    /// It is to end without an end of the stream.
    Cutting,
    /// It sends nothing more: it was closed or cut here, or the other side has reset the stream.
    Over,
}

/// Why a task sends no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Its stream has ended.
    ByItself,
    /// It is to be cut.
    ByOrder,
}

/// How long what was handed over before a cut has to be sent: beyond it the other side is not reading.
const LAST: Duration = Duration::from_millis(20);

/// Says that the task is no more, however it ended.
struct Sending(Arc<Outlet>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.become_over();
    }
}

impl Outlet {
    fn run<F>(self: Arc<Self>, sending: F) -> impl Future<Output = ()> + Send
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (mut sending, outlet) = (Box::pin(sending), Sending(self));
        async move {
            if poll_fn(|cx| outlet.0.poll(sending.as_mut(), cx)).await == Left::ByOrder {
                // What was handed over may still wait for room, which the connection's task gives.
                let _nothing_more_comes = tokio::time::timeout(LAST, sending.as_mut()).await;
            }
            // The stream first, so that whoever is told finds it reset.
            drop(sending);
            drop(outlet);
        }
    }

    fn poll(
        &self,
        sending: Pin<&mut impl Future<Output = ()>>,
        cx: &mut Context<'_>,
    ) -> Poll<Left> {
        self.task.register(cx.waker());
        if sending.poll(cx).is_ready() {
            return Poll::Ready(Left::ByItself);
        }
        let mut state = self.state.lock();
        match *state {
            State::Open | State::Over => {}
            State::Asked => {
                *state = State::Open;
                self.asker.wake();
            }
            State::Cutting => return Poll::Ready(Left::ByOrder),
        }
        Poll::Pending
    }

    fn become_over(&self) {
        *self.state.lock() = State::Over;
        self.asker.wake();
    }

    /// Whether nothing more can be sent, by what has arrived so far.
    pub(crate) async fn is_over(&self) -> bool {
        self.order(State::Asked);
        self.until(|state| state != State::Asked).await == State::Over
    }

    /// Waits until nothing more can be sent.
    pub(crate) async fn over(&self) {
        self.until(|state| state == State::Over).await;
    }

    /// Ends it without an end of the stream, after what was written so far.
    pub(crate) async fn cut(&self) {
        self.order(State::Cutting);
        self.over().await;
    }

    fn order(&self, order: State) {
        let mut state = self.state.lock();
        if *state == State::Open {
            *state = order;
        }
        drop(state);
        self.task.wake();
    }

    /// One task at a time may wait.
    async fn until(&self, done: impl Fn(State) -> bool) -> State {
        poll_fn(|cx| {
            self.asker.register(cx.waker());
            let state = *self.state.lock();
            if done(state) { Poll::Ready(state) } else { Poll::Pending }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    /// A stream's task that starts `sending` for its upgrade.
    fn upgrade(
        sending: impl Future<Output = ()> + Send + 'static,
    ) -> oneshot::Receiver<Arc<Outlet>> {
        let (tell, told) = oneshot::channel();
        AgentStreams.execute(async move {
            let outlet = AgentStreams::upgrading();
            AgentStreams.execute(sending);
            tell.send(outlet).unwrap();
        });
        told
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_outlet_that_is_asked_has_looked_before_it_answers() {
        for _ in 0..200 {
            let (reset, sending) = oneshot::channel::<()>();
            let outlet = upgrade(async { drop(sending.await) }).await.unwrap();
            assert!(!outlet.is_over().await);
            drop(reset);
            assert!(outlet.is_over().await);
            outlet.over().await;
        }
    }

    #[tokio::test]
    async fn a_cut_drops_what_sends_and_a_second_cut_is_nothing() {
        let (kept, mut dropped) = oneshot::channel::<()>();
        let outlet = upgrade(async move {
            let _kept = kept;
            std::future::pending::<()>().await;
        });
        let outlet = outlet.await.unwrap();
        outlet.cut().await;
        assert_eq!(dropped.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        outlet.cut().await;
    }

    #[tokio::test]
    async fn each_request_of_a_provider_has_its_own_outlet() {
        let streams = ProviderStreams::default();
        let (mut one, mut other) = (Request::new(()), Request::new(()));
        let outlets = (streams.upgrading(&mut one), streams.upgrading(&mut other));
        // The second is sent first, and the first is upgraded first.
        let (go, gone) = oneshot::channel::<()>();
        let inner = streams.clone();
        drop(other);
        streams.execute(async move {
            gone.await.unwrap();
            inner.execute(async {});
        });
        let inner = streams.clone();
        drop(one);
        streams.execute(async move { inner.execute(async {}) });
        let bound = Duration::from_secs(60);
        tokio::time::timeout(bound, outlets.0.over()).await.unwrap();
        assert_eq!(*outlets.1.state.lock(), State::Open);
        go.send(()).unwrap();
        tokio::time::timeout(bound, outlets.1.over()).await.unwrap();
    }
}
