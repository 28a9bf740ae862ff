//! Threads alone: start, join, a ring of many, and short work that becomes due while others compute.

use crate::{once, workload};
use crossbeam_channel::bounded;
use peers::{burn, Run, Workload};
use std::sync::Barrier;
use std::thread::{self, scope, spawn};
use std::time::{Duration, Instant};

pub fn all() -> Vec<Workload> {
    vec![
        workload("W2_spawn_join", 2_000, spawn_join),
        workload("W2b_spawn_one", 1_000, spawn_one),
        workload("W4_ring", 10_000, ring),
        once("W14_fast_behind_slow_longest", 1, |r| fast_behind_slow(r, FAST - 1)),
        once("W14_fast_behind_slow_median", 1, |r| fast_behind_slow(r, FAST / 2)),
    ]
}

/// A thousand trivial threads at a time, then wait for all.
fn spawn_join(mut r: Run) -> Run {
    const TOGETHER: i64 = 1000;
    let mut all = Vec::with_capacity(TOGETHER as usize);
    let mut sum = 0;
    r.start();
    for _ in 0..r.count() / TOGETHER {
        all.extend((0..TOGETHER).map(|i| spawn(move || i)));
        sum += all.drain(..).map(|one| one.join().unwrap()).sum::<i64>();
    }
    r.stop();
    assert_eq!(sum, r.count() / TOGETHER * (TOGETHER * (TOGETHER - 1) / 2), "a thread did not run");
    r
}

/// Start one, take its result.
fn spawn_one(mut r: Run) -> Run {
    r.start();
    let sum = (0..r.count()).map(|i| spawn(move || i).join().unwrap()).sum::<i64>();
    r.stop();
    assert_eq!(sum, r.count() * (r.count() - 1) / 2, "a result is missing");
    r
}

/// A token round a thousand threads, this one included; an operation is one hop.
fn ring(mut r: Run) -> Run {
    const SIZE: i64 = 1000;
    let (first, mut last) = bounded(0);
    let mut others = Vec::new();
    for _ in 1..SIZE {
        let (to, next) = bounded(0);
        let from = std::mem::replace(&mut last, next);
        others.push(spawn(move || {
            for token in from {
                to.send(token + 1).unwrap();
            }
        }));
    }
    let mut token = 0;
    r.start();
    for _ in 0..r.count() / SIZE {
        first.send(token + 1).unwrap();
        token = last.recv().unwrap();
    }
    r.stop();
    drop(first);
    assert!(last.recv().is_err() && token == r.count(), "the token missed a hop");
    for one in others {
        one.join().unwrap();
    }
    r
}

const FAST: usize = 20;

/// Three threads burn 1.2 s each. Twenty others become due 20 ms after that has begun, each with 50 us of work: how long after they are due
/// the one at that place is through with it.
fn fast_behind_slow(mut r: Run, place: usize) -> Run {
    let work = Duration::from_micros(50);
    let begun = Barrier::new(FAST + 1);
    let due = Instant::now() + Duration::from_millis(20);
    let mut late: Vec<_> = scope(|s| {
        let one = || {
            begun.wait();
            thread::sleep(due.saturating_duration_since(Instant::now()));
            burn(work);
            due.elapsed()
        };
        let fast: Vec<_> = (0..FAST).map(|_| s.spawn(one)).collect();
        begun.wait();
        for _ in 0..3 {
            s.spawn(|| burn(Duration::from_millis(1200)));
        }
        fast.into_iter().map(|one| one.join().unwrap()).collect()
    });
    late.sort();
    assert!(late[0] >= work, "a thread did not run");
    r.report(late[place]);
    r
}
