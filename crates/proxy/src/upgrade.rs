//! After a switch of protocols: raw copying in both directions, with the tap beside it.
//!
//! The switch is a 101 on HTTP/1.1 and the answer to an extended CONNECT on HTTP/2 (RFC 8441). A side
//! that ends its direction ends the same direction on the other side, and nothing else. A side that
//! breaks off, by a reset or without TLS's goodbye, breaks off the other side at once, also when it had
//! ended its direction before.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use langley_model::{Break, Side, Tick};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::broken::{break_of, of_io};
use crate::streams::Outlet;
use crate::switched::{Half, Switched};
use crate::tap::FlowTap;
use crate::tied::Running;

/// Room for one read of either direction.
const READ_SIZE: usize = 16 * 1024;

/// A side that is about to switch.
pub(crate) struct Switching {
    on_upgrade: OnUpgrade,
    /// What sends, where the side is one stream of an HTTP/2 connection.
    outlet: Option<Arc<Outlet>>,
}

impl Switching {
    /// A connection of HTTP/1.1.
    pub(crate) const fn connection(on_upgrade: OnUpgrade) -> Self {
        Self { on_upgrade, outlet: None }
    }

    /// A stream of HTTP/2.
    pub(crate) const fn stream(on_upgrade: OnUpgrade, outlet: Arc<Outlet>) -> Self {
        Self { on_upgrade, outlet: Some(outlet) }
    }
}

/// What the two directions know of each other.
#[derive(Default)]
struct Course {
    /// The side that said first, by its end or its failure, that it has nothing more to say: what breaks
    /// after that breaks because of it.
    left: Mutex<Option<(Side, Break, Tick)>>,
    /// The side that took nothing more.
    deaf: OnceLock<Side>,
    client_closed: OnceLock<()>,
    upstream_closed: OnceLock<()>,
    /// Told when a side has ended its direction, and is not read any more.
    client_ended: Notify,
    upstream_ended: Notify,
}

impl Course {
    /// `side` has nothing more to say, as `how` tells: the first word counts that says more than that it is gone.
    fn leave(&self, side: Side, how: Break) {
        match &mut *self.left.lock() {
            Some((known, unknown @ Break::Gone, _)) if *known == side => *unknown = how,
            Some(_) => {}
            left => *left = Some((side, how, Tick::now())),
        }
    }

    /// Whether the direction towards `side` has ended in order.
    const fn closed(&self, side: Side) -> &OnceLock<()> {
        match side {
            Side::Client => &self.client_closed,
            Side::Upstream => &self.upstream_closed,
        }
    }

    const fn ended(&self, side: Side) -> &Notify {
        match side {
            Side::Client => &self.client_ended,
            Side::Upstream => &self.upstream_ended,
        }
    }

    /// Waits until a side that has ended its direction breaks off.
    async fn breaks(&self, side: Side, switched: &Switched) {
        self.ended(side).notified().await;
        switched.broken().await;
    }
}

