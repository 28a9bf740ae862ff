"""Our own side: the benchmark programs, which are made with Google Benchmark."""

import json
import pathlib
import re
import typing

from measuring.process import PATIENCE, Failed, Sample, Unsound, output_of

# Where the links to Bazel's outputs are, seen from the scripts.
BUILT = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "bin" / "benchmarks"

_KIND = re.compile(r"(/(process_time|manual_time|real_time|iterations:\d+|repeats:\d+))*$")  # what a name ends in
_NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class Case(typing.NamedTuple):
    program: pathlib.Path
    full_name: str  # as Google Benchmark's command line wants it


class Ours:
    """The programs `*_bench` in a folder; a row is a benchmark's name, without what it says of the kind of time."""

    name = "ours"

    def __init__(self, folder: pathlib.Path, patience: float = PATIENCE):
        self.cases: dict[str, Case] = {}
        self.compiler = ""
        self._patience = patience
        programs = sorted(folder.glob("*_bench"))
        if not programs:
            raise Unsound(f"there are no benchmark programs (*_bench) in {folder}: ./dev bench builds them")
        for program in programs:
            for full_name in output_of([program, "--benchmark_list_tests"]).split():
                row = _KIND.sub("", full_name)
                if row in self.cases:
                    raise Unsound(f"{self.cases[row].program} and {program} both have {row}")
                self.cases[row] = Case(program, full_name)

    def rows(self, pattern: str) -> list[str]:
        """The rows that match the regular expression: those of one worker, then those of two."""
        try:
            chosen = [row for row in self.cases if re.search(pattern, row)]
        except re.error as e:
            raise Unsound(f"{pattern} is no regular expression: {e}") from None
        if not chosen:
            raise Unsound(f"no row matches {pattern}")
        return sorted(chosen, key=_order)

    def has(self, row: str) -> bool:
        return row in self.cases

    def measure(self, row: str, least: float) -> Sample:
        """One sample in a fresh process, of at least so many seconds."""
        program, full_name = self.cases[row]
        report = json.loads(
            output_of([
                program, f"--benchmark_filter=^{re.escape(full_name)}$", f"--benchmark_min_time={least}",
                "--benchmark_format=json"
            ], self._patience))
        context = report["context"]
        if context.get("sluice_optimised") != "yes":
            raise Unsound(f"{program} is not an optimised build")
        self.compiler = context["compiler"]
        (result,) = report["benchmarks"]
        if result.get("error_occurred"):
            raise Failed(f"{row}: {result['error_message']}")
        unit = _NANOSECONDS[result["time_unit"]]
        return Sample(result["real_time"] * unit, result["cpu_time"] * unit)

    def refuse_unoptimised(self, rows: list[str]) -> None:
        """Measures a row of each program, so that minutes are not spent before one shows not to be optimised."""
        for row in {self.cases[row].program: row for row in reversed(rows)}.values():
            self.measure(row, 0.001)


def split(row: str) -> tuple[str, int]:
    """`W3_ping_pong/workers:2` -> its name and the number of workers."""
    name, _, workers = row.rpartition("/workers:")
    if not name or not workers.isdigit():
        raise Unsound(f"the row {row} does not end in /workers:N")
    return name, int(workers)


def natural(name: str) -> list[str | int]:
    """A key that sorts W2 before W10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _order(row: str) -> tuple:
    name, workers = split(row)
    return workers, natural(name)
