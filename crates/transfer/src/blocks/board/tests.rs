use futures::FutureExt as _;
use headstart_model::Digest;

use super::*;

const IDLE: (f64, f64) = (0.0, 0.0);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn board(offsets: &[u64]) -> Board {
    let wanted = |(offset, tag): (&u64, u64)| WantedBlock {
        offset: *offset,
        bytes: 10,
        digest: Digest::of(b""),
        tag,
    };
    let blocks: Vec<_> = offsets.iter().zip(0..).map(wanted).collect();
    let policy = CoalescePolicy { max_gap_bytes: 0, max_range_bytes: 20 };
    Board::new(&blocks, &coalesce(&blocks, policy), policy)
}

fn tags(board: &Board, ticket: &Ticket) -> Vec<u64> {
    board.lock().running[&ticket.job].blocks.iter().map(|block| block.tag).collect()
}

fn take(board: &Board) -> Ticket {
    board.take(1, at(0)).expect("a range")
}

#[test]
fn a_whole_read_takes_along_what_is_near_and_gives_back_the_rest() {
    let board = board(&[0, 10, 20, 30, 45, 200]);
    let ticket = take(&board);
    assert_eq!(tags(&board, &ticket), [0, 1]);
    board.take_along(ticket.job, 5);
    assert_eq!(tags(&board, &ticket), [0, 1, 2, 3, 4]);
    let first = board.front(ticket.job).expect("a block");
    assert!(board.claim(ticket.job, &first));
    assert!(board.give_back(ticket.job));
    assert_eq!(tags(&board, &ticket), [1, 2]);
    let rest: Vec<_> = (0..3).map(|_| tags(&board, &take(&board))).collect();
    assert_eq!(rest, [vec![3], vec![4], vec![5]]);
    assert!(board.take(1, at(0)).is_none());
}

#[test]
fn what_a_failed_range_gives_back_does_not_go_before_what_is_urgent() {
    let board = board(&[0, 10, 20, 30, 100, 200]);
    let ticket = take(&board);
    board.take_along(ticket.job, 0);
    board.lock().in_one_go = false;
    assert_eq!(tags(&board, &ticket), [0, 1, 2, 3]);
    // It is at its first block, and gives way.
    board.prefer(&[5, 3]);
    assert_eq!(tags(&board, &ticket), [0]);
    let rest: Job = board.lock().waiting.iter().skip(2).flatten().copied().collect();
    assert_eq!(rest.iter().map(|block| block.tag).collect::<Vec<_>>(), [1, 2, 4]);
    // A range that is longer than a request takes on fails.
    board.lock().running.get_mut(&ticket.job).expect("it runs").blocks.extend(rest);
    board.lock().waiting.truncate(2);
    assert!(board.give_back(ticket.job));
    assert_eq!(tags(&board, &ticket), [0, 1]);
    let order: Vec<_> = (0..4).map(|_| tags(&board, &take(&board))).collect();
    assert_eq!(order, [vec![5], vec![3], vec![2], vec![4]]);
}

#[test]
fn ranges_before_a_job_are_not_taken_along() {
    let board = board(&[0, 100]);
    let (first, second) = (take(&board), take(&board));
    let blocks = board.lock().running[&first.job].blocks.clone();
    board.lock().waiting.push_back(blocks);
    board.take_along(second.job, u64::MAX);
    assert_eq!(tags(&board, &second), [1]);
}

#[test]
fn a_silent_range_is_relieved_and_then_raced_for() {
    let board = board(&[0, 10]);
    let slow = take(&board);
    board.asked(slow.job, at(0));
    assert!(board.help(IDLE, at(1)).is_none());
    let helper = board.help(IDLE, at(9)).expect("silent for long");
    assert_eq!((tags(&board, &slow), tags(&board, &helper)), (vec![0], vec![1]));
    let racer = board.help(IDLE, at(9)).expect("one block is left");
    assert_eq!(tags(&board, &racer), [0]);
    assert!(board.help(IDLE, at(9)).is_none(), "no third one");
    let raced = board.front(racer.job).expect("a block");
    assert!(board.is_held_by_others(slow.job) && !board.is_held_by_others(helper.job));
    assert!(board.claim(racer.job, &raced));
    assert!(slow.lost.notified().now_or_never().is_some(), "the loser is told");
    assert!(!board.claim(slow.job, &raced), "a block is handed over once");
}