/// Copies between the two sides once both have switched, until both have ended or one has broken off. With
/// the provider's connection the agent's breaks off that `running` is an exchange of.
pub(crate) async fn copy_both(
    client: Switching,
    upstream: Switching,
    tap: Arc<FlowTap>,
    running: Option<Running>,
) {
    let (client_io, upstream_io) = match tokio::join!(client.on_upgrade, upstream.on_upgrade) {
        (Ok(client), Ok(upstream)) => (client, upstream),
        (Err(error), _) => return tap.broke(Side::Client, break_of(&error)),
        (Ok(_), Err(error)) => return tap.broke(Side::Upstream, break_of(&error)),
    };
    let (agent, provider) = (Switched::new(client_io), Switched::new(upstream_io));
    let course = Course::default();
    let outlets = (client.outlet.as_deref(), upstream.outlet.as_deref());
    let up = Direction { from: Side::Client, inlet: outlets.0, outlet: outlets.1 };
    let down = Direction { from: Side::Upstream, inlet: outlets.1, outlet: outlets.0 };
    let copied = tokio::select! {
        biased;
        copied = async {
            tokio::try_join!(
                up.copy(agent.half(), provider.half(), &tap, &course),
                down.copy(provider.half(), agent.half(), &tap, &course)
            )
        } => copied.map(drop),
        () = course.breaks(Side::Client, &agent) => Err(Side::Client),
        () = course.breaks(Side::Upstream, &provider) => Err(Side::Upstream),
    };
    let broken = copied.err().or_else(|| course.deaf.get().copied());
    let left = course.left.into_inner();
    if let Some((side, _, at)) = left {
        tap.left(side, at);
    }
    let Some(broken) = broken else {
        tap.end_of(Side::Client);
        tap.end_of(Side::Upstream);
        drop(tap);
        if let (Some(_running), Some(outlet)) = (running, client.outlet) {
            // It runs until its end is on its way.
            outlet.over().await;
        }
        return;
    };
    let left = left.map(|(side, how, _)| (side, how));
    // An agent whose connection is cut has not left.
    let cut = running.as_ref().and_then(Running::ending).map(|how| (Side::Upstream, how));
    let (side, how) = cut.or(left).unwrap_or((broken, Break::Gone));
    agent.break_off(&how);
    provider.break_off(&how);
    tap.broke(side, how.clone());
    drop(tap);
    if let (Side::Upstream, Some(running), Some(outlet)) = (side, running, &client.outlet)
        && let Some(_broken) = running.breaks_off(&how, outlet).await
    {
        outlet.over().await;
    }
    // Connections break by being dropped; a stream would be ended in order, so it is cut before.
    for outlet in [client.outlet, upstream.outlet].into_iter().flatten() {
        outlet.cut().await;
    }
}

const fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Upstream,
        Side::Upstream => Side::Client,
    }
}

/// One direction of a switched pair.
struct Direction<'a> {
    from: Side,
    /// What sends to the side that this direction comes from: it learns of that side's reset.
    inlet: Option<&'a Outlet>,
    /// What sends for this direction.
    outlet: Option<&'a Outlet>,
}

impl Direction<'_> {
    /// Copies to the direction's end. What is deaf is read on until it says itself why.
    ///
    /// # Errors
    /// The side that has broken off: nothing that is copied to it can arrive either.
    async fn copy(
        &self,
        mut from: Half<'_>,
        mut to: Half<'_>,
        tap: &FlowTap,
        course: &Course,
    ) -> Result<(), Side> {
        let mut buffer = BytesMut::new();
        let gone = |how| {
            course.leave(self.from, how);
            Err(self.from)
        };
        let deaf = |how| {
            let to = other(self.from);
            course.deaf.get_or_init(|| to);
            course.leave(to, how);
            Ok(())
        };
        loop {
            buffer.reserve(READ_SIZE);
            let read = tokio::select! {
                biased;
                read = from.read_buf(&mut buffer) => read,
                () = reset(self.outlet) => return deaf(Break::Gone),
            };
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return gone(of_io(&error)),
            }
            let data = buffer.split().freeze();
            let written = match to.write_all(&data).await {
                Ok(()) => to.flush().await,
                failed => failed,
            };
            if let Err(error) = written {
                return deaf(of_io(&error));
            }
            tap.frame(self.from, &data);
        }
        // Where we have ended the other direction ourselves, what sends there is over because of that.
        if let Some(inlet) = self.inlet
            && course.closed(self.from).get().is_none()
            && inlet.is_over().await
        {
            return gone(Break::Gone);
        }
        if course.deaf.get() != Some(&self.from) {
            course.leave(self.from, Break::Closed);
        }
        course.closed(other(self.from)).get_or_init(|| ());
        let _already_gone = to.shutdown().await;
        course.ended(self.from).notify_one();
        Ok(())
    }
}

/// Waits until the other side has reset the stream; a connection says so when it is read.
async fn reset(outlet: Option<&Outlet>) {
    match outlet {
        Some(outlet) => outlet.over().await,
        None => std::future::pending().await,
    }
}
