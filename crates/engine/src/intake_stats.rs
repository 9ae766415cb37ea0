//! The figures of the intake, for the stats and the health screen.

use langley_model::Strain;

/// The queue's figures, since the start where they are totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeStats {
    /// Entries that wait or are being worked on.
    pub items: usize,
    /// Their payload in bytes.
    pub bytes: usize,
    /// The most entries there ever were.
    pub high_water_items: usize,
    /// The most bytes there ever were.
    pub high_water_bytes: usize,
    /// How full the queue is.
    pub strain: Strain,
    /// Times it became more than 80 % full.
    pub strains_total: u64,
    /// Captures taken.
    pub taken_total: u64,
    /// Pieces refused.
    pub gaps_total: u64,
    /// Body bytes of refused pieces.
    pub gap_bytes_total: u64,
    /// Flows of which nothing was recorded, because too many were open.
    pub flows_refused: u64,
    /// The same, because no bytes of theirs found room, or nothing is taken any more.
    pub flows_without_room: u64,
    /// Tunnel reports refused.
    pub tunnels_refused: u64,
    /// Flows opened and not yet ended.
    pub open_flows: usize,
    /// Times the recorder's thread was woken, by a sender or by its own clock.
    pub wakeups: u64,
}

impl IntakeStats {
    /// Adds a lane's totals; what is counted over all lanes is the caller's.
    pub(crate) fn add(&mut self, lane: &Self) {
        // Each is the highest that one lane's senders have seen of all lanes.
        self.high_water_items = self.high_water_items.max(lane.high_water_items);
        self.high_water_bytes = self.high_water_bytes.max(lane.high_water_bytes);
        self.taken_total += lane.taken_total;
        self.gaps_total += lane.gaps_total;
        self.gap_bytes_total += lane.gap_bytes_total;
        self.flows_refused += lane.flows_refused;
        self.flows_without_room += lane.flows_without_room;
        self.tunnels_refused += lane.tunnels_refused;
        self.open_flows += lane.open_flows;
        self.wakeups += lane.wakeups;
    }
}
