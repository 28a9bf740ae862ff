//! Waiting for several things: ready ones, ones that park, with a timer, with a default, both ways.

use crate::Workers;
use futures_util::future::poll_fn;
use futures_util::stream::{self, SelectAll, Stream, StreamExt};
use peers::{Run, Workload};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{sleep, timeout, Instant};
use tokio::{pin, select, spawn};

pub fn all(w: &Workers) -> Vec<Workload> {
    vec![
        w.workload("W7_select_ready/n:2", 102_400, |r| two::ready(r, 2)),
        w.workload("W7_select_ready/n:8", 102_400, |r| eight::ready(r, 8)),
        w.workload("W7_select_ready/n:64", 102_400, |r| slice::ready(r, 64)),
        w.workload("W7_select_ready/n:1000", 102_400, |r| slice::ready(r, 1000)),
        w.workload("W7_select_blocking/n:2", 50_000, |r| two::blocking(r, 2)),
        w.workload("W7_select_blocking/n:8", 50_000, |r| eight::blocking(r, 8)),
        w.workload("W7_select_blocking/n:64", 10_000, |r| slice::blocking(r, 64)),
        w.workload("W7_select_blocking/n:1000", 1_000, |r| slice::blocking(r, 1000)),
        w.workload("W7_set_ready/n:2", 102_400, |r| set::ready(r, 2)),
        w.workload("W7_set_ready/n:8", 102_400, |r| set::ready(r, 8)),
        w.workload("W7_set_ready/n:64", 102_400, |r| set::ready(r, 64)),
        w.workload("W7_set_ready/n:1000", 102_400, |r| set::ready(r, 1000)),
        w.workload("W7_set_blocking/n:2", 50_000, |r| set::blocking(r, 2)),
        w.workload("W7_set_blocking/n:8", 50_000, |r| set::blocking(r, 8)),
        w.workload("W7_set_blocking/n:64", 50_000, |r| set::blocking(r, 64)),
        w.workload("W7_set_blocking/n:1000", 50_000, |r| set::blocking(r, 1000)),
        w.workload("W8_select_timeout", 50_000, fresh_timer),
        w.workload("W8_timer_reused", 50_000, reused_timer),
        w.workload("W9_default/cases:1", 1_000_000, poll_one),
        w.workload("W9_default/cases:2", 1_000_000, poll_two),
        w.workload("W9_exchange", 50_000, exchange),
    ]
}

const DEPTH: usize = 256;

fn channels(n: usize, capacity: usize) -> (Vec<Sender<i64>>, Vec<Receiver<i64>>) {
    (0..n).map(|_| mpsc::channel(capacity)).unzip()
}

/// A module with both workloads, for one way to receive: what is made of the receivers once, and what each message takes.
macro_rules! receiving {
    ($name:ident, |$receivers:ident| $make:expr, |$from:ident| $receive:expr) => {
        mod $name {
            use super::*;

            /// Receive over n buffered channels none of which is ever empty: they are filled up between rounds, with the watch stopped.
            pub async fn ready(mut r: Run, n: usize) -> Run {
                let (senders, $receivers) = channels(n, DEPTH);
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
                let left = senders.iter().map(|s| (DEPTH - s.capacity()) as i64).sum::<i64>();
                assert!(got == r.count() && got + left == sent, "a message is lost");
                r
            }

            /// One producer sends to each of n channels in turn, so that the select parks.
            pub async fn blocking(mut r: Run, n: usize) -> Run {
                let count = r.count();
                let (senders, $receivers) = channels(n, 1);
                let mut $from = $make;
                let mut sum = 0;
                r.start();
                let producer = spawn(async move {
                    for i in 0..count {
                        senders[i as usize % n].send(i).await.unwrap();
                    }
                    senders
                });
                for _ in 0..count {
                    sum += $receive;
                }
                r.stop();
                producer.await.unwrap();
                assert_eq!(sum, count * (count - 1) / 2, "a message is lost");
                r
            }
        }
    };
}

// As many as a program would write down.
receiving!(two, |c| <[Receiver<i64>; 2]>::try_from(c).unwrap(), |from| {
    let [a, b] = &mut from;
    select! {
        v = a.recv() => v.unwrap(),
        v = b.recv() => v.unwrap(),
    }
});
receiving!(eight, |c| <[Receiver<i64>; 8]>::try_from(c).unwrap(), |from| {
    let [a, b, c, d, e, f, g, h] = &mut from;
    select! {
        v = a.recv() => v.unwrap(),
        v = b.recv() => v.unwrap(),
        v = c.recv() => v.unwrap(),
        v = d.recv() => v.unwrap(),
        v = e.recv() => v.unwrap(),
        v = f.recv() => v.unwrap(),
        v = g.recv() => v.unwrap(),
        v = h.recv() => v.unwrap(),
    }
});
// Each call looks at all of them, beginning with another one each time as select! does.
receiving!(slice, |c| (c, 0), |from| any(&mut from).await);
// Each is known to the set once, which then polls only those that were woken.
receiving!(set, |c| c.into_iter().map(stream_of).collect::<SelectAll<_>>(), |from| from.next().await.unwrap());

