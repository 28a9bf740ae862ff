package main

import "sync"

var channels = []workload{
	{name: "W3_ping_pong", batch: 50_000, do: pingPong},
	{name: "W5_spsc/capacity:0", batch: 100_000, do: spsc(0)},
	{name: "W5_spsc/capacity:64", batch: 400_000, do: spsc(64)},
	{name: "W5_spsc/capacity:1024", batch: 400_000, do: spsc(1024)},
	{name: "W6_mpmc/capacity:128", batch: 400_000, do: mpmc(128)},
	{name: "W6_mpmc/capacity:0", batch: 100_000, do: mpmc(0)},
}

// Two goroutines, two rendezvous channels; an operation is a round trip.
func pingPong(r *run) {
	there, back := make(chan int64), make(chan int64)
	go func() {
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	var sum int64
	r.start()
	for i := int64(0); i < r.count; i++ {
		there <- i
		sum += <-back
	}
	r.stop()
	close(there)
	<-back
	r.expect(sum == r.count*(r.count+1)/2, "a message is lost")
}

// One producer, one consumer; an operation is a message.
func spsc(capacity int) func(*run) {
	return func(r *run) {
		c := make(chan int64, capacity)
		var n, sum int64
		r.start()
		go func() {
			for i := int64(0); i < r.count; i++ {
				c <- i
			}
			close(c)
		}()
		for v := range c {
			sum += v
			n++
		}
		r.stop()
		r.expect(n == r.count && sum == r.count*(r.count-1)/2, "a message is lost")
	}
}

// Four producers, four consumers, one channel; an operation is a message.
func mpmc(capacity int) func(*run) {
	const side = 4
	return func(r *run) {
		c := make(chan int64, capacity)
		var producers, consumers sync.WaitGroup
		producers.Add(side)
		consumers.Add(side)
		var n, sum [side]int64
		r.start()
		for k := 0; k < side; k++ {
			k := k
			go func() {
				var count, total int64
				for v := range c {
					total += v
					count++
				}
				n[k], sum[k] = count, total
				consumers.Done()
			}()
			go func() {
				for i := int64(k); i < r.count; i += side {
					c <- i
				}
				producers.Done()
			}()
		}
		producers.Wait()
		close(c)
		consumers.Wait()
		r.stop()
		r.expect(n[0]+n[1]+n[2]+n[3] == r.count && sum[0]+sum[1]+sum[2]+sum[3] == r.count*(r.count-1)/2, "a message is lost")
	}
}
