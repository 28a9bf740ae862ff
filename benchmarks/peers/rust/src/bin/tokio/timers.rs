//! Timers that are started and stopped beside many others, a million sleepers, and short work that becomes due while tasks compute that
//! never yield.

use crate::many::MILLION;
use crate::Workers;
use futures_util::future::{join_all, poll_fn};
use peers::{burn, used, Run, Workload};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use tokio::time::{sleep, sleep_until, Sleep};
use tokio::{pin, spawn};

pub fn all(w: &Workers) -> Vec<Workload> {
    vec![
        w.workload("W11_timer_start_stop/live:0", 200_000, |r| start_stop(r, 0)),
        w.workload("W11_timer_start_stop/live:100000", 200_000, |r| start_stop(r, 100_000)),
        w.once("W11_sleepers", MILLION, sleepers),
        w.once("W14_fast_behind_slow_longest", 1, |r| fast_behind_slow(r, FAST - 1)),
        w.once("W14_fast_behind_slow_median", 1, |r| fast_behind_slow(r, FAST / 2)),
    ]
}

/// A timer starts when it is first polled, and stops when it is dropped. Whether it is still running.
async fn start(mut timer: Pin<&mut Sleep>) -> bool {
    poll_fn(|cx| Poll::Ready(timer.as_mut().poll(cx).is_pending())).await
}

/// Start a timer of one second and stop it, while others run that are due long after.
async fn start_stop(mut r: Run, live: u64) -> Run {
    let hour = Duration::from_secs(3600);
    let mut others: Vec<_> = (0..live).map(|i| Box::pin(sleep(hour + Duration::from_millis(i)))).collect();
    for timer in &mut others {
        assert!(start(timer.as_mut()).await, "a timer fired early");
    }
    let mut started = 0;
    r.start();
    for _ in 0..r.count() {
        let timer = sleep(Duration::from_secs(1));
        pin!(timer);
        started += i64::from(start(timer).await);
    }
    r.stop();
    assert_eq!(started, r.count(), "a timer fired early");
    r
}

/// Each sleeps a microsecond longer than the one before, between half a second and one and a half. The value is processor time.
async fn sleepers(mut r: Run) -> Run {
    let before = used();
    let all: Vec<_> = (0..r.count())
        .map(|i| {
            let pause = Duration::from_millis(500) + Duration::from_micros(i as u64);
            spawn(async move {
                let start = Instant::now();
                sleep(pause).await;
                start.elapsed() >= pause
            })
        })
        .collect();
    let mut in_time = 0;
    for one in all {
        in_time += i64::from(one.await.unwrap());
    }
    r.report(used() - before);
    assert_eq!(in_time, r.count(), "a task did not sleep long enough");
    r
}

const FAST: usize = 20;

/// Three tasks burn 1.2 s each. Twenty others become due 20 ms after that has begun, each with 50 us of work: how long after they are due
/// the one at that place is through with it.
async fn fast_behind_slow(mut r: Run, place: usize) -> Run {
    let work = Duration::from_micros(50);
    let begun = Arc::new(AtomicUsize::new(0));
    let due = Instant::now() + Duration::from_millis(20);
    let fast: Vec<_> = (0..FAST)
        .map(|_| {
            let begun = begun.clone();
            spawn(async move {
                begun.fetch_add(1, Relaxed);
                sleep_until(due.into()).await;
                burn(work);
                due.elapsed()
            })
        })
        .collect();
    while begun.load(Relaxed) < FAST {
        yield_now().await;
    }
    let slow: Vec<_> = (0..3).map(|_| spawn(async { burn(Duration::from_millis(1200)) })).collect();
    let mut late: Vec<_> = join_all(fast).await.into_iter().map(Result::unwrap).collect();
    join_all(slow).await;
    late.sort();
    assert!(late[0] >= work, "a task did not run");
    r.report(late[place]);
    r
}
