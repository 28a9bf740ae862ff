//! Tasks alone: yield, start, join, and a ring of many.

use crate::Workers;
use peers::{Run, Workload};
use tokio::sync::mpsc;
use tokio::task::{spawn, yield_now};

pub fn all(w: &Workers) -> Vec<Workload> {
    vec![
        w.workload("W1_yield", 200_000, in_turn),
        w.workload("W2_spawn_join", 100_000, spawn_join),
        w.workload("W2b_spawn_one", 50_000, spawn_one),
        w.workload("W4_ring", 100_000, ring),
    ]
}

/// Two tasks yield in turn; an operation is one yield.
async fn in_turn(mut r: Run) -> Run {
    async fn take_turns(turns: i64) -> i64 {
        for _ in 0..turns {
            yield_now().await;
        }
        turns
    }
    let turns = r.count() / 2;
    r.start();
    let other = spawn(take_turns(turns));
    let n = take_turns(turns).await + other.await.unwrap();
    r.stop();
    assert_eq!(n, r.count(), "a yield is missing");
    r
}

/// A thousand trivial tasks at a time, then wait for all.
async fn spawn_join(mut r: Run) -> Run {
    const TOGETHER: i64 = 1000;
    let mut all = Vec::with_capacity(TOGETHER as usize);
    let mut sum = 0;
    r.start();
    for _ in 0..r.count() / TOGETHER {
        all.extend((0..TOGETHER).map(|i| spawn(async move { i })));
        for one in all.drain(..) {
            sum += one.await.unwrap();
        }
    }
    r.stop();
    assert_eq!(sum, r.count() / TOGETHER * (TOGETHER * (TOGETHER - 1) / 2), "a task did not run");
    r
}

/// Start one, take its result.
async fn spawn_one(mut r: Run) -> Run {
    let mut sum = 0;
    r.start();
    for i in 0..r.count() {
        sum += spawn(async move { i }).await.unwrap();
    }
    r.stop();
    assert_eq!(sum, r.count() * (r.count() - 1) / 2, "a result is missing");
    r
}

/// A token round a thousand tasks, this one included; an operation is one hop.
async fn ring(mut r: Run) -> Run {
    const SIZE: i64 = 1000;
    let (first, mut last) = mpsc::channel(1);
    for _ in 1..SIZE {
        let (to, next) = mpsc::channel(1);
        let mut from = std::mem::replace(&mut last, next);
        spawn(async move {
            while let Some(token) = from.recv().await {
                to.send(token + 1).await.unwrap();
            }
        });
    }
    let mut token = 0;
    r.start();
    for _ in 0..r.count() / SIZE {
        first.send(token + 1).await.unwrap();
        token = last.recv().await.unwrap();
    }
    r.stop();
    drop(first);
    assert!(last.recv().await.is_none() && token == r.count(), "the token missed a hop");
    r
}
