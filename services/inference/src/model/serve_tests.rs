//! Deadlines, turns and panics, with a model that repeats its input and computes each row only
//! when it is told to.

use super::*;
use crate::model::queue::Done;
use assay_core::{Classified, Digest, ErrorKind};
use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};
use tokio::sync::oneshot;

type Answers = oneshot::Receiver<Result<Done, AnswerError>>;

/// Repeats its input; a negative value makes it panic.
struct Echo {
    began: Sender<f32>,
    may_go_on: Mutex<Receiver<()>>,
}

impl Compute for Echo {
    fn row(&self, _: Task, vector: &[f32]) -> Result<Row, AnswerError> {
        self.began.send(vector[0]).unwrap();
        self.may_go_on.lock().unwrap().recv().unwrap();
        assert!(vector[0] >= 0.0, "a defect in the model");
        Ok(Row {
            features: vector.to_vec(),
            explained: None,
        })
    }

    fn answered(&self, _: Vec<f32>) {}
}

/// The model on its thread, and the strings it hangs on.
struct Stage {
    queue: Arc<Queue>,
    began: Receiver<f32>,
    go_on: Sender<()>,
    model: JoinHandle<()>,
}

impl Stage {
    fn new(batch_rows: usize) -> Self {
        let (tell, began) = channel();
        let (go_on, may_go_on) = channel();
        let queue = Arc::new(Queue::new(100, measure::Load::of(Digest::of(b"echo"), 1)));
        let echo = Echo {
            began: tell,
            may_go_on: Mutex::new(may_go_on),
        };
        let own = Arc::clone(&queue);
        let model = std::thread::spawn(move || {
            serve(&echo, &own, batch_rows);
            own.close();
        });
        Self {
            queue,
            began,
            go_on,
            model,
        }
    }

    fn ask(&self, values: &[f32], deadline: Option<Instant>) -> Answers {
        let (reply, answer) = oneshot::channel();
        let vectors = values.iter().map(|value| vec![*value]).collect();
        let now = Instant::now();
        let ticket = Ticket::new(Task::Features, vectors, now, deadline, reply);
        self.queue.push(ticket, now).unwrap();
        answer
    }

    /// Lets the next row, which must be this one, be computed.
    fn step(&self, expected: f32) {
        assert_eq!(self.began.recv().unwrap(), expected);
        self.go_on.send(()).unwrap();
    }

    /// Ends the model; it must not have begun a further row.
    fn end(self) {
        self.queue.close();
        self.model.join().unwrap();
        assert!(self.began.try_recv().is_err());
    }
}

fn values(answer: Answers) -> Vec<f32> {
    let done = answer.blocking_recv().unwrap().unwrap();
    done.rows.iter().map(|row| row.features[0]).collect()
}

fn failure(answer: Answers) -> AnswerError {
    answer.blocking_recv().unwrap().unwrap_err()
}

#[test]
fn a_row_whose_deadline_passes_in_the_queue_is_never_computed() {
    let stage = Stage::new(8);
    let first = stage.ask(&[1.0], None);
    assert_eq!(stage.began.recv().unwrap(), 1.0);
    let late = stage.ask(&[2.0, 3.0], Some(Instant::now()));
    let last = stage.ask(&[4.0], None);
    stage.go_on.send(()).unwrap();
    stage.step(4.0);
    assert_eq!((values(first), values(last)), (vec![1.0], vec![4.0]));
    let error = failure(late);
    assert!(
        matches!(error, AnswerError::Deadline { doing } if doing.contains("waited for the model")),
        "{error}"
    );
    assert_eq!(stage.queue.rows(), 0);
    stage.end();
}

#[test]
fn requests_take_turns_and_nobody_waits_for_the_whole_of_a_long_one() {
    let stage = Stage::new(2);
    let long = stage.ask(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None);
    assert_eq!(stage.began.recv().unwrap(), 1.0);
    let short = stage.ask(&[10.0], None);
    let other = stage.ask(&[20.0, 21.0], None);
    stage.go_on.send(()).unwrap();
    for row in [2.0, 10.0, 20.0, 3.0, 4.0, 21.0, 5.0, 6.0] {
        stage.step(row);
    }
    assert_eq!(values(short), [10.0]);
    assert_eq!(values(other), [20.0, 21.0]);
    assert_eq!(values(long), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    stage.end();
}

#[test]
fn a_row_that_panics_is_told_and_ends_the_model() {
    let stage = Stage::new(8);
    let before = stage.ask(&[1.0], None);
    assert_eq!(stage.began.recv().unwrap(), 1.0);
    let bad = stage.ask(&[-1.0], None);
    let after = stage.ask(&[3.0], None);
    stage.go_on.send(()).unwrap();
    stage.step(-1.0);
    assert_eq!(values(before), [1.0]);
    let error = failure(bad);
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    assert!(
        error.to_string().contains("a defect in the model"),
        "{error}"
    );
    assert!(after.blocking_recv().is_err(), "let go, to be asked again");
    let Stage {
        queue,
        began,
        model,
        ..
    } = stage;
    model.join().unwrap();
    assert!(queue.is_closed());
    assert!(began.recv().is_err(), "nothing is computed after a panic");
}
