//! Whole jobs: aggregation with a tick, the sieve of chained filters, pipelines; and results that arrive once.

use crate::workload;
use crossbeam_channel::{bounded, select, tick, Receiver, Select, Sender};
use peers::{
    keep_newest, newest, nth_to_complete, sum_of_work, user_of, work, Activity, Batch, Run, Workload, LAST_PRIME, PRIMES, PRODUCERS,
    TOGETHER, TWO_MICROSECONDS,
};
use std::mem::{replace, take};
use std::thread::scope;
use std::time::Duration;

pub fn all() -> Vec<Workload> {
    vec![
        workload("W12_batch_tick", 1_000_000, batch_tick),
        workload("W13_sieve", 1, sieve),
        workload("W15_oneshot", 200_000, one_shot),
        workload("W15_as_completed", 10_000, as_completed),
        workload("W16_pipeline", 200_000, |r| pipeline(r, 0)),
        workload("W17_pipeline_work", 20_000, |r| pipeline(r, TWO_MICROSECONDS)),
    ]
}

/// Keeps the newest time of each user, and hands what it has over once a tick.
fn aggregate(events: Receiver<Activity>, batches: Sender<Batch>) {
    let ticks = tick(Duration::from_millis(10));
    let mut current = Batch::default();
    loop {
        select! {
            recv(events) -> event => match event {
                Ok((user, when)) => keep_newest(&mut current, user, when),
                Err(_) => break,
            },
            recv(ticks) -> _ => batches.send(take(&mut current)).unwrap(),
        }
    }
    batches.send(current).unwrap();
}

/// Eight producers, one aggregator, one table; an operation is an event.
fn batch_tick(mut r: Run) -> Run {
    let each = r.count() / PRODUCERS;
    let (send, events) = bounded(1024);
    let (batches, ready) = bounded(2);
    let mut table = Batch::default();
    scope(|s| {
        r.start();
        s.spawn(move || aggregate(events, batches));
        for p in 0..PRODUCERS {
            let send = send.clone();
            s.spawn(move || (1..=each).for_each(|i| send.send((user_of(i, p), i)).unwrap()));
        }
        drop(send);
        for (user, when) in ready.into_iter().flatten() {
            keep_newest(&mut table, user, when);
        }
        r.stop();
    });
    assert!(table == newest(each), "an event is lost");
    r
}

/// Primes by a chain of filters, one for each prime; an operation is the whole of it.
fn sieve(mut r: Run) -> Run {
    let mut prime = 0;
    scope(|s| {
        let (first, mut from) = bounded(0);
        r.start();
        s.spawn(move || (2..=LAST_PRIME).for_each(|i| first.send(i).unwrap()));
        for _ in 0..PRIMES {
            prime = from.recv().unwrap();
            let (out, next) = bounded(0);
            let numbers = replace(&mut from, next);
            s.spawn(move || numbers.iter().filter(|v| v % prime != 0).for_each(|v| out.send(v).unwrap()));
        }
        r.stop();
        assert!(prime == LAST_PRIME && from.recv().is_err(), "the sieve has a hole");
    });
    r
}

/// Make one, set it, take its value, all in one thread: a channel that has room for one.
fn one_shot(mut r: Run) -> Run {
    let mut sum = 0;
    r.start();
    for i in 0..r.count() {
        let (set, value) = bounded(1);
        set.send(i).unwrap();
        sum += value.recv().unwrap();
    }
    r.stop();
    assert_eq!(sum, r.count() * (r.count() - 1) / 2, "a value is lost");
    r
}

/// A hundred that another thread sets out of order, taken in the order in which they complete; an operation is one of them. That thread is
/// there already: to start one for each hundred would be most of it.
fn as_completed(mut r: Run) -> Run {
    let rounds = r.count() / TOGETHER as i64;
    let (hand_over, handed_over) = bounded::<Vec<Sender<usize>>>(1);
    let mut sum = 0;
    scope(|s| {
        s.spawn(move || {
            for promises in handed_over {
                for n in 0..TOGETHER {
                    promises[nth_to_complete(n)].send(n).unwrap();
                }
            }
        });
        r.start();
        for _ in 0..rounds {
            let (promises, values): (Vec<_>, Vec<_>) = (0..TOGETHER).map(|_| bounded(1)).unzip();
            hand_over.send(promises).unwrap();
            let mut all = Select::new();
            for value in &values {
                all.recv(value);
            }
            for _ in 0..TOGETHER {
                let chosen = all.select();
                let index = chosen.index();
                sum += chosen.recv(&values[index]).unwrap();
                all.remove(index);
            }
        }
        r.stop();
        drop(hand_over);
    });
    assert_eq!(sum as i64, rounds * (TOGETHER * (TOGETHER - 1) / 2) as i64, "a value is lost");
    r
}

/// One source, four workers, one sink; an operation is an item.
fn pipeline(mut r: Run, rounds: u32) -> Run {
    let n = r.count() as u64;
    let (source, items) = bounded(128);
    let (send, results) = bounded(128);
    let (mut count, mut sum) = (0, 0_u64);
    scope(|s| {
        r.start();
        s.spawn(move || (0..n).for_each(|i| source.send(i).unwrap()));
        for _ in 0..4 {
            let (items, send) = (items.clone(), send.clone());
            s.spawn(move || items.iter().for_each(|v| send.send(work(v, rounds)).unwrap()));
        }
        drop(send);
        for v in &results {
            sum = sum.wrapping_add(v);
            count += 1;
        }
        r.stop();
    });
    assert!(count == n && sum == sum_of_work(n, rounds), "an item is lost");
    r
}
