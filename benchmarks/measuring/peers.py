"""The other sides: one program for each peer.

A peer is a program that has the workloads under the names of our rows, without the number of workers:

    peer -list                               the names, a line each; each is right for one worker and for two
    peer -run REGEX -min SECONDS -workers N  for each that matches a line `NAME/workers:N WALL_NS CPU_NS`, of one operation
    peer -version                            a line: what it measures, and the compiler

It fails if something arrived wrongly. A build without optimisation fails whatever it is asked, or says `not optimised`
in its version.
"""

import functools
import pathlib
import re
import sys

from measuring.ours import split
from measuring.process import PATIENCE, Failed, Sample, Unsound, output_of, progress
from measuring.targets import Recipe

BUILDING = 1800  # seconds
BUILT = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "peers"  # where to


class Peer:

    def __init__(self, name: str, program: pathlib.Path, patience: float = PATIENCE):
        self.name = name
        self.program = program
        self._patience = patience
        try:
            self.names = set(output_of([program, "-list"]).split())
            version = output_of([program, "-version"]).strip()
        except Failed as e:
            raise Unsound(f"{name}: {e}") from None
        if not version or "\n" in version:
            raise Unsound(f"{name}: {program} -version must print one line, not {version!r}")
        if re.search(r"\b(not |un)optimi[sz]ed\b", version):
            raise Unsound(f"{name} is not an optimised build: {version}")
        self.version = version

    def has(self, row: str) -> bool:
        return split(row)[0] in self.names

    def measure(self, row: str, least: float) -> Sample:
        """One sample in a fresh process, of at least so many seconds."""
        name, workers = split(row)
        said = output_of([self.program, "-run", f"^{re.escape(name)}$", "-min", least, "-workers", workers], self._patience)
        try:
            measured, wall, cpu = said.split()
            sample = Sample(float(wall), float(cpu))
        except ValueError:
            raise Failed(f"{self.program}: {row} and two numbers were expected, it said: {said.strip()!r}") from None
        if measured != row:
            raise Failed(f"{self.program} was asked for {row} and measured {measured}")
        return sample


@functools.cache
def _printed_by(script: pathlib.Path) -> list[pathlib.Path]:
    """What a script says that it has built: some build several."""
    return [pathlib.Path(line) for line in output_of([script, BUILT], BUILDING).splitlines()]


def build(name: str, recipe: Recipe, patience: float = PATIENCE) -> Peer:
    """Builds a peer. Failed says why it cannot be had, Unsound what is wrong with what was built."""
    progress(f"building {name}")
    printed = _printed_by(recipe.script)
    progress("")
    found = [path for path in printed if recipe.program in (None, path.name)]
    if not found or not found[-1].is_file():
        raise Unsound(f"{recipe.script} must print the path of {recipe.program or 'a program'}, "
                      f"it printed {', '.join(map(str, printed)) or 'nothing'}")
    return Peer(name, found[-1].absolute(), patience)


def build_all(recipes: dict[str, Recipe], require: bool) -> tuple[list[Peer], dict[str, str]]:
    """The peers that can be had, and why the others cannot; with `require` that is an error."""
    peers, missing = [], {}
    for name, recipe in recipes.items():
        try:
            peers.append(build(name, recipe))
        except Failed as e:
            if require:
                raise Unsound(f"{name} is missing: {e}") from None
            missing[name] = str(e)
            print(f"{name} is missing and left out: {e}", file=sys.stderr)
    return peers, missing
