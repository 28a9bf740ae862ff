package main

import (
	"runtime"
	"sync"
)

var fibers = []workload{
	{name: "W1_yield", batch: 200_000, do: yield},
	{name: "W2_spawn_join", batch: 100_000, do: spawnJoin},
	{name: "W2b_spawn_one", batch: 50_000, do: spawnOne},
	{name: "W4_ring", batch: 100_000, do: ring},
}

// Two goroutines yield in turn; an operation is one yield.
func yield(r *run) {
	turns := r.count / 2
	done := make(chan int64)
	r.start()
	go func() {
		var n int64
		for ; n < turns; n++ {
			runtime.Gosched()
		}
		done <- n
	}()
	var n int64
	for ; n < turns; n++ {
		runtime.Gosched()
	}
	n += <-done
	r.stop()
	r.expect(n == r.count, "a yield is missing")
}

// A thousand trivial goroutines at a time, then wait for all.
func spawnJoin(r *run) {
	const together = 1000
	var results [together]int64
	var sum int64
	r.start()
	for round := int64(0); round < r.count/together; round++ {
		var all sync.WaitGroup
		all.Add(together)
		for i := int64(0); i < together; i++ {
			i := i
			go func() {
				results[i] = i + round
				all.Done()
			}()
		}
		all.Wait()
		for _, v := range results {
			sum += v - round
		}
	}
	r.stop()
	r.expect(sum == r.count/together*(together*(together-1)/2), "a goroutine did not run")
}

// Start one, take its result.
func spawnOne(r *run) {
	var sum int64
	r.start()
	for i := int64(0); i < r.count; i++ {
		i := i
		result := make(chan int64, 1)
		go func() { result <- i }()
		sum += <-result
	}
	r.stop()
	r.expect(sum == r.count*(r.count-1)/2, "a result is missing")
}

// A token round a thousand goroutines, this one included; an operation is one hop.
func ring(r *run) {
	const size = 1000
	first := make(chan int64)
	last := first
	for i := 1; i < size; i++ {
		from, to := last, make(chan int64)
		go func() {
			for token := range from {
				to <- token + 1
			}
			close(to)
		}()
		last = to
	}
	var token int64
	r.start()
	for round := int64(0); round < r.count/size; round++ {
		first <- token + 1
		token = <-last
	}
	r.stop()
	close(first)
	<-last
	r.expect(token == r.count, "the token missed a hop")
}
