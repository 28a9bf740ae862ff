"""Measuring several sides beside each other.

Each row is measured on one side and at once on the next, each time in a fresh process, and all rows again from the top as
often as is asked. So what the machine does to one side in a bad minute it does to the others; who comes first moves on with
each repetition.
"""

import re
import statistics
import typing

from measuring.process import Failed, Sample, progress

# Jobs of their own, seconds or millions of fibers each: one batch is a sample.
_JOBS = re.compile(r"^(W10|W11_sleepers|W13|W14)")
_ONE_BATCH = 0.001  # seconds: less than any batch takes

# row -> side -> samples. A side that has failed a row has no samples of it.
Samples = dict[str, dict[str, list[Sample]]]


class Side(typing.Protocol):
    name: str

    def has(self, row: str) -> bool:
        ...

    def measure(self, row: str, least: float) -> Sample:
        ...


class Failure(typing.NamedTuple):
    side: str
    row: str
    why: str


def alternate(sides: typing.Sequence[Side], rows: list[str], reps: int, least: float) -> tuple[Samples, list[Failure]]:
    """Takes `reps` samples, of at least `least` seconds each, of each row on each side that has it.

    A side that fails a row is not asked for that row again.
    """
    samples: Samples = {row: {side.name: [] for side in sides if side.has(row)} for row in rows}
    failures: list[Failure] = []
    for rep in range(reps):
        first = rep % len(sides)
        for row in rows:
            progress(f"{rep + 1}/{reps} {row}")
            for side in [*sides[first:], *sides[:first]]:
                if side.name not in samples[row]:
                    continue
                try:
                    samples[row][side.name].append(_one(side, row, _ONE_BATCH if _JOBS.search(row) else least))
                except Failed as e:
                    del samples[row][side.name]
                    failures.append(Failure(side.name, row, str(e)))
    progress("")
    return samples, failures


def _one(side: Side, row: str, least: float) -> Sample:
    sample = side.measure(row, least)
    if not sample.wall > 0:
        raise Failed(f"{row}: measured {sample.wall:g} ns")
    return sample


def spread(values: typing.Sequence[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values)
