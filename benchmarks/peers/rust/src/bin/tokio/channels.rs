//! Messages through one or two channels.

use crate::Workers;
use peers::{Run, Tally, Workload};
use std::sync::Arc;
use tokio::spawn;
use tokio::sync::{mpsc, Mutex};

pub fn all(w: &Workers) -> Vec<Workload> {
    vec![
        w.workload("W3_ping_pong", 50_000, ping_pong),
        w.workload("W5_spsc/capacity:64", 400_000, |r| spsc(r, 64)),
        w.workload("W5_spsc/capacity:1024", 400_000, |r| spsc(r, 1024)),
        w.workload("W6_mpmc/capacity:128", 400_000, |r| mpmc(r, 128)),
    ]
}

/// Two tasks, two channels; an operation is a round trip.
async fn ping_pong(mut r: Run) -> Run {
    let (there, mut requests) = mpsc::channel(1);
    let (replies, mut back) = mpsc::channel(1);
    let echo = spawn(async move {
        while let Some(v) = requests.recv().await {
            replies.send(v + 1).await.unwrap();
        }
    });
    let mut sum = 0;
    r.start();
    for i in 0..r.count() {
        there.send(i).await.unwrap();
        sum += back.recv().await.unwrap();
    }
    r.stop();
    drop(there);
    echo.await.unwrap();
    assert_eq!(sum, r.count() * (r.count() + 1) / 2, "a message is lost");
    r
}

/// One producer, one consumer; an operation is a message.
async fn spsc(mut r: Run, capacity: usize) -> Run {
    let n = r.count();
    let (send, mut receive) = mpsc::channel(capacity);
    let mut t = Tally::default();
    r.start();
    spawn(async move {
        for i in 0..n {
            send.send(i).await.unwrap();
        }
    });
    while let Some(v) = receive.recv().await {
        t.add(v);
    }
    r.stop();
    assert!(t.is_all_of(n), "a message is lost");
    r
}

/// Four producers, four consumers, one channel; an operation is a message.
async fn mpmc(mut r: Run, capacity: usize) -> Run {
    const SIDE: i64 = 4;
    let n = r.count();
    let (send, receive) = mpsc::channel(capacity);
    let receive = Arc::new(Mutex::new(receive));
    let mut consumers = Vec::new();
    let mut got = Vec::new();
    r.start();
    for k in 0..SIDE {
        let (send, receive) = (send.clone(), receive.clone());
        consumers.push(spawn(async move {
            let mut t = Tally::default();
            loop {
                let next = receive.lock().await.recv().await;
                match next {
                    Some(v) => t.add(v),
                    None => return t,
                }
            }
        }));
        spawn(async move {
            for i in (k..n).step_by(SIDE as usize) {
                send.send(i).await.unwrap();
            }
        });
    }
    drop(send);
    for one in consumers {
        got.push(one.await.unwrap());
    }
    r.stop();
    assert!(got.into_iter().sum::<Tally>().is_all_of(n), "a message is lost");
    r
}
