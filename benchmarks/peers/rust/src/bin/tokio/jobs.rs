//! Whole jobs: aggregation with a tick, the sieve of chained filters, pipelines; and results that arrive once.

use crate::Workers;
use futures_util::stream::{FuturesUnordered, StreamExt};
use peers::{
    keep_newest, newest, nth_to_complete, sum_of_work, user_of, work, Activity, Batch, Run, Workload, LAST_PRIME, PRIMES, PRODUCERS,
    TOGETHER, TWO_MICROSECONDS,
};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{oneshot, Mutex};
use tokio::time::{interval_at, Instant};
use tokio::{select, spawn};

pub fn all(w: &Workers) -> Vec<Workload> {
    vec![
        w.workload("W12_batch_tick", 5_000_000, batch_tick),
        w.workload("W13_sieve", 1, sieve),
        w.workload("W15_oneshot", 200_000, one_shot),
        w.workload("W15_as_completed", 10_000, as_completed),
        w.workload("W16_pipeline", 200_000, |r| pipeline(r, 0)),
        w.workload("W17_pipeline_work", 20_000, |r| pipeline(r, TWO_MICROSECONDS)),
    ]
}

/// Keeps the newest time of each user, and hands what it has over once a tick.
async fn aggregate(mut events: Receiver<Activity>, batches: Sender<Batch>) {
    let every = Duration::from_millis(10);
    let mut tick = interval_at(Instant::now() + every, every);
    let mut current = Batch::default();
    loop {
        select! {
            event = events.recv() => match event {
                Some((user, when)) => keep_newest(&mut current, user, when),
                None => break,
            },
            _ = tick.tick() => batches.send(take(&mut current)).await.unwrap(),
        }
    }
    batches.send(current).await.unwrap();
}

/// Eight producers, one aggregator, one table; an operation is an event.
async fn batch_tick(mut r: Run) -> Run {
    let each = r.count() / PRODUCERS;
    let (send, events) = mpsc::channel(1024);
    let (batches, mut ready) = mpsc::channel(2);
    let mut table = Batch::default();
    r.start();
    spawn(aggregate(events, batches));
    for p in 0..PRODUCERS {
        let send = send.clone();
        spawn(async move {
            for i in 1..=each {
                send.send((user_of(i, p), i)).await.unwrap();
            }
        });
    }
    drop(send);
    while let Some(batch) = ready.recv().await {
        for (user, when) in batch {
            keep_newest(&mut table, user, when);
        }
    }
    r.stop();
    assert!(table == newest(each), "an event is lost");
    r
}

/// Primes by a chain of filters, one for each prime; an operation is the whole of it.
async fn sieve(mut r: Run) -> Run {
    let mut prime = 0;
    let (first, mut from) = mpsc::channel(1);
    r.start();
    spawn(async move {
        for i in 2..=LAST_PRIME {
            first.send(i).await.unwrap();
        }
    });
    for _ in 0..PRIMES {
        prime = from.recv().await.unwrap();
        let (out, next) = mpsc::channel(1);
        let mut numbers = std::mem::replace(&mut from, next);
        spawn(async move {
            while let Some(v) = numbers.recv().await {
                if v % prime != 0 {
                    out.send(v).await.unwrap();
                }
            }
        });
    }
    r.stop();
    assert!(prime == LAST_PRIME && from.recv().await.is_none(), "the sieve has a hole");
    r
}

/// Make one, set it, take its value, all in one task.
async fn one_shot(mut r: Run) -> Run {
    let mut sum = 0;
    r.start();
    for i in 0..r.count() {
        let (set, value) = oneshot::channel();
        set.send(i).unwrap();
        sum += value.await.unwrap();
    }
    r.stop();
    assert_eq!(sum, r.count() * (r.count() - 1) / 2, "a value is lost");
    r
}

/// A hundred that another task sets out of order, taken in the order in which they complete; an operation is one of them.
async fn as_completed(mut r: Run) -> Run {
    let rounds = r.count() / TOGETHER as i64;
    let mut sum = 0;
    r.start();
    for _ in 0..rounds {
        let (promises, mut values): (Vec<_>, FuturesUnordered<_>) = (0..TOGETHER).map(|_| oneshot::channel()).unzip();
        spawn(async move {
            let mut promises: Vec<_> = promises.into_iter().map(Some).collect();
            for n in 0..TOGETHER {
                promises[nth_to_complete(n)].take().unwrap().send(n).unwrap();
            }
        });
        while let Some(v) = values.next().await {
            sum += v.unwrap();
        }
    }
    r.stop();
    assert_eq!(sum as i64, rounds * (TOGETHER * (TOGETHER - 1) / 2) as i64, "a value is lost");
    r
}

/// One source, four workers that share a receiver, one sink; an operation is an item.
async fn pipeline(mut r: Run, rounds: u32) -> Run {
    let n = r.count() as u64;
    let (source, items) = mpsc::channel(128);
    let (send, mut results) = mpsc::channel(128);
    let items = Arc::new(Mutex::new(items));
    let (mut count, mut sum) = (0, 0_u64);
    r.start();
    spawn(async move {
        for i in 0..n {
            source.send(i).await.unwrap();
        }
    });
    for _ in 0..4 {
        let (items, send) = (items.clone(), send.clone());
        spawn(async move {
            loop {
                let next = items.lock().await.recv().await;
                match next {
                    Some(v) => send.send(work(v, rounds)).await.unwrap(),
                    None => return,
                }
            }
        });
    }
    drop(send);
    while let Some(v) = results.recv().await {
        sum = sum.wrapping_add(v);
        count += 1;
    }
    r.stop();
    assert!(count == n && sum == sum_of_work(n, rounds), "an item is lost");
    r
}
