//! The workloads of benchmarks/*_bench.cc, written with threads of the operating system and crossbeam's channels, under the same names.
//!
//! Workers are processors: the process is bound to so many of them. What makes no sense with threads is left out: W1, W10 and W11.

mod channels;
mod jobs;
mod selects;
mod threads;

use peers::{Run, Workload};

fn workload(name: &'static str, batch: i64, execute: impl Fn(Run) -> Run + 'static) -> Workload {
    Workload { name, batch, execute: Box::new(execute), once: false }
}

fn once(name: &'static str, batch: i64, execute: impl Fn(Run) -> Run + 'static) -> Workload {
    Workload { once: true, ..workload(name, batch, execute) }
}

/// Binds this thread, and so all that it will start, to the first n of the processors that it may use.
fn use_processors(n: usize) {
    unsafe {
        let mut allowed = std::mem::zeroed::<libc::cpu_set_t>();
        let size = std::mem::size_of_val(&allowed);
        assert_eq!(libc::sched_getaffinity(0, size, &mut allowed), 0);
        let surplus: Vec<_> = (0..libc::CPU_SETSIZE as usize).filter(|&i| libc::CPU_ISSET(i, &allowed)).skip(n).collect();
        for i in surplus {
            libc::CPU_CLR(i, &mut allowed);
        }
        assert_eq!(libc::sched_setaffinity(0, size, &allowed), 0);
    }
}

fn main() {
    peers::main(concat!("crossbeam-channel ", env!("VERSION_CROSSBEAM_CHANNEL")), |n| {
        use_processors(n);
        [threads::all(), channels::all(), selects::all(), jobs::all()].into_iter().flatten().collect()
    });
}
