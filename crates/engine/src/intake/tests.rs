//! The intake's own tests: what is taken, refused, marked and given back.

use bytes::Bytes;
use langley_model::{
    Chunk, ConnectionId, Control, Ending, HeaderBlock, HttpVersion, Micros, Mode, Tick,
};
use proptest::prelude::*;

use super::*;

pub(crate) fn opened(flow: FlowId) -> Box<Opened> {
    Box::new(Opened {
        flow,
        connection: ConnectionId::new(),
        started_at: Micros(0),
        at: Tick(0),
        mode: Mode::Forward,
        scheme: "https",
        host: "api.example".into(),
        port: 443,
        upstream: None,
        method: "POST".into(),
        protocol: None,
        target: "/v1/messages".into(),
        version_in: HttpVersion::Http11,
        version_out: HttpVersion::Http11,
        client_addr: "127.0.0.1:1".into(),
        headers: HeaderBlock::new(),
        control: Control::default(),
        setup: None,
        ja4_in: None,
        ja4_out: None,
        tls_note: None,
        interest: Arc::default(),
    })
}

pub(crate) fn closed(flow: FlowId) -> Box<Closed> {
    Box::new(Closed {
        flow,
        at: Tick(1),
        ended_at: Micros(1),
        ending: Ending::Whole,
        reason: None,
        code: None,
        broke: None,
        left: None,
        request_bytes: 0,
        response_bytes: 0,
        request_gap: Gap::default(),
        response_gap: Gap::default(),
        request_tail: None,
        response_tail: None,
        status: None,
    })
}

fn piece(flow: FlowId, bytes: usize) -> Capture {
    let part = Part::Data(Bytes::from(vec![b'x'; bytes]));
    Capture::Response(Chunk { flow, at: Tick(0), part })
}

fn drain(intake: &Intake) -> Vec<Entry> {
    let mut entries = VecDeque::new();
    intake.take(0, &mut entries, true, Some(Duration::ZERO));
    entries.into()
}

fn small(max_items: usize, max_bytes: usize, max_open_flows: usize) -> Arc<Intake> {
    Intake::new(IntakeOptions { max_items, max_bytes, max_open_flows, lanes: 1 })
}

fn release(intake: &Intake, items: usize, bytes: usize, endings: usize) {
    let shares = if items == 1 { share(bytes) } else { bytes + items * PIECE_COST };
    intake.release(Released { items, shares, bytes, endings });
}

#[test]
fn small_pieces_have_the_room_in_bytes_that_large_ones_have() {
    let fitting = |size: usize| {
        let intake = small(100, 100 * WHOLE_PIECE, 8);
        let flow = FlowId::new();
        (0..100_000).take_while(|_| intake.offer(piece(flow, size))).count()
    };
    assert_eq!(fitting(WHOLE_PIECE), 100);
    assert_eq!(fitting(WHOLE_PIECE / 2 - PIECE_COST), 200);
    assert_eq!(fitting(0), 100 * WHOLE_PIECE / PIECE_COST);
    assert_eq!(fitting(10 * WHOLE_PIECE), 10);
}

#[test]
fn a_full_queue_refuses_pieces_but_takes_the_ending() {
    let intake = small(1, 100_000, 8);
    let flow = FlowId::new();
    assert!(intake.open(opened(flow)));
    assert!(intake.offer(piece(flow, 3_000)));
    assert!(intake.offer(piece(flow, 2_900)));
    assert!(!intake.offer(piece(flow, 10)));
    assert!(!intake.offer(piece(flow, 11)));
    CaptureSink::close(&*intake, closed(flow));
    let entries = drain(&intake);
    assert_eq!(entries.len(), 5);
    assert!(matches!(
        entries[3],
        Entry::Gap(of, Direction::Response, Gap { chunks: 2, bytes: 21 }) if of == flow
    ));
    assert!(matches!(&entries[4], Entry::Capture(Capture::Closed(_))));
    let stats = intake.stats();
    assert_eq!((stats.gaps_total, stats.gap_bytes_total, stats.open_flows), (2, 21, 0));
    assert_eq!(stats.high_water_items, 4);
}

#[test]
fn a_gap_is_marked_before_the_next_piece_that_was_taken() {
    let intake = small(100, 30, 8);
    let flow = FlowId::new();
    assert!(intake.open(opened(flow)));
    let before = drain(&intake).len();
    release(&intake, before, opened(flow).target.len(), 0);
    assert!(intake.offer(piece(flow, 20)));
    assert!(!intake.offer(piece(flow, 20)));
    assert!(intake.offer(piece(flow, 10)));
    let entries = drain(&intake);
    assert!(matches!(entries[0], Entry::Capture(Capture::Response(_))));
    assert!(matches!(entries[1], Entry::Gap(..)));
    assert!(matches!(entries[2], Entry::Capture(Capture::Response(_))));
}

#[test]
fn room_comes_back_only_when_the_recorder_has_worked_it_off() {
    let intake = small(10, 25, 8);
    let flow = FlowId::new();
    assert!(intake.offer(piece(flow, 20)));
    let _entries = drain(&intake);
    assert!(!intake.offer(piece(flow, 20)), "taken out, but still in memory");
    release(&intake, 1, 20, 0);
    assert!(intake.offer(piece(flow, 20)));
}

