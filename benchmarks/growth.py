#!/usr/bin/env python3
"""What an operation costs as the work grows, and as workers do: runs our growth_* and scaling_* benchmarks and draws them.

    growth_WHAT/ARGUMENT:VALUE/workers:N     growth_WHAT.svg: ns per operation over the argument, a line for each N
    scaling_WHAT/ARGUMENT:VALUE/workers:N    scaling_WHAT.svg: ns per operation over the workers, a line for each VALUE

Repetitions go over all rows from the top, so that a bad minute does not hit one row alone; a point is the median.
`./dev bench --growth` builds the benchmarks first.

Exit status: 0; 1 if a benchmark failed; 2 if there was nothing sound to run.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import collections
import json
import pathlib
import statistics
import typing

from measuring import machine, markdown, options, svg
from measuring.ours import Ours, split
from measuring.process import Unsound, end_with_status
from measuring.sampling import Samples, alternate, spread


class Point(typing.NamedTuple):
    """Where a row belongs."""

    plot: str
    axis: str
    x: int
    series: str


def parse_arguments() -> argparse.Namespace:
    p = options.parser(__doc__)
    options.add_sampling(p, reps=3, seconds=0.1)
    p.add_argument("--save", type=pathlib.Path, metavar="DIR", help="write GROWTH.md, growth.json and the pictures into DIR")
    return p.parse_args()


def point_of(row: str) -> Point:
    name, workers = split(row)
    plot, *arguments = name.split("/")
    pairs = [argument.partition(":") for argument in arguments]
    if plot.startswith("scaling_"):
        return Point(plot, "workers", workers, ", ".join(f"{key} {value}" for key, _, value in pairs) or "ours")
    if len(pairs) != 1 or not pairs[0][2].isdigit():
        raise Unsound(f"{row}: growth_WHAT/ARGUMENT:VALUE/workers:N was expected")
    ((axis, _, value),) = pairs
    return Point(plot, axis, int(value), f"{workers} worker{'s' if workers > 1 else ''}")


def plots_of(samples: Samples) -> dict[str, list[tuple[Point, list[float]]]]:
    plots = collections.defaultdict(list)
    for row, sides in samples.items():
        if "ours" in sides:
            point = point_of(row)
            plots[point.plot].append((point, [sample.wall for sample in sides["ours"]]))
    return dict(plots)


def picture(plot: str, points: list[tuple[Point, list[float]]]) -> str:
    series = collections.defaultdict(list)
    for point, walls in points:
        series[point.series].append((point.x, statistics.median(walls)))
    return svg.lines(plot.replace("_", " "), points[0][0].axis, "ns", series)


def table(plots: dict[str, list[tuple[Point, list[float]]]]) -> str:
    rows = []
    for plot, points in plots.items():
        for point, walls in points:
            amount = markdown.value(statistics.median(walls))
            rows.append([plot, f"{point.axis} {point.x:,.0f}", point.series, amount, f"{spread(walls):.0%}"])
    return markdown.table(["plot", "at", "line", "ns per operation", "spread"], rows, words=3)


def save(folder: pathlib.Path, plots: dict, text: str, where: dict, samples: Samples) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for plot, points in plots.items():
        (folder / f"{plot}.svg").write_text(picture(plot, points), encoding="utf-8")
    pictures = "\n".join(f"![{plot}]({plot}.svg)" for plot in plots)
    (folder / "GROWTH.md").write_text(f"# Cost as work grows\n\n{text}\n{pictures}\n", encoding="utf-8")
    data = json.dumps({"machine": where, "samples": samples}, indent=1)
    (folder / "growth.json").write_text(data + "\n", encoding="utf-8")


def main() -> int:
    arguments = parse_arguments()
    ours = Ours(arguments.bin)
    rows = [row for row in ours.rows(arguments.filter) if row.startswith(("growth_", "scaling_"))]
    if not rows:
        raise Unsound(f"no growth_* or scaling_* benchmark in {arguments.bin} matches {arguments.filter!r}")
    for row in rows:
        point_of(row)
    where = machine.describe()
    samples, failures = alternate([ours], rows, arguments.reps, arguments.min_time)
    plots = plots_of(samples)
    text = (f"{machine.our_version(ours.compiler)}; {where['date']}; {where['cpu']}; {where['kernel']}; "
            f"load {where['load_before']}; medians of {arguments.reps}.\n\n{table(plots)}\n")
    print(text, end="")
    if arguments.save:
        save(arguments.save, plots, text, where, samples)
    for failure in failures:
        print(f"{failure.row} FAILED: {failure.why}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    end_with_status("growth", main)
