//! Waiting for several things: ready ones, ones that park, with a limit, with a default, both ways.

use crate::workload;
use crossbeam_channel::{bounded, select, Receiver, Select, Sender};
use peers::{Run, Workload};
use std::thread::scope;
use std::time::Duration;

pub fn all() -> Vec<Workload> {
    vec![
        workload("W7_select_ready/n:2", 102_400, |r| two::ready(r, 2)),
        workload("W7_select_ready/n:8", 102_400, |r| eight::ready(r, 8)),
        workload("W7_select_ready/n:64", 10_240, |r| slice::ready(r, 64)),
        workload("W7_select_ready/n:1000", 512, |r| slice::ready(r, 1000)),
        workload("W7_select_blocking/n:2", 20_000, |r| two::blocking(r, 2)),
        workload("W7_select_blocking/n:8", 20_000, |r| eight::blocking(r, 8)),
        workload("W7_select_blocking/n:64", 10_000, |r| slice::blocking(r, 64)),
        workload("W7_select_blocking/n:1000", 1_000, |r| slice::blocking(r, 1000)),
        workload("W7_set_ready/n:2", 102_400, |r| set::ready(r, 2)),
        workload("W7_set_ready/n:8", 102_400, |r| set::ready(r, 8)),
        workload("W7_set_ready/n:64", 102_400, |r| set::ready(r, 64)),
        workload("W7_set_ready/n:1000", 10_240, |r| set::ready(r, 1000)),
        workload("W7_set_blocking/n:2", 20_000, |r| set::blocking(r, 2)),
        workload("W7_set_blocking/n:8", 20_000, |r| set::blocking(r, 8)),
        workload("W7_set_blocking/n:64", 10_000, |r| set::blocking(r, 64)),
        workload("W7_set_blocking/n:1000", 1_000, |r| set::blocking(r, 1000)),
        workload("W8_select_timeout", 20_000, timeout),
        workload("W9_default/cases:1", 1_000_000, poll_one),
        workload("W9_default/cases:2", 1_000_000, poll_two),
        workload("W9_exchange", 20_000, exchange),
    ]
}

const DEPTH: usize = 256;

fn channels(n: usize, capacity: usize) -> (Vec<Sender<i64>>, Vec<Receiver<i64>>) {
    (0..n).map(|_| bounded(capacity)).unzip()
}

/// A module with both workloads, for one way to receive: what is made of the receivers once, and what each message takes.
macro_rules! receiving {
    ($name:ident, |$receivers:ident| $make:expr, |$from:ident| $receive:expr) => {
        mod $name {
            use super::*;

            /// Receive over n buffered channels none of which is ever empty: they are filled up between rounds, with the watch stopped.
            pub fn ready(mut r: Run, n: usize) -> Run {
                let (senders, receivers) = channels(n, DEPTH);
                let $receivers = &receivers[..];
                #[allow(unused_mut)] // only one of the ways changes it
                let mut $from = $make;
                let (mut sent, mut got) = (0, 0);
                for _ in 0..r.count() / DEPTH as i64 {
                    for s in &senders {
                        while s.try_send(1).is_ok() {
                            sent += 1;
                        }
                    }
                    r.start();
                    for _ in 0..DEPTH {
                        got += $receive;
                    }
                    r.stop();
                }
                let left = receivers.iter().map(|c| c.len() as i64).sum::<i64>();
                assert!(got == r.count() && got + left == sent, "a message is lost");
                r
            }

            /// One producer sends to each of n rendezvous channels in turn, so that the select parks.
            pub fn blocking(mut r: Run, n: usize) -> Run {
                let count = r.count();
                let (senders, receivers) = channels(n, 0);
                let $receivers = &receivers[..];
                #[allow(unused_mut)] // only one of the ways changes it
                let mut $from = $make;
                let mut sum = 0;
                scope(|s| {
                    r.start();
                    s.spawn(|| (0..count).for_each(|i| senders[i as usize % n].send(i).unwrap()));
                    for _ in 0..count {
                        sum += $receive;
                    }
                    r.stop();
                });
                assert_eq!(sum, count * (count - 1) / 2, "a message is lost");
                r
            }
        }
    };
}

