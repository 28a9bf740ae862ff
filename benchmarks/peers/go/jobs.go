package main

import (
	"sync"
	"time"
)

var jobs = []workload{
	{name: "W12_batch_tick", batch: 5_000_000, do: batchTick},
	{name: "W13_sieve", batch: 1, do: sieve},
	{name: "W16_pipeline", batch: 200_000, do: pipeline(0)},
	{name: "W17_pipeline_work", batch: 20_000, do: pipeline(twoMicroseconds)},
}

type activity struct {
	user uint32
	when int64
}

type batch map[uint32]int64

// Keeps the newest time of each user, and hands what it has over once a tick.
func aggregate(events <-chan activity, batches chan<- batch) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	current := batch{}
	for {
		select {
		case e, more := <-events:
			if !more {
				batches <- current
				close(batches)
				return
			}
			if e.when > current[e.user] {
				current[e.user] = e.when
			}
		case <-tick.C:
			batches <- current
			current = batch{}
		}
	}
}

// Eight producers, one aggregator, one table; an operation is an event.
func batchTick(r *run) {
	const users, producers = 10_000, 8
	each := r.count / producers
	events, batches := make(chan activity, 1024), make(chan batch, 2)
	table := batch{}
	r.start()
	go aggregate(events, batches)
	var all sync.WaitGroup
	all.Add(producers)
	for p := int64(0); p < producers; p++ {
		p := p
		go func() {
			for i := int64(1); i <= each; i++ {
				events <- activity{uint32((i*producers + p) % users), i}
			}
			all.Done()
		}()
	}
	go func() {
		all.Wait()
		close(events)
	}()
	for b := range batches {
		for user, when := range b {
			if when > table[user] {
				table[user] = when
			}
		}
	}
	r.stop()

	newest := make([]int64, users)
	for i := each - users; i <= each; i++ {
		for p := int64(0); p < producers; p++ {
			newest[(i*producers+p)%users] = i
		}
	}
	r.expect(len(table) == users, "a user is missing")
	for user, when := range newest {
		r.expect(table[uint32(user)] == when, "an event is lost")
	}
}

// Primes by a chain of filters, one for each prime; an operation is the whole of it.
func sieve(r *run) {
	const primes, last = 2000, 17_389
	first := make(chan int64)
	r.start()
	go func() {
		for i := int64(2); i <= last; i++ {
			first <- i
		}
		close(first)
	}()
	var prime int64
	from := first
	for i := 0; i < primes; i++ {
		prime = <-from
		in, out, divisor := from, make(chan int64), prime
		go func() {
			for v := range in {
				if v%divisor != 0 {
					out <- v
				}
			}
			close(out)
		}()
		from = out
	}
	r.stop()
	_, more := <-from
	r.expect(prime == last && !more, "the sieve has a hole")
}

// What work takes about two microseconds for at 3.5 GHz: so many multiplications, each of which needs the result of the last. Not a look
// at the clock, which goes on while others have the processor.
const twoMicroseconds = 1750

func work(v uint64, rounds int) uint64 {
	for i := 0; i < rounds; i++ {
		v = v*6364136223846793005 + 1442695040888963407
	}
	return v
}

// One source, four workers, one sink; an operation is an item.
func pipeline(rounds int) func(*run) {
	const workers, capacity = 4, 128
	return func(r *run) {
		items, results := make(chan uint64, capacity), make(chan uint64, capacity)
		n := uint64(r.count)
		var count, sum uint64
		r.start()
		go func() {
			for i := uint64(0); i < n; i++ {
				items <- i
			}
			close(items)
		}()
		var all sync.WaitGroup
		all.Add(workers)
		for k := 0; k < workers; k++ {
			go func() {
				for v := range items {
					results <- work(v, rounds)
				}
				all.Done()
			}()
		}
		go func() {
			all.Wait()
			close(results)
		}()
		for v := range results {
			sum += v
			count++
		}
		r.stop()
		// work(v) is a*v + b, whatever the rounds.
		b := work(0, rounds)
		a := work(1, rounds) - b
		r.expect(count == n && sum == a*(n*(n-1)/2)+b*n, "an item is lost")
	}
}
