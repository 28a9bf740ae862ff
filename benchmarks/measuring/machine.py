"""What was measured where."""

import datetime
import os
import pathlib
import platform
import subprocess

_ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def describe() -> dict:
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        cpu = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "kernel": f"{platform.system()} {platform.release()}",
        "cpu": f"{cpu}, {os.cpu_count()} cores",
        "load_before": load(),
    }


def load() -> float:
    """How many processes ran or wanted to, over the last minute."""
    return round(os.getloadavg()[0], 2)


def our_version(compiler: str) -> str:
    """Such as `sluice 0.1.0 (3c97da1), g++ 12.2.0`."""
    version = (_ROOT / "VERSION").read_text(encoding="utf-8").strip()
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=_ROOT, text=True, capture_output=True, check=False)
    commit = f" ({git.stdout.strip()})" if git.returncode == 0 else ""
    return f"sluice {version}{commit}, {compiler}"
