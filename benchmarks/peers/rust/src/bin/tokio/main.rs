//! The workloads of benchmarks/*_bench.cc, written as a user of tokio would write them, under the same names.
//!
//! Tokio has no rendezvous channel: where a workload has one, this has one of capacity 1, and W5_spsc and W6_mpmc do without that row. It
//! has no channel with several receivers either: they share one behind a mutex.

mod channels;
mod fibers;
mod jobs;
mod many;
mod selects;
mod timers;

use peers::{Run, Workload};
use std::future::Future;
use std::rc::Rc;
use tokio::runtime::{Builder, Runtime};

pub struct Workers(Rc<Runtime>);

impl Workers {
    fn new(n: usize) -> Self {
        let mut builder = if n == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        Workers(Rc::new(builder.worker_threads(n).enable_time().build().unwrap()))
    }

    /// Each batch is a task of its own: what block_on runs is on no worker.
    pub fn workload<F, Task>(&self, name: &'static str, batch: i64, f: F) -> Workload
    where
        F: Fn(Run) -> Task + 'static,
        Task: Future<Output = Run> + Send + 'static,
    {
        let runtime = self.0.clone();
        Workload { name, batch, execute: Box::new(move |r| runtime.block_on(runtime.spawn(f(r))).unwrap()), once: false }
    }

    pub fn once<F, Task>(&self, name: &'static str, batch: i64, f: F) -> Workload
    where
        F: Fn(Run) -> Task + 'static,
        Task: Future<Output = Run> + Send + 'static,
    {
        Workload { once: true, ..self.workload(name, batch, f) }
    }
}

fn main() {
    peers::main(concat!("tokio ", env!("VERSION_TOKIO")), |n| {
        let w = Workers::new(n);
        [fibers::all(&w), channels::all(&w), selects::all(&w), many::all(&w), timers::all(&w), jobs::all(&w)]
            .into_iter()
            .flatten()
            .collect()
    });
}
