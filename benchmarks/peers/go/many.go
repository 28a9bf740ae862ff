package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

const million = 1_000_000

// Cold is the first crowd of a process; warm the second, after as many have been there and gone.
var many = []workload{
	{name: "W10_many_spawn_cold", batch: million, once: true, do: func(r *run) { crowd(r, &run{}) }},
	{name: "W10_many_spawn_warm", batch: million, once: true, do: func(r *run) { crowd(&run{}, &run{}); crowd(r, &run{}) }},
	{name: "W10_many_wake", batch: million, once: true, do: func(r *run) { crowd(&run{}, &run{}); crowd(&run{}, r) }},
	{name: "W10_many_bytes", batch: million, once: true, do: func(r *run) { r.report(crowd(&run{}, &run{})) }},
}

func residentBytes() int64 {
	var total, resident int64
	text, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(text), &total, &resident)
	}
	if err != nil {
		panic(err)
	}
	return resident * int64(os.Getpagesize())
}

// A million goroutines that all wait in one channel until it is closed: spawning runs until all of them wait, waking until all have
// ended. Returns the resident bytes for each.
func crowd(spawning, waking *run) int64 {
	gate := make(chan struct{})
	var begun atomic.Int64
	var all sync.WaitGroup
	before := residentBytes()
	spawning.start()
	all.Add(million)
	for i := 0; i < million; i++ {
		go func() {
			begun.Add(1)
			<-gate
			all.Done()
		}()
	}
	for begun.Load() < million {
		runtime.Gosched()
	}
	spawning.stop()
	bytes := (residentBytes() - before) / million
	waking.start()
	close(gate)
	all.Wait()
	waking.stop()
	return bytes
}