#[test]
fn a_slot_is_free_again_only_after_its_ending_was_worked_off() {
    let intake = small(10, 1_000, 1);
    let flow = FlowId::new();
    assert!(intake.open(opened(flow)));
    assert!(!intake.open(opened(FlowId::new())));
    CaptureSink::close(&*intake, closed(flow));
    assert!(!intake.open(opened(FlowId::new())));
    assert_eq!(intake.stats().flows_refused, 2);
    release(&intake, 2, 0, 1);
    assert!(intake.open(opened(FlowId::new())));
}

#[test]
fn a_flow_that_finds_no_room_or_comes_too_late_is_not_one_too_many() {
    let intake = small(10, 8, 8);
    let flow = FlowId::new();
    assert!(intake.offer(piece(flow, 8)));
    assert!(!intake.open(opened(flow)), "its opening has more bytes than are left");
    let _entries = drain(&intake);
    release(&intake, 1, 8, 0);
    intake.close();
    assert!(!intake.open(opened(flow)));
    let figures = intake.stats();
    assert_eq!((figures.flows_refused, figures.flows_without_room), (0, 2));
}

#[test]
fn a_flow_is_opened_even_when_pieces_are_refused() {
    let intake = small(1, 100_000, 8);
    let first = FlowId::new();
    assert!(intake.open(opened(first)));
    assert!(!intake.offer(piece(first, WHOLE_PIECE)));
    assert!(intake.open(opened(FlowId::new())));
}

#[test]
fn after_close_only_endings_come_in() {
    let intake = small(10, 1_000, 8);
    let flow = FlowId::new();
    assert!(intake.open(opened(flow)));
    Intake::close(&intake);
    assert!(!intake.open(opened(FlowId::new())));
    assert!(!intake.offer(piece(flow, 1)));
    CaptureSink::close(&*intake, closed(flow));
    assert_eq!(drain(&intake).len(), 2);
    intake.shut(0);
    CaptureSink::close(&*intake, closed(flow));
    assert_eq!(drain(&intake).len(), 0);
}

#[test]
fn a_queue_that_fills_up_says_so_once_until_it_was_half_empty() {
    let intake = small(10_000, 10_000, 8);
    let flow = FlowId::new();
    assert!(intake.open(opened(flow)));
    let offer = |bytes| {
        while intake.stats().bytes < bytes {
            assert!(intake.offer(piece(flow, 100)));
        }
        let stats = intake.stats();
        (stats.strain, stats.strains_total)
    };
    assert_eq!(offer(7_000), (Strain::Calm, 0));
    assert_eq!(offer(8_500), (Strain::High, 1));
    assert_eq!(offer(9_600), (Strain::Full, 1));
    release(&intake, 1, 3_000, 0);
    assert_eq!(offer(8_500), (Strain::High, 1), "it was never half empty");
    release(&intake, 1, 4_500, 0);
    assert_eq!(intake.stats().strain, Strain::Calm);
    assert_eq!(offer(8_500), (Strain::High, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn concurrent_senders_are_accounted_exactly(
        max_items in 1_usize..20,
        max_bytes in 400_usize..4_000, // an eighth has room for every opening
        senders in 1_usize..5,
        sizes in proptest::collection::vec(0_usize..300, 1..120),
    ) {
        let intake = small(max_items, max_bytes, 64);
        let flows: Vec<FlowId> = (0..senders).map(|_| FlowId::new()).collect();
        let (mut taken, mut gaps, mut gap_bytes, mut ends) = (0_u64, 0_u64, 0_u64, 0);
        let refused: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = flows
                .iter()
                .map(|&flow| {
                    let (intake, sizes) = (&intake, &sizes);
                    scope.spawn(move || {
                        assert!(intake.open(opened(flow)));
                        let refused =
                            sizes.iter().filter(|&&size| !intake.offer(piece(flow, size))).count();
                        CaptureSink::close(&**intake, closed(flow));
                        refused as u64
                    })
                })
                .collect();
            let mut entries = VecDeque::new();
            while ends < senders {
                intake.take(0, &mut entries, false, Some(Duration::from_millis(5)));
                for entry in entries.drain(..) {
                    match entry {
                        Entry::Gap(_, _, gap) => {
                            gaps += gap.chunks;
                            gap_bytes += gap.bytes;
                        }
                        Entry::Capture(capture) => {
                            let ended = matches!(capture, Capture::Closed(_));
                            ends += usize::from(ended);
                            taken += u64::from(matches!(capture, Capture::Response(_)));
                            release(&intake, 1, capture.weight(), usize::from(ended));
                        }
                    }
                }
            }
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let stats = intake.stats();
        prop_assert_eq!(taken + refused, (senders * sizes.len()) as u64);
        prop_assert_eq!(gaps, refused);
        prop_assert_eq!(stats.gaps_total, refused);
        prop_assert_eq!(stats.gap_bytes_total, gap_bytes);
        prop_assert_eq!((stats.items, stats.bytes, stats.open_flows), (0, 0, 0));
        prop_assert!(stats.high_water_items <= max_items * WHOLE_PIECE / PIECE_COST + 2 * senders);
    }
}
