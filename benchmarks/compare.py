#!/usr/bin/env python3
"""Runs the benchmarks and the Go program of peers/go beside each other, and prints what came out as a table.

One run alternates: each workload is measured on one side and at once on the other, each time in a fresh process, and again from the
top as often as --reps says. So what the machine does to one side in a bad minute it does to the other; only the ratios mean anything.

A row counts as slower than Go if both its median and its best sample are: noise moves one of them, a defect moves both.

Exit status: 0; 1 if a benchmark failed, or with --floor if a row is slower than Go; 2 if there was nothing sound to compare.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import typing

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ["fiber_bench", "channel_bench", "select_bench", "jobs_bench"]
KIND_OF_TIME = "/process_time/manual_time"  # which Google Benchmark's command line wants after each name
ONE_BATCH = 0.001  # seconds: less than any batch takes
PATIENCE = 120  # seconds for one sample: a lost message may show as a hang


class Unsound(Exception):
    pass


def output_of(command, **kwargs):
    return subprocess.run([str(c) for c in command], check=True, text=True, stdout=subprocess.PIPE, timeout=PATIENCE, **kwargs).stdout


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", type=pathlib.Path, metavar="DIR", help="use the benchmark programs in DIR instead of building them with bazel")
    p.add_argument("--go", metavar="PATH", help="the go tool (default: the one that peers/install_go.sh finds or installs)")
    p.add_argument("--filter", default="", metavar="REGEX", help="only rows whose name matches, such as W3 or workers:1")
    p.add_argument("--reps", type=int, default=3, metavar="K", help="samples of each row on each side (default %(default)s)")
    p.add_argument("--min-time", type=float, default=0.2, metavar="S", help="measure for S seconds in each sample (default %(default)s)")
    p.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every sample and the versions to FILE")
    p.add_argument("--floor", action="store_true", help="exit with 1 if any row is slower than Go")
    return p.parse_args()


class Sample(typing.NamedTuple):
    """Nanoseconds for an operation: on the clock, and of processor time on all cores (what is prepared and checked included)."""

    wall: float
    cpu: float


class Ours:
    """The benchmark programs; a row is a benchmark's name."""

    def __init__(self, folder):
        self.row_program = {}
        self.context = {}
        for name in PROGRAMS:
            program = folder / name
            if not program.exists():
                raise Unsound(f"there is no {program}")
            for row in output_of([program, "--benchmark_list_tests"]).split():
                self.row_program[row.removesuffix(KIND_OF_TIME)] = program

    def measure(self, row, least):
        out = output_of([
            self.row_program[row], f"--benchmark_filter=^{row}{KIND_OF_TIME}$",
            f"--benchmark_min_time={least}", "--benchmark_format=json"
        ])
        report = json.loads(out)
        self.context = report["context"]
        if self.context["sluice_optimised"] != "yes":
            raise Unsound(f"{self.row_program[row]} is not an optimised build")
        (result,) = report["benchmarks"]
        if result.get("error_occurred"):
            raise Unsound(f"{row}: {result['error_message']}")
        assert result["time_unit"] == "ns"
        return Sample(result["real_time"], result["cpu_time"])


class Go:
    """The program in peers/go; it has the names of the rows without the number of workers, which is GOMAXPROCS."""

    def __init__(self, tool, folder):
        self.program = folder / "peer"
        source = HERE / "peers" / "go"
        env = dict(os.environ, GOFLAGS="-mod=mod", GOTOOLCHAIN="local", GOCACHE=str(folder / "cache"))
        output_of([tool, "build", "-o", self.program, "."], cwd=source, env=env)
        self.version = output_of([tool, "version"]).split()[2]
        self.names = set(output_of([self.program, "-list"]).split())

    def measure(self, row, least):
        name, workers = row.rsplit("/workers:", 1)
        out = output_of([self.program, "-run", f"^{re.escape(name)}$", "-min", least], env=dict(os.environ, GOMAXPROCS=workers))
        measured, wall, cpu = out.split()
        assert measured == row
        return Sample(float(wall), float(cpu))


