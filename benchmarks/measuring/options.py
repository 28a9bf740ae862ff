"""The options that the scripts share."""

import argparse
import pathlib

from measuring.ours import BUILT


def parser(description: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin",
                   type=pathlib.Path,
                   default=BUILT,
                   metavar="DIR",
                   help="our programs (default: those bazel built)")
    return p


def add_sampling(p: argparse.ArgumentParser, reps: int, seconds: float) -> None:
    p.add_argument("--filter", default="", metavar="REGEX", help="only rows whose name matches, such as W3 or workers:1")
    p.add_argument("--reps", type=_positive(int), default=reps, metavar="K", help=f"samples of each row (default {reps})")
    p.add_argument("--min-time",
                   type=_positive(float),
                   default=seconds,
                   metavar="S",
                   help=f"seconds a sample takes ({seconds})")


def _positive(kind: type):

    def parse(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not value > 0:
            raise argparse.ArgumentTypeError(f"a number above 0 was expected, not {text!r}")
        return value

    return parse
