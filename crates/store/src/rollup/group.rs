//! Which flows are added up together.

use langley_model::{Flow, Micros, Provider};

use crate::hours::{DAY_HOURS, HOUR_US, hour_of};

/// Flows that began in the same hour (or day) of UTC and are alike in the rest. Empty stands for unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Group {
    /// Hours, or days, since the epoch.
    pub(super) at: i64,
    pub(super) host: String,
    pub(super) provider: String,
    /// The one that answered, or the one asked for while none has.
    pub(super) model: String,
    pub(super) agent: String,
}

impl Group {
    /// The group of a flow, by hour.
    pub(super) fn of(flow: &Flow) -> Self {
        Self {
            at: hour_of(flow.started_at.0),
            host: flow.host.clone(),
            provider: flow.provider.map_or("", Provider::as_str).to_owned(),
            model: flow.known_model().unwrap_or_default().to_owned(),
            agent: flow.agent.clone().unwrap_or_default(),
        }
    }

    /// Whether it is that of a flow.
    pub(super) fn is_of(&self, flow: &Flow) -> bool {
        self.at == hour_of(flow.started_at.0)
            && self.host == flow.host
            && self.provider == flow.provider.map_or("", Provider::as_str)
            && self.model == flow.known_model().unwrap_or_default()
            && self.agent == flow.agent.as_deref().unwrap_or_default()
    }

    /// When its hour began.
    pub(super) const fn hour(&self) -> Micros {
        Micros(self.at.saturating_mul(HOUR_US))
    }

    /// The same by day.
    pub(super) fn by_day(&self) -> Self {
        Self { at: self.at.div_euclid(DAY_HOURS), ..self.clone() }
    }
}
