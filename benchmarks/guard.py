#!/usr/bin/env python3
"""Fails if a benchmark has become much slower than guard.json says: a guard against going back, for any machine.

Times mean nothing on another machine, so ratios are compared: to a calibration loop, and to Go where that is installed
(nothing is installed here), each measured by turns with the row. All rows have one worker, and what counts is processor
time: with ten other processes on two cores, times on the clock doubled, while these ratios moved by a twentieth.

A row has become slower if, against everything that it is compared with, both the median and the minimum of the ratio are
above the recorded ones by the row's factor; and if that is seen again when the row is measured once more. The factor leaves
room for processors of another kind and for the noise seen when the ratios were recorded, so what passes here may still have
become slower by half: the table of compare.py shows that.

The last line is `N passed, N failed`. `--record` measures longer, and writes guard.json anew.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import pathlib
import shutil
import statistics

from measuring import machine, options, peers, targets
from measuring.ours import Ours
from measuring.process import Failed, Sample, Unsound, end_with_status
from measuring.sampling import Samples, Side, alternate

HERE = pathlib.Path(__file__).resolve().parent
ROWS = [
    "W1_yield/workers:1", "W2b_spawn_one/workers:1", "W3_ping_pong/workers:1", "W5_spsc/capacity:64/workers:1",
    "W6_mpmc/capacity:128/workers:1", "W7_select_blocking/n:8/workers:1", "W8_select_timeout/workers:1",
    "W15_oneshot/workers:1"
]
LOOP = "calibration"
GO = "Go"
GO_TOOLS = ["/usr/lib/go-1.23/bin/go", "/usr/lib/go/bin/go"]  # beside those on the PATH
LEAST_FACTOR = 1.6
WAITING = 4  # an operation may wait this many times as long as it works before that counts
ROOM = 1.4  # the factor is at least so much above the slowest check seen
SECONDS = 0.05  # for a sample
PATIENCE = 20  # seconds for one, before it counts as hanging
REPS, REPS_AGAIN, REPS_TO_RECORD = 5, 9, 25


class Calibration:
    """The loop of calibration_bench.cc, as if it had every row."""

    name = LOOP

    def __init__(self, ours: Ours):
        self._ours = ours

    def has(self, _: str) -> bool:
        return True

    def measure(self, _: str, least: float) -> Sample:
        return self._ours.measure(LOOP, least)


def parse_arguments() -> argparse.Namespace:
    p = options.parser(__doc__)
    p.add_argument("--record", action="store_true", help="write what is measured into the file")
    p.add_argument("--file", type=pathlib.Path, default=HERE / "guard.json", help="what was recorded (guard.json)")
    p.add_argument("--targets", type=pathlib.Path, default=HERE / "targets.toml", metavar="FILE", help="where the peers are")
    return p.parse_args()


def sides_of(arguments: argparse.Namespace) -> list[Side]:
    """Ours, the calibration loop, and Go if that is here."""
    ours = Ours(arguments.bin, PATIENCE)
    if not ours.has(LOOP):
        raise Unsound(f"no program in {arguments.bin} has the benchmark {LOOP}")
    sides: list[Side] = [ours, Calibration(ours)]
    recipe = targets.load(arguments.targets).peers.get(GO)
    if recipe is None or not (shutil.which("go") or any(pathlib.Path(tool).exists() for tool in GO_TOOLS)):
        print("no Go here: compared with the calibration loop only")
        return sides
    try:
        return [*sides, peers.build(GO, recipe, PATIENCE)]
    except Failed as e:
        print(f"Go's program cannot be built, so it is compared with the calibration loop only: {e}")
        return sides


def cost(sample: Sample) -> float:
    """Processor time; or, should most of an operation have become waiting, a part of the time on the clock."""
    return max(sample.cpu, sample.wall / WAITING)


def ratios(samples: Samples, row: str) -> dict[str, list[float]]:
    """What an operation costs us over what it costs each other side, repetition by repetition."""
    ours = [cost(sample) for sample in samples[row]["ours"]]
    return {other: [a / cost(b) for a, b in zip(ours, taken)] for other, taken in samples[row].items() if other != "ours"}


def record(sides: list[Side], file: pathlib.Path) -> None:
    where = machine.describe()
    samples, failures = alternate(sides, ROWS, REPS_TO_RECORD, SECONDS)
    if failures:
        raise Failed(f"{failures[0].side}: {failures[0].why}")
    rows = {row: {other: _recorded(values) for other, values in ratios(samples, row).items()} for row in ROWS}
    file.write_text(json.dumps({"machine": where, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(f"recorded in {file}")


def _recorded(values: list[float]) -> dict[str, float]:
    median = statistics.median(values)
    groups = [values[i:i + REPS] for i in range(0, len(values), REPS)]
    checks = [statistics.median(group) for group in groups]  # what so many checks would have seen
    factor = max(LEAST_FACTOR, ROOM * max(checks) / median)
    return {"median": round(median, 4), "minimum": round(min(values), 4), "factor": round(factor, 2)}


def load(file: pathlib.Path) -> dict[str, dict[str, dict[str, float]]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
        for row in ROWS:
            for other, recorded in rows[row].items():
                for key in ("median", "minimum", "factor"):
                    if not recorded[key] > 0:
                        raise Unsound(f"{file}: rows, {row}, {other}: {key} must be above 0, not {recorded[key]!r}")
            rows[row][LOOP]
        return rows
    except OSError as e:
        raise Unsound(f"{file}: {e.strerror}") from None
    except KeyError as e:
        raise Unsound(f"{file} lacks {e}; ./dev bench --guard --record writes it") from None
    except (ValueError, TypeError, AttributeError) as e:
        raise Unsound(f"{file} is not what --record wrote: {e}") from None


def slower(seen: dict[str, list[float]], recorded: dict[str, dict[str, float]]) -> bool:
    """Against everything that it was compared with, then and now?"""
    compared = [(values, recorded[other]) for other, values in seen.items() if other in recorded]
    return all(
        statistics.median(values) > then["median"] * then["factor"] and min(values) > then["minimum"] * then["factor"]
        for values, then in compared)


def in_words(seen: dict[str, list[float]], recorded: dict[str, dict[str, float]]) -> str:
    parts = []
    for other in filter(recorded.__contains__, seen):
        then, factor = recorded[other]["median"], recorded[other]["factor"]
        now = statistics.median(seen[other])
        parts.append(f"{now:.3g} times {other}, recorded {then:.3g} (fails above {then * factor:.3g})")
    return "; ".join(parts)


def look(sides: list[Side], rows: list[str], reps: int, recorded: dict) -> tuple[list[str], list[str]]:
    """Measures the rows; prints each, and returns those that are slower and those that failed."""
    suspects, broken = [], []
    samples, failures = alternate(sides, rows, reps, SECONDS)
    for failure in failures:
        if failure.side != GO:
            broken.append(failure.row)
        print(f"{failure.row}: {failure.side} FAILED: {failure.why}")
    for row in rows:
        if row in broken:
            continue
        seen = ratios(samples, row)
        if slower(seen, recorded[row]):
            suspects.append(row)
        print(f"{row}: {'SLOWER: ' if row in suspects else ''}{in_words(seen, recorded[row])}")
    return suspects, broken


def check(sides: list[Side], recorded: dict) -> bool:
    ours = sides[0]
    absent = [row for row in ROWS if not ours.has(row)]
    for row in absent:
        print(f"{row}: FAILED: no program has it")
    suspects, broken = look(sides, [row for row in ROWS if ours.has(row)], REPS, recorded)
    if suspects:
        print("once more, the slower ones:")
        suspects, broken_again = look(sides, suspects, REPS_AGAIN, recorded)
        broken += broken_again
    failed = len(absent) + len(broken) + len(suspects)
    print(f"{len(ROWS) - failed} passed, {failed} failed")
    return failed == 0


def main() -> int:
    arguments = parse_arguments()
    recorded = None if arguments.record else load(arguments.file)
    sides = sides_of(arguments)
    if recorded is None:
        record(sides, arguments.file)
        return 0
    return 0 if check(sides, recorded) else 1


if __name__ == "__main__":
    end_with_status("guard", main)
