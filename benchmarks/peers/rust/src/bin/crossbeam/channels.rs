//! Messages through one or two channels.

use crate::workload;
use crossbeam_channel::{bounded, Receiver};
use peers::{Run, Tally, Workload};
use std::thread::scope;

pub fn all() -> Vec<Workload> {
    vec![
        workload("W3_ping_pong", 20_000, ping_pong),
        workload("W5_spsc/capacity:0", 50_000, |r| spsc(r, 0)),
        workload("W5_spsc/capacity:64", 400_000, |r| spsc(r, 64)),
        workload("W5_spsc/capacity:1024", 400_000, |r| spsc(r, 1024)),
        workload("W6_mpmc/capacity:128", 400_000, |r| mpmc(r, 128)),
        workload("W6_mpmc/capacity:0", 50_000, |r| mpmc(r, 0)),
    ]
}

fn drain(c: &Receiver<i64>) -> Tally {
    let mut t = Tally::default();
    for v in c {
        t.add(v);
    }
    t
}

/// Two threads, two rendezvous channels; an operation is a round trip.
fn ping_pong(mut r: Run) -> Run {
    let (there, requests) = bounded(0);
    let (replies, back) = bounded(0);
    let mut sum = 0;
    scope(|s| {
        s.spawn(move || {
            for v in requests {
                replies.send(v + 1).unwrap();
            }
        });
        r.start();
        for i in 0..r.count() {
            there.send(i).unwrap();
            sum += back.recv().unwrap();
        }
        r.stop();
        drop(there);
    });
    assert_eq!(sum, r.count() * (r.count() + 1) / 2, "a message is lost");
    r
}

/// One producer, one consumer; an operation is a message.
fn spsc(mut r: Run, capacity: usize) -> Run {
    let n = r.count();
    let (send, receive) = bounded(capacity);
    let t = scope(|s| {
        r.start();
        s.spawn(move || (0..n).for_each(|i| send.send(i).unwrap()));
        let t = drain(&receive);
        r.stop();
        t
    });
    assert!(t.is_all_of(n), "a message is lost");
    r
}

/// Four producers, four consumers, one channel; an operation is a message.
fn mpmc(mut r: Run, capacity: usize) -> Run {
    const SIDE: i64 = 4;
    let n = r.count();
    let (send, receive) = bounded(capacity);
    let t = scope(|s| {
        r.start();
        let mut consumers = Vec::new();
        for k in 0..SIDE {
            let (send, receive) = (send.clone(), receive.clone());
            consumers.push(s.spawn(move || drain(&receive)));
            s.spawn(move || (k..n).step_by(SIDE as usize).for_each(|i| send.send(i).unwrap()));
        }
        drop(send);
        let t = consumers.into_iter().map(|one| one.join().unwrap()).sum::<Tally>();
        r.stop();
        t
    });
    assert!(t.is_all_of(n), "a message is lost");
    r
}
