package main

import (
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

var timers = []workload{
	{name: "W11_timer_start_stop/live:0", batch: 200_000, do: startStop(0)},
	{name: "W11_timer_start_stop/live:100000", batch: 200_000, do: startStop(100_000)},
	{name: "W11_sleepers", batch: million, once: true, do: sleepers},
	{name: "W14_fast_behind_slow_longest", batch: 1, once: true, do: func(r *run) { r.report(fastBehindSlow(r)[fast-1]) }},
	{name: "W14_fast_behind_slow_median", batch: 1, once: true, do: func(r *run) { r.report(fastBehindSlow(r)[fast/2]) }},
}

// Start a timer of one second and stop it, while others run that are due long after. AfterFunc, since a timer with a channel is only
// started when somebody waits for it.
func startStop(live int) func(*run) {
	return func(r *run) {
		others := make([]*time.Timer, live)
		for i := range others {
			others[i] = time.AfterFunc(time.Hour+time.Duration(i)*time.Millisecond, func() { panic("an hour has passed") })
		}
		var stopped int64
		r.start()
		for i := int64(0); i < r.count; i++ {
			if time.AfterFunc(time.Second, func() {}).Stop() {
				stopped++
			}
		}
		r.stop()
		for _, t := range others {
			r.expect(t.Stop(), "a timer fired early")
		}
		r.expect(stopped == r.count, "a timer fired early")
	}
}

// A million goroutines, each of which sleeps a microsecond longer than the one before, between half a second and one and a half. The
// value is processor time.
func sleepers(r *run) {
	var inTime atomic.Int64
	var all sync.WaitGroup
	before := used()
	all.Add(int(r.count))
	for i := int64(0); i < r.count; i++ {
		pause := 500*time.Millisecond + time.Duration(i)*time.Microsecond
		go func() {
			start := time.Now()
			time.Sleep(pause)
			if time.Since(start) >= pause {
				inTime.Add(1)
			}
			all.Done()
		}()
	}
	all.Wait()
	r.elapsed = used() - before
	r.expect(inTime.Load() == r.count, "one did not sleep long enough")
}

func burn(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

const fast = 20

// Three goroutines compute for 1.2 s each and never yield. Twenty others become due 20 ms after that has begun, each with 50 us of work:
// returns how long after they are due they are through with it, in order.
func fastBehindSlow(r *run) []int64 {
	const slow = 3
	var burners sync.WaitGroup
	burners.Add(slow)
	late := make(chan int64, fast)
	var begun atomic.Int64
	due := time.Now().Add(20 * time.Millisecond)
	for i := 0; i < fast; i++ {
		go func() {
			begun.Add(1)
			time.Sleep(time.Until(due))
			burn(50 * time.Microsecond)
			late <- int64(time.Since(due))
		}()
	}
	for begun.Load() < fast {
		runtime.Gosched()
	}
	for i := 0; i < slow; i++ {
		go func() {
			burn(1200 * time.Millisecond)
			burners.Done()
		}()
	}
	burners.Wait()
	all := make([]int64, fast)
	for i := range all {
		all[i] = <-late
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	r.expect(all[0] >= int64(50*time.Microsecond), "one did not run")
	return all
}
