//! What both peer programs use: a batch with its watch, the command line, and how a workload is measured. ../README.md says what a program
//! takes and prints. Every workload checks what arrived, outside of the timed part, and panics when something is missing.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

/// One batch of a workload: how many operations to do, and the watch around those that count.
pub struct Run {
    count: i64,
    started: Instant,
    elapsed: Duration,
}

impl Run {
    pub fn new(count: i64) -> Self {
        Run { count, started: Instant::now(), elapsed: Duration::ZERO }
    }
    pub fn count(&self) -> i64 {
        self.count
    }
    pub fn start(&mut self) {
        self.started = Instant::now();
    }
    pub fn stop(&mut self) {
        self.elapsed += self.started.elapsed();
    }
    /// Instead of the watch, for a workload that measures something else: what all operations took together.
    pub fn report(&mut self, total: Duration) {
        self.elapsed = total;
    }
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// A workload does `count` operations; `batch` is the count, large enough that what happens once does not show.
pub struct Workload {
    pub name: &'static str,
    pub batch: i64,
    pub execute: Box<dyn Fn(Run) -> Run>,
    /// One batch, the first of its process: it is measured cold, or warms up by itself, and -min does not matter.
    pub once: bool,
}

/// The processor time of this process so far, on all cores.
pub fn used() -> Duration {
    let mut u = unsafe { std::mem::zeroed::<libc::rusage>() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) }, 0);
    let of = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    of(u.ru_utime) + of(u.ru_stime)
}

/// Repeats batches for at least the given time, after one that only warms up. A workload whose batch is one operation is a job of its own:
/// it is measured as a program would run it, cold. Returns wall and processor time per operation, in nanoseconds.
fn measure(w: &Workload, least: Duration) -> (f64, f64) {
    let batch = || (w.execute)(Run::new(w.batch)).elapsed;
    if w.batch > 1 && !w.once {
        batch();
    }
    let mut count = 0;
    let mut elapsed = Duration::ZERO;
    let before = used();
    while count == 0 || elapsed < least && !w.once {
        elapsed += batch();
        count += w.batch;
    }
    let each = |time: Duration| time.as_nanos() as f64 / count as f64;
    (each(elapsed), each(used() - before))
}

fn fail(why: &str) -> ! {
    eprintln!("peer: {why}");
    std::process::exit(2)
}

/// The whole program: `version` is the line that -version prints, `workloads` gives them for so many workers.
pub fn main(version: &str, workloads: fn(usize) -> Vec<Workload>) {
    if cfg!(debug_assertions) {
        fail("not an optimised build: use cargo build --release");
    }
    let (mut pattern, mut least, mut workers, mut list) = (String::new(), 0.2, 1, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| fail(&format!("{flag} has no value")));
        match flag.as_str() {
            "-run" => pattern = value(),
            "-min" => least = value().parse().unwrap_or_else(|_| fail("-min wants seconds")),
            "-workers" => workers = value().parse().unwrap_or_else(|_| fail("-workers wants a number")),
            "-list" => list = true,
            "-version" => return println!("{version}, rustc {}", env!("VERSION_RUSTC")),
            _ => fail("usage: peer [-run REGEX] [-min SECONDS] [-workers N] | -list | -version"),
        }
    }
    if workers == 0 {
        fail("-workers wants at least 1");
    }
    let chosen = regex::Regex::new(&pattern).unwrap_or_else(|e| fail(&e.to_string()));
    for w in workloads(workers).iter().filter(|w| chosen.is_match(w.name)) {
        if list {
            println!("{}", w.name);
        } else {
            let (wall, cpu) = measure(w, Duration::from_secs_f64(least));
            println!("{}/workers:{workers} {wall:.2} {cpu:.2}", w.name);
        }
    }
}

/// Whether each of 0, 1, ..., n - 1 has arrived once.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub count: i64,
    pub sum: i64,
}

impl Tally {
    pub fn add(&mut self, v: i64) {
        self.count += 1;
        self.sum += v;
    }
    pub fn is_all_of(&self, n: i64) -> bool {
        self.count == n && self.sum == n * (n - 1) / 2
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(all: I) -> Tally {
        all.fold(Tally::default(), |a, b| Tally { count: a.count + b.count, sum: a.sum + b.sum })
    }
}

/// 1,750 of these take about two microseconds at 3.5 GHz: so many multiplications, each of which needs the result of the last. Not a look
/// at the clock, which goes on while others have the processor.
pub const TWO_MICROSECONDS: u32 = 1750;

pub fn work(mut v: u64, rounds: u32) -> u64 {
    for _ in 0..rounds {
        v = v.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        // Nothing, but the compiler cannot know, and so does not make one round of several.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) v, options(nomem, nostack, preserves_flags)) };
    }
    v
}

/// What `work` of each of 0, 1, ..., n - 1 adds up to: it is a * v + b, whatever the rounds.
pub fn sum_of_work(n: u64, rounds: u32) -> u64 {
    let b = work(0, rounds);
    let a = work(1, rounds).wrapping_sub(b);
    a.wrapping_mul(n * (n - 1) / 2).wrapping_add(b.wrapping_mul(n))
}

pub fn burn(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {}
}

/// The events of W12: who was active, and when.
pub type Activity = (u32, i64);
pub type Batch = HashMap<u32, i64, BuildHasherDefault<NumberHasher>>;

/// For numbers: std's own hasher withstands an attacker, which costs more than the rest of an event.
#[derive(Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers")
    }
    fn write_u32(&mut self, v: u32) {
        self.0 = u64::from(v).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

pub const USERS: i64 = 10_000;
pub const PRODUCERS: i64 = 8;

pub fn user_of(i: i64, producer: i64) -> u32 {
    ((i * PRODUCERS + producer) % USERS) as u32
}

pub fn keep_newest(table: &mut Batch, user: u32, when: i64) {
    let newest = table.entry(user).or_insert(when);
    *newest = when.max(*newest);
}

/// What the table holds when each producer's times 1, ..., each have arrived.
pub fn newest(each: i64) -> Batch {
    let mut table = Batch::default();
    for i in each - USERS..=each {
        for p in 0..PRODUCERS {
            table.insert(user_of(i, p), i);
        }
    }
    table
}

pub const PRIMES: usize = 2000;
pub const LAST_PRIME: i64 = 17_389;

/// In which order the futures of W15 complete.
pub const TOGETHER: usize = 100;

pub fn nth_to_complete(n: usize) -> usize {
    n * 37 % TOGETHER
}
