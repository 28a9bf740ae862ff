// The workloads of benchmarks/*_bench.cc, written as a Go programmer would write them, under the same names.
//
//	peer -workers 2 -run '^W3_ping_pong$' -min 0.2
//
// prints a line `W3_ping_pong/workers:2 231.7 240.1`: the name, the nanoseconds per operation (or what ../README.md says instead), and
// those that the process spent on it on all its cores, preparation included. Every workload checks what arrived, outside of the timed
// part, and panics when something is missing.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A run is one batch of a workload: how many operations to do, and the watch around those that count.
type run struct {
	count   int64
	started time.Time
	elapsed time.Duration
}

func (r *run) start() { r.started = time.Now() }
func (r *run) stop()  { r.elapsed += time.Since(r.started) }

// Instead of the watch, for a workload that measures something else: value is that of one operation.
func (r *run) report(value int64) { r.elapsed = time.Duration(value * r.count) }

func (r *run) expect(right bool, what string) {
	if !right {
		panic(what)
	}
}

// A workload does r.count operations; batch is the count, large enough that what happens once does not show.
type workload struct {
	name  string
	batch int64
	do    func(r *run)
	once  bool // one batch, the first of its process: it is measured cold, or warms up by itself, and -min does not matter
}

// used is the processor time of this process so far, on all cores.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure repeats batches for at least the given time, after one that only warms up. A workload whose batch is one operation is a job of
// its own: it is measured as a program would run it, cold.
func measure(w workload, least time.Duration) (wall, cpu float64) {
	if w.batch > 1 && !w.once {
		w.do(&run{count: w.batch})
	}
	var total run
	before := used()
	for total.count == 0 || total.elapsed < least && !w.once {
		r := run{count: w.batch}
		w.do(&r)
		total.elapsed += r.elapsed
		total.count += r.count
	}
	return float64(total.elapsed) / float64(total.count), float64(used()-before) / float64(total.count)
}

func main() {
	pattern := flag.String("run", ".", "only workloads whose name matches this regular expression")
	least := flag.Float64("min", 0.2, "measure each for at least this many seconds")
	workers := flag.Int("workers", 0, "use this many processors (default: GOMAXPROCS, or all)")
	list := flag.Bool("list", false, "print the names and stop")
	version := flag.Bool("version", false, "print what is measured and stop")
	flag.Parse()
	if flag.NArg() > 0 || *workers < 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *version {
		fmt.Printf("Go %s, compiler %s\n", strings.TrimPrefix(runtime.Version(), "go"), runtime.Compiler)
		return
	}
	runtime.GOMAXPROCS(*workers) // 0 changes nothing

	chosen := regexp.MustCompile(*pattern)
	for _, area := range [][]workload{fibers, channels, selects, many, timers, futures, jobs} {
		for _, w := range area {
			switch {
			case !chosen.MatchString(w.name):
			case *list:
				fmt.Println(w.name)
			default:
				wall, cpu := measure(w, time.Duration(*least*float64(time.Second)))
				fmt.Printf("%s/workers:%d %.2f %.2f\n", w.name, runtime.GOMAXPROCS(0), wall, cpu)
			}
		}
	}
}
