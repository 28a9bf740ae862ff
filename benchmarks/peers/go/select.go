package main

import (
	"reflect"
	"time"
)

var selects = []workload{
	{name: "W7_select_ready/n:2", batch: 102_400, do: ready(2, selecting)},
	{name: "W7_select_ready/n:8", batch: 102_400, do: ready(8, selecting)},
	{name: "W7_select_ready/n:64", batch: 10_240, do: ready(64, selecting)},
	{name: "W7_select_ready/n:1000", batch: 512, do: ready(1000, selecting)},
	{name: "W7_select_blocking/n:2", batch: 50_000, do: blocking(2, selecting)},
	{name: "W7_select_blocking/n:8", batch: 50_000, do: blocking(8, selecting)},
	{name: "W7_select_blocking/n:64", batch: 10_000, do: blocking(64, selecting)},
	{name: "W7_select_blocking/n:1000", batch: 1_000, do: blocking(1000, selecting)},
	{name: "W7_set_ready/n:2", batch: 102_400, do: ready(2, registered)},
	{name: "W7_set_ready/n:8", batch: 102_400, do: ready(8, registered)},
	{name: "W7_set_ready/n:64", batch: 10_240, do: ready(64, registered)},
	{name: "W7_set_ready/n:1000", batch: 512, do: ready(1000, registered)},
	{name: "W7_set_blocking/n:2", batch: 50_000, do: blocking(2, registered)},
	{name: "W7_set_blocking/n:8", batch: 50_000, do: blocking(8, registered)},
	{name: "W7_set_blocking/n:64", batch: 10_000, do: blocking(64, registered)},
	{name: "W7_set_blocking/n:1000", batch: 1_000, do: blocking(1000, registered)},
	{name: "W8_select_timeout", batch: 50_000, do: timeout},
	{name: "W8_timer_reused", batch: 50_000, do: reusedTimer},
	{name: "W9_default/cases:1", batch: 1_000_000, do: default1},
	{name: "W9_default/cases:2", batch: 1_000_000, do: default2},
	{name: "W9_exchange", batch: 50_000, do: exchange},
}

// selecting gives a function that receives from whichever of the channels is ready: a select statement of that size for as many as a
// program would write down, more than those are registered.
func selecting(c []chan int64) func() int64 {
	switch len(c) {
	case 2:
		a, b := c[0], c[1]
		return func() (v int64) {
			select {
			case v = <-a:
			case v = <-b:
			}
			return
		}
	case 8:
		c0, c1, c2, c3, c4, c5, c6, c7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
		return func() (v int64) {
			select {
			case v = <-c0:
			case v = <-c1:
			case v = <-c2:
			case v = <-c3:
			case v = <-c4:
			case v = <-c5:
			case v = <-c6:
			case v = <-c7:
			}
			return
		}
	}
	return registered(c)
}

// registered gives the same for channels that are known only when the program runs: reflect.Select, whose cases are made once.
func registered(c []chan int64) func() int64 {
	cases := make([]reflect.SelectCase, len(c))
	for i := range c {
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c[i])}
	}
	return func() int64 {
		_, v, _ := reflect.Select(cases)
		return v.Int()
	}
}

func channelsOf(n, capacity int) []chan int64 {
	c := make([]chan int64, n)
	for i := range c {
		c[i] = make(chan int64, capacity)
	}
	return c
}

// Receive over n buffered channels none of which is ever empty: they are filled up between rounds, with the watch stopped.
func ready(n int, receiver func([]chan int64) func() int64) func(*run) {
	const depth = 256
	return func(r *run) {
		c := channelsOf(n, depth)
		receive := receiver(c)
		var sent, got, left int64
		for round := int64(0); round < r.count/depth; round++ {
			for _, one := range c {
				for len(one) < depth {
					one <- 1
					sent++
				}
			}
			r.start()
			for i := 0; i < depth; i++ {
				got += receive()
			}
			r.stop()
		}
		for _, one := range c {
			left += int64(len(one))
		}
		r.expect(got == r.count && got+left == sent, "a message is lost")
	}
}

// One producer sends to each of n rendezvous channels in turn, so that the select parks.
func blocking(n int, receiver func([]chan int64) func() int64) func(*run) {
	return func(r *run) {
		c := channelsOf(n, 0)
		receive := receiver(c)
		var sum int64
		r.start()
		go func() {
			for i := int64(0); i < r.count; i++ {
				c[i%int64(n)] <- i
			}
		}()
		for i := int64(0); i < r.count; i++ {
			sum += receive()
		}
		r.stop()
		r.expect(sum == r.count*(r.count-1)/2, "a message is lost")
	}
}

// Receive, or give up after a second: a fresh timer each time, stopped when it lost.
func timeout(r *run) {
	c := make(chan int64)
	var sum, late int64
	r.start()
	go func() {
		for i := int64(0); i < r.count; i++ {
			c <- i
		}
	}()
	for i := int64(0); i < r.count; i++ {
		timer := time.NewTimer(time.Second)
		select {
		case v := <-c:
			sum += v
		case <-timer.C:
			late++
		}
		timer.Stop()
	}
	r.stop()
	r.expect(late == 0 && sum == r.count*(r.count-1)/2, "a message is lost")
}

// The same with one timer, set again each time.
func reusedTimer(r *run) {
	c := make(chan int64)
	var sum, late int64
	r.start()
	go func() {
		for i := int64(0); i < r.count; i++ {
			c <- i
		}
	}()
	timer := time.NewTimer(time.Second)
	for i := int64(0); i < r.count; i++ {
		timer.Reset(time.Second)
		select {
		case v := <-c:
			sum += v
		case <-timer.C:
			late++
		}
	}
	timer.Stop()
	r.stop()
	r.expect(late == 0 && sum == r.count*(r.count-1)/2, "a message is lost")
}

// Poll an empty channel.
func default1(r *run) {
	a := make(chan int64, 1)
	var none int64
	r.start()
	for i := int64(0); i < r.count; i++ {
		select {
		case <-a:
		default:
			none++
		}
	}
	r.stop()
	r.expect(none == r.count, "something came from nowhere")
}

// Poll two empty channels.
func default2(r *run) {
	a, b := make(chan int64, 1), make(chan int64, 1)
	var none int64
	r.start()
	for i := int64(0); i < r.count; i++ {
		select {
		case <-a:
		case <-b:
		default:
			none++
		}
	}
	r.stop()
	r.expect(none == r.count, "something came from nowhere")
}

// Two goroutines, each offering to send on one channel and to receive on the other; an operation is one value that changed hands.
func exchange(r *run) {
	a, b := make(chan int64), make(chan int64)
	trade := func(out, in chan int64) (balance int64) {
		for i := int64(0); i < r.count; i++ {
			select {
			case out <- i:
				balance -= i
			case v := <-in:
				balance += v
			}
		}
		return
	}
	other := make(chan int64)
	r.start()
	go func() { other <- trade(b, a) }()
	mine := trade(a, b)
	balance := mine + <-other
	r.stop()
	r.expect(balance == 0, "a value is lost")
}
