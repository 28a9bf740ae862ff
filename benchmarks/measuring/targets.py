"""Reads targets.toml: the peers, and what each row is measured by."""

import pathlib
import tomllib
import typing

from measuring.process import Unsound

_THREADS = {"one_thread": 1, "two_threads": 2}


class Best(typing.NamedTuple):
    """The best C or C++ library's figure for a row, and Boost.Fiber's, taken together on another day."""

    library: str
    value: float
    boost: float | None


class Target(typing.NamedTuple):
    go: tuple[float, float] | None = None  # how many times ahead of Go, with one worker and with two
    at_most: float | None = None
    at_least: float | None = None
    best: dict[int, Best] = {}  # for so many threads


class Recipe(typing.NamedTuple):
    """How a peer is built: by a script, which prints the path of the program; of several, the one with this name."""

    script: pathlib.Path
    program: str | None = None


class Targets(typing.NamedTuple):
    peers: dict[str, Recipe]
    rows: dict[str, Target]

    def of(self, name: str) -> Target:
        return self.rows.get(name, Target())


def load(file: pathlib.Path) -> Targets:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise Unsound(f"{file}: {e.strerror}") from None
    except tomllib.TOMLDecodeError as e:
        raise Unsound(f"{file}: {e}") from None
    _only(file, "the file", data, {"peers", "rows"})
    peers = {name: _recipe(file, f"peers.{name}", recipe) for name, recipe in data.get("peers", {}).items()}
    return Targets(peers, {name: _target(file, f"rows.{name}", row) for name, row in data.get("rows", {}).items()})


def _recipe(file: pathlib.Path, where: str, recipe: typing.Any) -> Recipe:
    if isinstance(recipe, str):
        return Recipe(file.parent / recipe)
    _only(file, where, recipe, {"build", "program"})
    for key in ("build", "program"):
        if not isinstance(recipe.get(key), str):
            raise Unsound(f"{file}: {where}: `{key}` must be a path, not {recipe.get(key)!r}")
    return Recipe(file.parent / recipe["build"], recipe["program"])


def _target(file: pathlib.Path, where: str, row: typing.Any) -> Target:
    _only(file, where, row, {"go", "at_most", "at_least", *_THREADS})
    go = row.get("go")
    if go is not None:
        both = go if isinstance(go, list) else [go, go]
        if len(both) != 2:
            raise Unsound(f"{file}: {where}.go: a number, or two for 1 and 2 workers, not {go!r}")
        go = (_number(file, f"{where}.go", both[0]), _number(file, f"{where}.go", both[1]))
    limits = {key: _number(file, f"{where}.{key}", row[key]) for key in ("at_most", "at_least") if key in row}
    best = {_THREADS[key]: _best(file, f"{where}.{key}", row[key]) for key in _THREADS if key in row}
    return Target(go=go, best=best, **limits)


def _best(file: pathlib.Path, where: str, entry: typing.Any) -> Best:
    _only(file, where, entry, {"best", "value", "boost"})
    if not isinstance(entry.get("best"), str) or "value" not in entry:
        raise Unsound(f"{file}: {where}: `best`, a library's name, and `value` are needed, not {entry!r}")
    boost = entry.get("boost")
    return Best(entry["best"], _number(file, f"{where}.value", entry["value"]),
                None if boost is None else _number(file, f"{where}.boost", boost))


def _only(file: pathlib.Path, where: str, table: typing.Any, keys: set[str]) -> None:
    if not isinstance(table, dict):
        raise Unsound(f"{file}: {where}: a table was expected, not {table!r}")
    if unknown := sorted(set(table) - keys):
        raise Unsound(f"{file}: {where}: unknown: {', '.join(unknown)}; known: {', '.join(sorted(keys))}")


def _number(file: pathlib.Path, where: str, value: typing.Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise Unsound(f"{file}: {where}: a number above 0 was expected, not {value!r}")
    return float(value)
