"""The judged rows as a table for people."""

from measuring.judge import BOOST, GO, OURS, Line


def value(amount: float, unit: str = "ns") -> str:
    """An amount as the table shows it: ns have no unit, and become ms where they are many."""
    if unit == "times":
        return f"{amount:.2f}x"
    if unit == "bytes":
        return f"{amount:,.0f} B"
    if amount >= 1e6:
        return f"{amount / 1e6:,.1f} ms"
    return f"{amount:.1f}" if amount < 100 else f"{amount:,.0f}"


def ratio(quotient: float | None) -> str:
    if quotient is None:
        return ""
    return f"{quotient:.2f}x" if quotient < 100 else f"{quotient:,.0f}x"


def table(head: list[str], rows: list[list[str]], words: int) -> str:
    """A markdown table whose first `words` columns, and the last, are words, and the others numbers."""
    rule = [":--" if i < words or i == len(head) - 1 else "--:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def comparison(lines: list[Line], peers: list[str]) -> str:
    head = ["workload", "workers", "ours", *peers, "against Go", "target", "reached", "against Boost.Fiber"]
    head += ["best C/C++ then, scaled", "spread: ours, Go", "remarks"]
    return table(head, [_cells(line, peers) for line in lines], words=1)


def _cells(line: Line, peers: list[str]) -> list[str]:
    cells = [line.name, str(line.workers), value(line.medians[OURS], line.unit)]
    cells += [value(line.medians[peer], line.unit) if peer in line.medians else "" for peer in peers]
    targets = ([f"{line.target:g}x"] if line.target is not None else []) + ([line.limit] if line.limit else [])
    reached = "" if line.reached is None else "yes" if line.reached else "**no**"
    scaled = ""
    if line.best_scaled is not None:
        scaled = f"{line.best} {value(line.best_then, line.unit)}, {value(line.best_scaled, line.unit)}"
    spreads = ", ".join(f"{line.spreads[side]:.0%}" for side in (OURS, GO) if side in line.spreads)
    return cells + [
        ratio(line.against.get(GO)), ", ".join(targets), reached,
        ratio(line.against.get(BOOST)), scaled, spreads, ", ".join(f"**{mark}**" for mark in line.marks)
    ]
