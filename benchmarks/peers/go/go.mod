module sluice/benchmarks/peers/go

go 1.23
