package main

import "reflect"

// A future is a channel that has room for its one value.
var futures = []workload{
	{name: "W15_oneshot", batch: 200_000, do: oneshot},
	{name: "W15_as_completed", batch: 10_000, do: asCompleted},
}

// Make one, set it, take its value.
func oneshot(r *run) {
	var sum int64
	r.start()
	for i := int64(0); i < r.count; i++ {
		c := make(chan int64, 1)
		c <- i
		sum += <-c
	}
	r.stop()
	r.expect(sum == r.count*(r.count-1)/2, "a value is lost")
}

// A hundred are set by another goroutine, and taken in the order in which they are; an operation is one of them.
func asCompleted(r *run) {
	const together = 100
	var sum int64
	r.start()
	for round := int64(0); round < r.count/together; round++ {
		var futures [together]chan int64
		left := make([]reflect.SelectCase, together)
		for i := range futures {
			futures[i] = make(chan int64, 1)
			left[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(futures[i])}
		}
		go func() {
			for i := 0; i < together; i++ {
				k := i * 37 % together
				futures[k] <- int64(k)
			}
		}()
		for len(left) > 0 {
			i, v, _ := reflect.Select(left)
			sum += v.Int()
			last := len(left) - 1
			left[i] = left[last]
			left = left[:last]
		}
	}
	r.stop()
	r.expect(sum == r.count*(together-1)/2, "a value is lost")
}
