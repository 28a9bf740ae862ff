package main

import (
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

// A million goroutines sleep until they are due, in no order, over a second that begins after half a one; the value is processor time.
func sleepers(r *run) {
	var early atomic.Int64
	var all sync.WaitGroup
	before := used()
	start := time.Now()
	all.Add(int(r.count))
	for i := int64(0); i < r.count; i++ {
		due := start.Add(500*time.Millisecond + time.Duration(i*7919%r.count)*time.Second/time.Duration(r.count))
		go func() {
			time.Sleep(time.Until(due))
			if time.Now().Before(due) {
				early.Add(1)
			}
			all.Done()
		}()
	}
	all.Wait()
	r.elapsed = used() - before
	r.expect(early.Load() == 0, "a sleeper woke early")
}

func burn(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

const fast = 20

// Three goroutines compute for long and never yield; twenty short ones become due when all workers are busy with those. Returns how long
// after that each of the twenty was done, in order.
func fastBehindSlow(r *run) []int64 {
	const slow = 3
	var burners sync.WaitGroup
	burners.Add(slow)
	late := make(chan int64, fast)
	due := time.Now().Add(20 * time.Millisecond)
	for i := 0; i < fast; i++ {
		go func() {
			time.Sleep(time.Until(due))
			burn(50 * time.Microsecond)
			late <- int64(time.Since(due))
		}()
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
	r.expect(all[0] >= int64(50*time.Microsecond), "one was done before it began")
	return all
}
