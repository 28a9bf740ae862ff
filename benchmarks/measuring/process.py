"""Running other programs, and what may go wrong with them."""

import signal
import subprocess
import sys
import typing

PATIENCE = 120  # seconds for one sample: a lost message may show as a hang


class Unsound(Exception):
    """There is nothing sound to compare: what was given, built or recorded is not as it must be."""


class Failed(Exception):
    """A program failed."""


class Sample(typing.NamedTuple):
    """Nanoseconds for an operation: on the clock, and of processor time on all cores, preparation and checks included."""

    wall: float
    cpu: float


def output_of(command: list, patience: float = PATIENCE, **kwargs) -> str:
    """What the command writes to standard output; Failed says what it wrote last if it fails, or that it takes too long."""
    words = [str(word) for word in command]
    try:
        result = subprocess.run(words, text=True, capture_output=True, timeout=patience, check=False, **kwargs)
    except subprocess.TimeoutExpired:
        raise Failed(f"{words[0]} hangs: no end within {patience:g} s") from None
    except OSError as e:
        raise Failed(f"{words[0]} cannot be run: {e.strerror}") from None
    if result.returncode == 0:
        return result.stdout
    status = result.returncode
    how = f"failed with {status}" if status > 0 else f"died of {signal.Signals(-status).name}"
    said = (result.stderr.strip() or result.stdout.strip()).splitlines()
    raise Failed(f"{words[0]} {how}" + (f": {said[-1]}" if said else ""))


def progress(text: str) -> None:
    """Replaces the line on the terminal, if there is one."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def end_with_status(name: str, main: typing.Callable[[], int]) -> typing.NoReturn:
    """Runs a script's main function; errors that were foreseen are one line, and the status is 2 (unsound) or 1 (failed)."""
    try:
        sys.exit(main())
    except (Unsound, Failed) as e:
        print(f"{name}: {e}", file=sys.stderr)
        sys.exit(2 if isinstance(e, Unsound) else 1)
