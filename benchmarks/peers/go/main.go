// The workloads of benchmarks/*_bench.cc, written as a Go programmer would write them, under the same names.
//
//	GOMAXPROCS=2 peer -run '^W3_ping_pong$' -min 0.2
//
// prints a line `W3_ping_pong/workers:2 231.7 240.1`: the name, the nanoseconds per operation, and those that the process spent on
// it on all its cores, preparation included. Every workload checks what arrived, outside of the timed part, and panics when something
// is missing.
package main

import (
	"flag"
	"fmt"
	"regexp"
	"runtime"
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
	if w.batch > 1 {
		w.do(&run{count: w.batch})
	}
	var total run
	before := used()
	for total.count == 0 || total.elapsed < least {
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
	list := flag.Bool("list", false, "print the names and stop")
	flag.Parse()

	chosen := regexp.MustCompile(*pattern)
	for _, area := range [][]workload{fibers, channels, selects, jobs} {
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