// As many as a program would write down.
receiving!(two, |c| <&[Receiver<i64>; 2]>::try_from(c).unwrap(), |from| {
    let [a, b] = from;
    select! {
        recv(a) -> v => v.unwrap(),
        recv(b) -> v => v.unwrap(),
    }
});
receiving!(eight, |c| <&[Receiver<i64>; 8]>::try_from(c).unwrap(), |from| {
    let [a, b, c, d, e, f, g, h] = from;
    select! {
        recv(a) -> v => v.unwrap(),
        recv(b) -> v => v.unwrap(),
        recv(c) -> v => v.unwrap(),
        recv(d) -> v => v.unwrap(),
        recv(e) -> v => v.unwrap(),
        recv(f) -> v => v.unwrap(),
        recv(g) -> v => v.unwrap(),
        recv(h) -> v => v.unwrap(),
    }
});
// Listed anew for each call, and listed once.
receiving!(slice, |c| c, |from| receive(&mut list(from), from));
receiving!(set, |c| (list(c), c), |from| receive(&mut from.0, from.1));

fn list(receivers: &[Receiver<i64>]) -> Select<'_> {
    let mut all = Select::new();
    for one in receivers {
        all.recv(one);
    }
    all
}

fn receive(all: &mut Select, receivers: &[Receiver<i64>]) -> i64 {
    let chosen = all.select();
    let index = chosen.index();
    chosen.recv(&receivers[index]).unwrap()
}

/// Receive, or give up after a second, which never happens.
fn timeout(mut r: Run) -> Run {
    let n = r.count();
    let (send, c) = bounded(0);
    let (mut sum, mut late) = (0, 0);
    scope(|s| {
        r.start();
        s.spawn(move || (0..n).for_each(|i| send.send(i).unwrap()));
        for _ in 0..n {
            select! {
                recv(c) -> v => sum += v.unwrap(),
                default(Duration::from_secs(1)) => late += 1,
            }
        }
        r.stop();
    });
    assert!(late == 0 && sum == n * (n - 1) / 2, "a message is lost");
    r
}

/// Poll an empty channel.
fn poll_one(mut r: Run) -> Run {
    let (_open, a) = bounded::<i64>(1);
    let mut none = 0;
    r.start();
    for _ in 0..r.count() {
        select! {
            recv(a) -> _ => {}
            default => none += 1,
        }
    }
    r.stop();
    assert_eq!(none, r.count(), "something came from nowhere");
    r
}

/// Poll two empty channels.
fn poll_two(mut r: Run) -> Run {
    let (_open, a) = bounded::<i64>(1);
    let (_also, b) = bounded::<i64>(1);
    let mut none = 0;
    r.start();
    for _ in 0..r.count() {
        select! {
            recv(a) -> _ => {}
            recv(b) -> _ => {}
            default => none += 1,
        }
    }
    r.stop();
    assert_eq!(none, r.count(), "something came from nowhere");
    r
}

/// Offers to send on one channel and to receive on the other, n times; returns what came in less what went out.
fn trade(out: &Sender<i64>, bids: &Receiver<i64>, n: i64) -> i64 {
    let mut balance = 0;
    for i in 0..n {
        select! {
            send(out, i) -> sent => {
                sent.unwrap();
                balance -= i;
            }
            recv(bids) -> v => balance += v.unwrap(),
        }
    }
    balance
}

/// Two threads, each ready to send or to receive, mirrored; an operation is one value that changed hands.
fn exchange(mut r: Run) -> Run {
    let n = r.count();
    let (send_a, receive_a) = bounded(0);
    let (send_b, receive_b) = bounded(0);
    let balance = scope(|s| {
        r.start();
        let other = s.spawn(|| trade(&send_b, &receive_a, n));
        let balance = trade(&send_a, &receive_b, n) + other.join().unwrap();
        r.stop();
        balance
    });
    assert_eq!(balance, 0, "a value is lost");
    r
}
