//! The order, the bound and the patience of the queue, with the time given.

use super::*;
use assay_core::Digest;
use metrics_exporter_prometheus::PrometheusBuilder;

type Answers = oneshot::Receiver<Result<Done, AnswerError>>;

fn queue_of(limit: usize) -> Queue {
    Queue::new(limit, measure::Load::of(Digest::of(b"queue"), 1))
}

fn ticket(rows: usize, now: Instant, time_left: Option<Duration>) -> (Ticket, Answers) {
    let (reply, answer) = oneshot::channel();
    let vectors = (0..rows).map(|row| vec![row as f32]).collect();
    let deadline = time_left.map(|left| now + left);
    (
        Ticket::new(Task::Features, vectors, now, deadline, reply),
        answer,
    )
}

/// Computes a share as a model would: the features are the input.
fn compute(queue: &Queue, mut share: Share, now: Instant) {
    for _ in 0..share.rows {
        let features = share.ticket.next(now).unwrap().to_vec();
        let row = Row {
            features,
            explained: None,
        };
        share.ticket.add(row, Duration::from_secs(1));
        queue.finished(Duration::from_secs(1));
    }
    match share.ticket.left() {
        0 => share.ticket.answer(),
        _ => queue.give_back(share.ticket),
    }
}

#[test]
fn a_long_request_comes_in_pieces_and_short_ones_get_their_turn() {
    let (queue, now) = (queue_of(100), Instant::now());
    let (long, mut long_answer) = ticket(10, now, None);
    let (short, mut short_answer) = ticket(2, now, None);
    queue.push(long, now).unwrap();
    queue.push(short, now).unwrap();
    let first = queue.take(4).unwrap();
    assert_eq!(first.iter().map(|s| s.rows).collect::<Vec<_>>(), [4]);
    for share in first {
        compute(&queue, share, now);
    }
    let second = queue.take(4).unwrap();
    assert_eq!(second.iter().map(|s| s.rows).collect::<Vec<_>>(), [2, 2]);
    for share in second {
        compute(&queue, share, now + Duration::from_secs(4));
    }
    let short = short_answer.try_recv().unwrap().unwrap();
    assert_eq!(short.rows.len(), 2);
    assert_eq!(short.queue, Duration::from_secs(4));
    assert_eq!(short.compute, Duration::from_secs(2));
    assert!(long_answer.try_recv().is_err());
    for share in queue.take(4).unwrap() {
        compute(&queue, share, now);
    }
    let long = long_answer.try_recv().unwrap().unwrap();
    let order: Vec<f32> = long.rows.iter().map(|row| row.features[0]).collect();
    assert_eq!(order, (0..10).map(|row| row as f32).collect::<Vec<_>>());
    assert_eq!(queue.rows(), 0);
}

#[test]
fn requests_that_wait_are_taken_together() {
    let (queue, now) = (queue_of(100), Instant::now());
    let answers: Vec<_> = (0..5)
        .map(|_| {
            let (ticket, answer) = ticket(1, now, None);
            queue.push(ticket, now).unwrap();
            answer
        })
        .collect();
    assert_eq!(queue.take(100).unwrap().len(), 5);
    drop(answers);
}

#[test]
fn a_full_queue_refuses_and_says_when_there_is_room() {
    let (queue, now) = (queue_of(10), Instant::now());
    let (huge, _huge) = ticket(12, now, None);
    queue.push(huge, now).unwrap();
    queue.measure(Duration::from_secs(2));
    let (more, _more) = ticket(1, now, None);
    assert_eq!(
        queue.push(more, now),
        Err(NotTaken::Full {
            waiting: 12,
            retry_after: Duration::from_secs(6)
        })
    );
    for share in queue.take(3).unwrap() {
        compute(&queue, share, now);
    }
    let (more, _more) = ticket(1, now, None);
    queue.push(more, now).unwrap();
    assert_eq!(queue.rows(), 10);
}

#[test]
fn those_whom_nobody_waits_for_give_up_their_place() {
    let (queue, now) = (queue_of(10), Instant::now());
    let (dropped, answer) = ticket(5, now, None);
    let (expiring, mut expired) = ticket(5, now, Some(Duration::from_secs(1)));
    queue.push(dropped, now).unwrap();
    queue.push(expiring, now).unwrap();
    let (next, _next) = ticket(10, now, None);
    assert!(queue.push(next, now).is_err());
    drop(answer);
    let (next, _next) = ticket(5, now, None);
    queue.push(next, now).unwrap();
    let later = now + Duration::from_secs(1);
    let (last, _last) = ticket(5, later, None);
    queue.push(last, later).unwrap();
    let error = expired.try_recv().unwrap().unwrap_err();
    assert!(
        matches!(error, AnswerError::Deadline { doing } if doing.contains("waited")),
        "{error}"
    );
    assert_eq!(queue.rows(), 10);
}

#[test]
fn a_closed_queue_lets_everyone_go() {
    let (queue, now) = (queue_of(10), Instant::now());
    let (waiting, mut answer) = ticket(1, now, None);
    queue.push(waiting, now).unwrap();
    queue.close();
    assert!(matches!(
        answer.try_recv(),
        Err(oneshot::error::TryRecvError::Closed)
    ));
    let (late, _late) = ticket(1, now, None);
    assert_eq!(queue.push(late, now), Err(NotTaken::Closed));
    assert!(queue.take(1).is_none());
}

#[test]
fn the_page_of_metrics_tells_what_waits_and_what_is_computed() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let bundle = Digest::of(b"of the page");
        let model = &bundle.to_string()[..12];
        let shown = |waiting: usize, pixels: usize| {
            let page = page.render();
            for (name, value) in [("waiting_rows", waiting), ("pixels_in_flight", pixels)] {
                let line = format!("openassay_inference_{name}{{model=\"{model}\"}} {value}\n");
                assert!(page.contains(&line), "{line}{page}");
            }
        };
        let (queue, now) = (
            Queue::new(10, measure::Load::of(bundle, 64)),
            Instant::now(),
        );
        shown(0, 0);
        let (long, _long) = ticket(6, now, None);
        let (leaving, answer) = ticket(3, now, None);
        queue.push(long, now).unwrap();
        queue.push(leaving, now).unwrap();
        shown(9, 0);
        let batch = queue.take(4).unwrap();
        shown(5, 4 * 64);
        for share in batch {
            compute(&queue, share, now);
        }
        shown(5, 0);
        drop(answer);
        let mut batch = queue.take(4).unwrap().into_iter();
        let (gone, rest) = (batch.next().unwrap(), batch.next().unwrap());
        shown(1, 4 * 64);
        queue.forget(gone.ticket.left(), gone.rows);
        shown(1, 64);
        compute(&queue, rest, now);
        shown(1, 0);
        queue.close();
        shown(0, 0);
    });
}