#[test]
fn a_range_that_waits_for_the_disk_and_not_for_the_network_is_left_alone() {
    // The rate fell, which would be a reason to help.
    let fell = (1.0, 100.0);
    let helped = |at_disk: bool| {
        let board = board(&[0, 10]);
        let ticket = take(&board);
        board.asked(ticket.job, at(0));
        for second in 0..30 {
            board.waits(ticket.job, at(second));
            if at_disk {
                board.stops_waiting(ticket.job, at(second));
            } else if second % 2 == 0 {
                board.arrived(ticket.job, 1, at(second + 1));
            }
        }
        board.help(fell, at(30)).is_some()
    };
    assert!(helped(false), "a slow network");
    assert!(!helped(true), "a slow disk");
}

#[test]
fn what_a_range_leaves_when_it_ends_waits_again_unless_others_fetch_it_too() {
    let board = board(&[0, 100, 110, 120, 200]);
    let slow = take(&board);
    board.asked(slow.job, at(0));
    let racer = board.help(IDLE, at(9)).expect("silent for long");
    board.take_along(racer.job, 90);
    assert_eq!(tags(&board, &racer), [0, 1, 2, 3]);
    board.end(racer.job, at(9));
    assert_eq!(board.busy(), 1);
    let order: Vec<_> = (0..3).map(|_| tags(&board, &take(&board))).collect();
    assert_eq!(order, [vec![1, 2], vec![3], vec![4]], "in ranges of the usual length");
    assert!(board.take(1, at(9)).is_none());
    board.end(slow.job, at(9));
    assert_eq!(tags(&board, &take(&board)), [0], "nobody else had it");
}

#[test]
fn the_end_is_reached_when_all_blocks_are_handed_over() {
    let board = board(&[0, 10]);
    let ticket = take(&board);
    while let Some(block) = board.front(ticket.job) {
        assert!(!board.is_done());
        assert!(board.claim(ticket.job, &block));
        board.delivered();
    }
    assert!(board.is_done());
}

#[test]
fn towards_the_end_ranges_are_cut_so_that_all_end_together() {
    let mebibyte = 1024 * 1024;
    let wanted = |number: u64| WantedBlock {
        offset: number * u64::from(mebibyte),
        bytes: mebibyte,
        digest: Digest::of(b""),
        tag: number,
    };
    let blocks: Vec<_> = (0..16).map(wanted).collect();
    let policy = CoalescePolicy::default();
    let board = Board::new(&blocks, &coalesce(&blocks, policy), policy);
    let lengths: Vec<_> = std::iter::from_fn(|| board.take(2, at(0)))
        .map(|ticket| tags(&board, &ticket).len())
        .collect();
    assert_eq!(lengths.iter().sum::<usize>(), 16);
    assert_eq!((lengths[0], lengths[lengths.len() - 1]), (4, 1));
}

#[test]
fn urgent_blocks_go_before_all_others_and_raced_ones_stay() {
    let board = board(&[0, 10, 20, 30, 40, 50, 60, 70]);
    let first = take(&board);
    let raced = board.lock().running[&first.job].blocks.clone();
    board.prefer(&[7, 5]);
    assert_eq!(tags(&board, &first), [0], "the range gave up what can wait");
    let second = take(&board);
    assert_eq!(tags(&board, &second), [7]);
    let order: Vec<_> = (0..4).map(|_| tags(&board, &take(&board))).collect();
    assert_eq!(order, [vec![5], vec![1], vec![2, 3], vec![4]]);
    assert_eq!(tags(&board, &take(&board)), [6]);

    let other = board.lock().start(raced.clone(), at(0));
    let same = board.lock().start(raced, at(0));
    board.prefer(&[1]);
    assert_eq!((tags(&board, &other), tags(&board, &same)), (vec![0, 1], vec![0, 1]));
}