def rows_of(ours, go, pattern):
    """The rows of one worker, then those of two; both sides must have every one of them."""
    missing = {r.rsplit("/workers:", 1)[0] for r in ours.row_program} ^ go.names
    if missing:
        raise Unsound(f"only one side has {', '.join(sorted(missing))}")
    number = lambda row: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", row)]
    rows = sorted((r for r in ours.row_program if re.search(pattern, r)), key=lambda r: (r.rsplit(":", 1)[1], number(r)))
    if not rows:
        raise Unsound(f"no row matches {pattern}")
    return rows


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def sample(ours, go, rows, reps, least):
    samples = {row: {"ours": [], "go": []} for row in rows}
    for rep in range(reps):
        for row in rows:
            progress(f"{rep + 1}/{reps} {row}")
            # The sieve is a job that a program does once: a fresh process for each.
            seconds = ONE_BATCH if row.startswith("W13") else least
            sides = [("ours", ours), ("go", go)]
            for key, side in sides if rep % 2 == 0 else reversed(sides):
                samples[row][key].append(side.measure(row, seconds))
    progress("")
    return samples


def human(ns):
    if ns >= 1e6:
        return f"{ns / 1e6:.1f} ms"
    return f"{ns:.1f}" if ns < 100 else f"{ns:,.0f}"


def spread(values):
    return f"{(max(values) - min(values)) / statistics.median(values):.0%}"


def table(samples):
    lines = ["| workload | workers | ours | Go | Go/ours | of minima | of CPU time | spread, ours / Go |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    slower = []
    for row, sides in samples.items():
        name, workers = row.rsplit("/workers:", 1)
        ours, go = ([s.wall for s in sides[side]] for side in ("ours", "go"))
        ours_cpu, go_cpu = (statistics.median(s.cpu for s in sides[side]) for side in ("ours", "go"))
        ratio = statistics.median(go) / statistics.median(ours)
        of_minima = min(go) / min(ours)
        mark = ""
        if ratio < 1 and of_minima < 1:
            slower.append(row)
            mark = " **slower**"
        lines.append(f"| {name} | {workers} | {human(statistics.median(ours))} | {human(statistics.median(go))} | {ratio:.2f}{mark} "
                     f"| {of_minima:.2f} | {go_cpu / ours_cpu:.2f} | {spread(ours)} / {spread(go)} |")
    return "\n".join(lines), slower


def machine(ours, go):
    cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    return {
        "compiler": ours.context["compiler"],
        "go": go.version,
        "kernel": f"{platform.system()} {platform.release()}",
        "cpu": f"{cpu}, {os.cpu_count()} cores",
        "load_before": round(os.getloadavg()[0], 2),
    }


def built_programs(arguments):
    if arguments.bin:
        return arguments.bin
    workspace = HERE.parent
    subprocess.run(["bazel", "build", "-c", "opt", "//benchmarks/..."], cwd=workspace, check=True, stdout=sys.stderr)
    outputs = output_of(["bazel", "info", "-c", "opt", "bazel-bin"], cwd=workspace, stderr=subprocess.DEVNULL).strip()
    return pathlib.Path(outputs) / "benchmarks"


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(built_programs(arguments))
        go = Go(arguments.go or output_of([HERE / "peers" / "install_go.sh"]).strip(), pathlib.Path(folder))
        rows = rows_of(ours, go, arguments.filter)
        ours.measure(rows[0], ONE_BATCH)  # refuses a build without optimisation before minutes are spent on it
        versions = machine(ours, go)
        samples = sample(ours, go, rows, arguments.reps, arguments.min_time)
    text, slower = table(samples)
    print(f"{versions['compiler']} and {versions['go']}, {versions['kernel']}, {versions['cpu']}, load {versions['load_before']}.")
    print(f"ns per operation unless said otherwise, medians of {arguments.reps}, alternating. CPU time is that of the whole process,")
    print(f"what a workload prepares and checks included.\n\n{text}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"versions": versions, "wall_and_cpu_ns": samples}, indent=1) + "\n")
    if slower:
        print(f"\n{len(slower)} of {len(samples)} rows slower than Go: {', '.join(slower)}")
    return 1 if arguments.floor and slower else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unsound as e:
        print(f"compare: {e}", file=sys.stderr)
        sys.exit(2)
    except subprocess.CalledProcessError as e:
        print(f"compare: {e.cmd[0]} failed with {e.returncode}", file=sys.stderr)
        sys.exit(1)
    except subprocess.TimeoutExpired as e:
        print(f"compare: {e.cmd[0]} hangs", file=sys.stderr)
        sys.exit(1)