async fn any((receivers, first): &mut (Vec<Receiver<i64>>, usize)) -> i64 {
    *first = (*first + 1) % receivers.len();
    poll_fn(|cx| {
        let (later, earlier) = receivers.split_at_mut(*first);
        for r in earlier.iter_mut().chain(later) {
            if let Poll::Ready(v) = r.poll_recv(cx) {
                return Poll::Ready(v.unwrap());
            }
        }
        Poll::Pending
    })
    .await
}

fn stream_of(mut r: Receiver<i64>) -> impl Stream<Item = i64> + Send + Unpin {
    stream::poll_fn(move |cx| r.poll_recv(cx))
}

const SECOND: Duration = Duration::from_secs(1);

/// Receive, or give up after a second: a fresh timer each time, which never fires.
async fn fresh_timer(mut r: Run) -> Run {
    let n = r.count();
    let (send, mut receive) = mpsc::channel(1);
    let mut sum = 0;
    r.start();
    spawn(async move {
        for i in 0..n {
            send.send(i).await.unwrap();
        }
    });
    for _ in 0..n {
        sum += timeout(SECOND, receive.recv()).await.expect("a message is lost").unwrap();
    }
    r.stop();
    assert_eq!(sum, n * (n - 1) / 2, "a message is lost");
    r
}

/// The same with one timer, set again each time.
async fn reused_timer(mut r: Run) -> Run {
    let n = r.count();
    let (send, mut receive) = mpsc::channel(1);
    let mut sum = 0;
    r.start();
    spawn(async move {
        for i in 0..n {
            send.send(i).await.unwrap();
        }
    });
    let timer = sleep(SECOND);
    pin!(timer);
    for _ in 0..n {
        timer.as_mut().reset(Instant::now() + SECOND);
        select! {
            v = receive.recv() => sum += v.unwrap(),
            _ = &mut timer => panic!("a message is lost"),
        }
    }
    r.stop();
    assert_eq!(sum, n * (n - 1) / 2, "a message is lost");
    r
}

/// Poll an empty channel.
async fn poll_one(mut r: Run) -> Run {
    let (_open, mut a) = mpsc::channel::<i64>(1);
    let mut none = 0;
    r.start();
    for _ in 0..r.count() {
        none += i64::from(a.try_recv().is_err());
    }
    r.stop();
    assert_eq!(none, r.count(), "something came from nowhere");
    r
}

/// Poll two empty channels.
async fn poll_two(mut r: Run) -> Run {
    let (_open, mut a) = mpsc::channel::<i64>(1);
    let (_also, mut b) = mpsc::channel::<i64>(1);
    let mut none = 0;
    r.start();
    for _ in 0..r.count() {
        none += i64::from(a.try_recv().is_err() && b.try_recv().is_err());
    }
    r.stop();
    assert_eq!(none, r.count(), "something came from nowhere");
    r
}

/// Offers to send on one channel and to receive on the other, n times; returns what came in less what went out. What is still in the
/// channel then is taken too, so that the other never waits for one that has gone.
async fn trade(out: Sender<i64>, mut bids: Receiver<i64>, n: i64) -> i64 {
    let mut balance = 0;
    for i in 0..n {
        select! {
            Ok(place) = out.reserve() => {
                place.send(i);
                balance -= i;
            }
            Some(v) = bids.recv() => balance += v,
            else => unreachable!("the other has let both go before its last"),
        }
    }
    drop(out);
    while let Some(v) = bids.recv().await {
        balance += v;
    }
    balance
}

/// Two tasks, each ready to send or to receive, mirrored; an operation is one value that changed hands.
async fn exchange(mut r: Run) -> Run {
    let n = r.count();
    let (send_a, receive_a) = mpsc::channel(1);
    let (send_b, receive_b) = mpsc::channel(1);
    r.start();
    let other = spawn(trade(send_b, receive_a, n));
    let balance = trade(send_a, receive_b, n).await + other.await.unwrap();
    r.stop();
    assert_eq!(balance, 0, "a value is lost");
    r
}
