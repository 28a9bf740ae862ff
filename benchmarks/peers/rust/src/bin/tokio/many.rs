//! A million tasks that all wait in one channel until it is closed.

use crate::Workers;
use peers::{Run, Workload};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;
use tokio::spawn;
use tokio::sync::watch;
use tokio::task::yield_now;

pub const MILLION: i64 = 1_000_000;

pub fn all(w: &Workers) -> Vec<Workload> {
    vec![
        w.once("W10_many_spawn_cold", MILLION, |r| async {
            let (r, ..) = crowd(r, Run::new(MILLION)).await;
            r
        }),
        w.once("W10_many_spawn_warm", MILLION, |r| async {
            crowd(Run::new(MILLION), Run::new(MILLION)).await;
            let (r, ..) = crowd(r, Run::new(MILLION)).await;
            r
        }),
        w.once("W10_many_wake", MILLION, |r| async {
            crowd(Run::new(MILLION), Run::new(MILLION)).await;
            let (_, r, _) = crowd(Run::new(MILLION), r).await;
            r
        }),
        w.once("W10_many_bytes", MILLION, |r| async {
            let (mut r, _, bytes) = crowd(r, Run::new(MILLION)).await;
            r.report(Duration::from_nanos(bytes));
            r
        }),
    ]
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * page
}

/// Spawning runs until all of them wait, waking until all have ended; with both, returns the resident bytes of all.
async fn crowd(mut spawning: Run, mut waking: Run) -> (Run, Run, u64) {
    let (gate, waiting) = watch::channel(());
    let begun = Arc::new(AtomicI64::new(0));
    let mut all = Vec::new();
    let before = resident_bytes();
    spawning.start();
    all.extend((0..MILLION).map(|_| {
        let (begun, mut waiting) = (begun.clone(), waiting.clone());
        spawn(async move {
            begun.fetch_add(1, Relaxed);
            waiting.changed().await.unwrap_err();
        })
    }));
    while begun.load(Relaxed) < MILLION {
        yield_now().await;
    }
    spawning.stop();
    let bytes = resident_bytes() - before;
    waking.start();
    drop(gate);
    for one in all {
        one.await.unwrap();
    }
    waking.stop();
    (spawning, waking, bytes)
}
