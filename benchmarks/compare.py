#!/usr/bin/env python3
"""Runs our benchmarks and the programs of peers/ beside each other, and prints what came out as a table.

One run alternates between the sides (see measuring/sampling.py), so only the ratios mean anything. What the columns and the
marks are, and how the best C or C++ library's figure is scaled, is in measuring/judge.py; the targets, and the peers, are in
targets.toml. `./dev bench --peers` builds our benchmarks first; a peer's own script builds it, and installs what that takes.

Exit status: 0; 1 if a benchmark failed, or with --strict if a row is marked or misses its target; 2 if there was nothing
sound to compare: a build without optimisation, names that only a peer has, a wrong option.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import dataclasses
import json
import pathlib

from measuring import judge, machine, markdown, options, peers, svg, targets
from measuring.ours import Ours, split
from measuring.process import Sample, Unsound, end_with_status
from measuring.sampling import Failure, Samples, alternate

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Run:
    """Everything that was measured, as results.json keeps it."""

    machine: dict
    versions: dict[str, str]  # by side
    reps: int
    min_time: float
    missing: dict[str, str]  # peer -> why it could not be had
    failures: list[Failure]
    notes: list[str]
    samples: Samples


def parse_arguments() -> argparse.Namespace:
    p = options.parser(__doc__)
    options.add_sampling(p, reps=5, seconds=0.2)
    p.add_argument("--only", metavar="PEER,...", help="only these peers, such as Go or Go,tokio")
    p.add_argument("--require", action="store_true", help="a peer that cannot be built is an error, instead of left out")
    p.add_argument("--save", type=pathlib.Path, metavar="DIR", help="write RESULTS.md, results.json, ratios.svg there")
    p.add_argument("--again", type=pathlib.Path, metavar="FILE", help="measures nothing: judges this results.json again")
    p.add_argument("--strict", action="store_true", help="exit with 1 if any row is marked or misses its target")
    p.add_argument("--targets", type=pathlib.Path, default=HERE / "targets.toml", metavar="FILE", help="(targets.toml)")
    return p.parse_args()


def chosen_peers(recipes: dict[str, targets.Recipe], only: str | None) -> dict[str, targets.Recipe]:
    if only is None:
        return recipes
    known = {name.lower() for name in recipes}
    asked = [name.strip().lower() for name in only.split(",")]
    for name in asked:
        if name not in known:
            raise Unsound(f"--only {only}: there is no peer {name!r}; known: {', '.join(recipes)}")
    return {name: recipe for name, recipe in recipes.items() if name.lower() in asked}


def check_names(ours: Ours, sides: list[peers.Peer], wanted: targets.Targets) -> list[str]:
    """Refuses names of a peer that are none of ours; returns what else is amiss, in words."""
    names = {split(row)[0] for row in ours.rows("^W")}
    for side in sides:
        if unknown := side.names - names:
            raise Unsound(f"only {side.name} has {', '.join(sorted(unknown))}")
    notes = [
        f"No figures of {side.name} for {', '.join(sorted(lacking))}." for side in sides
        if side.name == judge.GO and (lacking := names - side.names)
    ]
    if unmeasured := sorted(set(wanted.rows) - names - {judge.SPEED_UP}):
        notes.append(f"Targets without a benchmark: {', '.join(unmeasured)}.")
    return notes


def measure(arguments: argparse.Namespace, wanted: targets.Targets) -> Run:
    ours = Ours(arguments.bin)
    rows = [row for row in ours.rows(arguments.filter) if row.startswith("W")]
    if not rows:
        raise Unsound(f"no workload matches {arguments.filter}")
    ours.refuse_unoptimised(rows)
    there, missing = peers.build_all(chosen_peers(wanted.peers, arguments.only), arguments.require)
    notes = check_names(ours, there, wanted)
    where = machine.describe()
    samples, failures = alternate([ours, *there], rows, arguments.reps, arguments.min_time)
    where["load_after"] = machine.load()
    versions = {ours.name: machine.our_version(ours.compiler)} | {peer.name: peer.version for peer in there}
    return Run(where, versions, arguments.reps, arguments.min_time, missing, failures, notes, samples)


def load(file: pathlib.Path) -> Run:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        data.pop("table")
        data["failures"] = [Failure(*failure) for failure in data["failures"]]
        data["samples"] = {
            row: {side: [Sample(*sample) for sample in taken] for side, taken in sides.items()
                 } for row, sides in data["samples"].items()
        }
        return Run(**data)
    except OSError as e:
        raise Unsound(f"{file}: {e.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise Unsound(f"{file} is not what --save wrote: {e}") from None


def summary(run: Run, lines: list[judge.Line]) -> list[str]:
    """What the table says, in a sentence each."""
    judged = [line for line in lines if line.reached is not None]
    missed = [f"{line.name}/workers:{line.workers}" for line in judged if not line.reached]
    said = [
        f"Targets: {len(judged) - len(missed)} of {len(judged)} reached" + (f"; not {', '.join(missed)}" if missed else "") +
        "."
    ]
    marks: dict[str, list[str]] = {}
    for line in lines:
        for mark in line.marks:
            marks.setdefault("behind the best C/C++ library" if mark.startswith("behind") else mark,
                             []).append(f"{line.name}/workers:{line.workers}")
    said += [f"{mark[0].upper()}{mark[1:]}: {', '.join(rows)}." for mark, rows in sorted(marks.items())]
    said += [f"**{name} is missing**: {why}." for name, why in run.missing.items()]
    said += [f"**{failure.side} failed {failure.row}**: {failure.why}." for failure in run.failures]
    return said + run.notes


def report(run: Run, lines: list[judge.Line]) -> str:
    sides = [name for name in run.versions if name != judge.OURS]
    where = run.machine
    return "\n".join([
        f"{where['date']}; {where['cpu']}; {where['kernel']}; "
        f"load {where['load_before']} before, {where['load_after']} after.",
        "",
        *(f"- {name}: {version}" for name, version in run.versions.items()),
        "",
        f"Nanoseconds per operation unless said otherwise, medians of {run.reps} alternating samples; ratios are theirs",
        "over ours, so more is better. Spread: from the fastest sample to the slowest, of the median.",
        "",
        markdown.comparison(lines, sides),
        "",
        *(f"- {sentence}" for sentence in summary(run, lines)),
    ]) + "\n"


def picture(run: Run, lines: list[judge.Line]) -> str:
    groups: dict[str, svg.Group] = {}
    for line in lines:
        if judge.GO in line.against:
            group = groups.setdefault(line.name, svg.Group(line.name, {}))
            group.bars[_series(line.workers)] = svg.Bar(line.against[judge.GO], line.target)
    title = f"How many times as fast as {run.versions[judge.GO].split(',')[0]}"
    return svg.bars(title, list(groups.values()), [_series(1), _series(2)])


def _series(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def save(folder: pathlib.Path, run: Run, lines: list[judge.Line], text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RESULTS.md").write_text(f"# Side by side\n\n{text}", encoding="utf-8")
    data = dataclasses.asdict(run) | {"table": [dataclasses.asdict(line) for line in lines]}
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if any(judge.GO in line.against for line in lines):
        (folder / "ratios.svg").write_text(picture(run, lines), encoding="utf-8")


def main() -> int:
    arguments = parse_arguments()
    wanted = targets.load(arguments.targets)
    run = load(arguments.again) if arguments.again else measure(arguments, wanted)
    lines = judge.lines_of(run.samples, wanted)
    text = report(run, lines)
    print(text, end="")
    if arguments.save:
        save(arguments.save, run, lines, text)
    short = [line for line in lines if line.marks or line.reached is False]
    return 1 if run.failures or (arguments.strict and short) else 0


if __name__ == "__main__":
    end_with_status("compare", main)
