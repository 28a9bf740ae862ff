"""What the samples of a run say: medians, ratios, and what each row is marked with.

- *Against Go*: the quotient of the medians, Go's over ours, so that 4 is four times as fast. The target is reached if that
  is at least the target's number. **Slower than Go** is a row whose median and whose minimum both are: noise moves one of
  them, a defect moves both.
- **Two workers slower than one**: by more than a tenth, in the median and in the minimum.
- *The best C or C++ library, scaled*: most of these libraries are in no package, so they are not in the run; targets.toml
  has what the best of them reached for a row on another day, and what Boost.Fiber reached beside it. Boost.Fiber is in the
  run, so

      scaled = best then * (Boost.Fiber now / Boost.Fiber then)

  is what that library would take here and now, and **behind it** is a row whose median is above that. Where Boost.Fiber has
  no such row, or had no single figure, the median of that quotient over all rows of one thread stands for it: how fast this
  machine is beside that one. Bytes are not scaled.
- W17's speed-up, the time with one worker over that with two in the same repetition, is a row of its own: more is better.
"""

import dataclasses
import statistics
import typing

from measuring.ours import natural, split
from measuring.sampling import Samples, spread
from measuring.targets import Best, Target, Targets

OURS, GO, BOOST = "ours", "Go", "Boost.Fiber"
NOISE = 0.1  # two workers may be slower than one by so much
WORK, SPEED_UP = "W17_pipeline_work", "W17_speed_up"


@dataclasses.dataclass
class Line:
    """A row of the table."""

    name: str
    workers: int
    unit: str  # ns, bytes, or times
    medians: dict[str, float]  # by side
    minima: dict[str, float]
    spreads: dict[str, float]  # (slowest - fastest) / median
    against: dict[str, float]  # peer -> how many times we are ahead
    target: float | None = None  # of against[GO]
    limit: str | None = None  # at_most or at_least, and its number
    reached: bool | None = None  # the target and the limit; None if there is neither, or nothing to judge them by
    best: str | None = None  # the best library then
    best_then: float | None = None
    best_scaled: float | None = None  # what that would be here and now
    marks: list[str] = dataclasses.field(default_factory=list)


def lines_of(samples: Samples, targets: Targets) -> list[Line]:
    """The rows of which we have samples, in the order of their names."""
    walls = {row: {side: [s.wall for s in taken] for side, taken in sides.items()} for row, sides in samples.items()}
    walls |= _speed_ups(walls)
    lines = {row: _line(row, sides) for row, sides in walls.items() if sides.get(OURS)}
    quotient = _speed_of_this_machine(lines.values(), targets)
    for line in lines.values():
        target = targets.of(line.name)
        _judge_targets(line, target)
        if best := target.best.get(line.workers):
            _judge_best(line, best, quotient)
        _judge_scaling(line, lines.get(f"{line.name}/workers:1"))
    return sorted(lines.values(), key=lambda line: (natural(line.name), line.workers))


def _speed_ups(walls: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    one, two = (walls.get(f"{WORK}/workers:{n}", {}) for n in (1, 2))
    ups = {side: [a / b for a, b in zip(one[side], two[side])] for side in one if side in two}
    return {f"{SPEED_UP}/workers:2": ups} if ups else {}


def _line(row: str, sides: dict[str, list[float]]) -> Line:
    name, workers = split(row)
    unit = "times" if name == SPEED_UP else "bytes" if name.endswith("_bytes") else "ns"
    medians = {side: statistics.median(values) for side, values in sides.items()}
    # The minimum is the best sample.
    minima = {side: (max if unit == "times" else min)(values) for side, values in sides.items()}
    against = {side: _ahead(unit, medians[OURS], value) for side, value in medians.items() if side != OURS}
    line = Line(name, workers, unit, medians, minima, {side: spread(values) for side, values in sides.items()}, against)
    if GO in medians and against[GO] < 1 and _ahead(unit, minima[OURS], minima[GO]) < 1:
        line.marks.append("more than Go" if unit == "bytes" else "less than Go" if unit == "times" else "slower than Go")
    return line


def _ahead(unit: str, ours: float, theirs: float) -> float:
    return ours / theirs if unit == "times" else theirs / ours


def _judge_targets(line: Line, target: Target) -> None:
    verdicts = []
    if target.go is not None:
        line.target = target.go[min(line.workers, 2) - 1]
        if GO in line.against:
            verdicts.append(line.against[GO] >= line.target)
    ours = line.medians[OURS]
    if target.at_most is not None:
        line.limit = f"at most {target.at_most:,g}"
        verdicts.append(ours <= target.at_most)
    if target.at_least is not None:
        line.limit = f"at least {target.at_least:g}"
        verdicts.append(ours >= target.at_least)
    line.reached = all(verdicts) if verdicts else None


def _judge_best(line: Line, best: Best, quotient: float | None) -> None:
    if line.unit == "bytes":
        quotient = 1
    elif best.boost is not None and BOOST in line.medians:
        quotient = line.medians[BOOST] / best.boost
    line.best = best.library
    line.best_then = best.value
    if quotient is None:
        return
    line.best_scaled = best.value * quotient
    if line.medians[OURS] > line.best_scaled:
        line.marks.append(f"behind {best.library}")


def _speed_of_this_machine(lines: typing.Iterable[Line], targets: Targets) -> float | None:
    """How many times slower than then Boost.Fiber is, in the median of its rows of one thread."""
    quotients = []
    for line in lines:
        best = targets.of(line.name).best.get(1)
        if line.workers == 1 and line.unit == "ns" and best and best.boost is not None and BOOST in line.medians:
            quotients.append(line.medians[BOOST] / best.boost)
    return statistics.median(quotients) if quotients else None


def _judge_scaling(line: Line, one: Line | None) -> None:
    if one is None or line.workers == 1:
        return
    if all(two > alone * (1 + NOISE)
           for two, alone in [(line.medians[OURS], one.medians[OURS]), (line.minima[OURS], one.minima[OURS])]):
        line.marks.append(f"{line.workers} workers {'more' if line.unit == 'bytes' else 'slower'} than 1")
