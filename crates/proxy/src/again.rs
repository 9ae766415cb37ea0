//! A waker that takes a task's calls to itself without the runtime.
//!
//! The two connections of an exchange move in one task, so that each often has something to tell the
//! other while the task runs. Told by the task's own waker, the runtime would put the running task at
//! the end of its queue and wake another thread to help with it: several system calls for each piece.
//! Here such a call is a flag, and the task goes round once more.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;

/// Rounds in a row before other tasks of the thread have their turn. The runtime's own budget, which is
/// given anew with each turn, allows about as much.
const ROUNDS: usize = 32;

/// The calls to one task.
#[derive(Default)]
struct Calls {
    called: AtomicBool,
    /// The task is running, and will see that it was called.
    running: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.called.store(true, Ordering::SeqCst);
        if !self.running.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

/// Runs `poll` to its end: again at once when it was called meanwhile, at most [`ROUNDS`] times in a row.
pub(crate) async fn poll_again<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let calls = Arc::new(Calls::default());
    let waker = Waker::from(Arc::clone(&calls));
    poll_fn(move |outer| {
        calls.task.register(outer.waker());
        calls.running.store(true, Ordering::SeqCst);
        let mut inner = Context::from_waker(&waker);
        for _ in 0..ROUNDS {
            calls.called.store(false, Ordering::SeqCst);
            let polled = poll(&mut inner);
            if polled.is_ready() {
                return polled;
            }
            if !calls.called.load(Ordering::SeqCst) || !tokio::task::coop::has_budget_remaining() {
                break;
            }
        }
        calls.running.store(false, Ordering::SeqCst);
        if calls.called.load(Ordering::SeqCst) {
            // Called too often, without budget, or by another thread just now.
            outer.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

/// A future that is polled only when it has called: one that seldom does costs a busy task next to
/// nothing.
pub(crate) struct WhenCalled<F> {
    future: Pin<Box<F>>,
    calls: Arc<Calls>,
    waker: Waker,
}

impl<F: Future> WhenCalled<F> {
    pub(crate) fn new(future: F) -> Self {
        let calls = Arc::new(Calls { called: AtomicBool::new(true), ..Calls::default() });
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&calls)), calls }
    }
}

impl<F: Future> Future for WhenCalled<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        this.calls.task.register(cx.waker());
        if !this.calls.called.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        this.future.as_mut().poll(&mut Context::from_waker(&this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_call_while_it_runs_is_answered_in_the_same_turn() {
        let mut rounds = 0;
        poll_again(|cx| {
            rounds += 1;
            cx.waker().wake_by_ref();
            if rounds < 5 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        assert_eq!(rounds, 5);
    }

    #[tokio::test]
    async fn who_calls_without_end_leaves_room_for_others() {
        let others = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&others);
        let other = tokio::spawn(async move {
            for _ in 0..3 {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        });
        let calling = poll_again(|cx| {
            cx.waker().wake_by_ref();
            if others.load(Ordering::SeqCst) < 3 { Poll::Pending } else { Poll::Ready(()) }
        });
        tokio::time::timeout(Duration::from_secs(60), calling).await.unwrap();
        other.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_call_from_another_thread_is_lost() {
        const CALLS: usize = 20_000;
        let said = Arc::new(AtomicUsize::new(0));
        let waker = Arc::new(AtomicWaker::new());
        let heard = Arc::new(AtomicUsize::new(0));
        let (saying, waking, hearing) = (Arc::clone(&said), Arc::clone(&waker), Arc::clone(&heard));
        let caller = std::thread::spawn(move || {
            for _ in 0..CALLS {
                let told = saying.fetch_add(1, Ordering::SeqCst) + 1;
                waking.wake();
                // The next call must not make up for this one.
                while hearing.load(Ordering::SeqCst) < told {
                    std::hint::spin_loop();
                }
            }
        });
        let listening = poll_again(|cx| {
            waker.register(cx.waker());
            let said = said.load(Ordering::SeqCst);
            heard.store(said, Ordering::SeqCst);
            if said < CALLS { Poll::Pending } else { Poll::Ready(()) }
        });
        tokio::time::timeout(Duration::from_secs(60), listening).await.unwrap();
        caller.join().unwrap();
    }

    #[tokio::test]
    async fn a_future_that_has_not_called_is_not_polled() {
        let polls = AtomicUsize::new(0);
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let mut told = Box::pin(told);
        let counted = poll_fn(|cx| {
            polls.fetch_add(1, Ordering::SeqCst);
            told.as_mut().poll(cx).map(|_| ())
        });
        let mut seldom = WhenCalled::new(counted);
        for _ in 0..10 {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut seldom).poll(cx))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(polls.load(Ordering::SeqCst), 1);
        tell.send(()).unwrap();
        seldom.await;
        assert_eq!(polls.load(Ordering::SeqCst), 2);
    }
}
