"""Holds the parts that all benchmarks use: one measurement per process, header of a result file, rows, table."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGES = ("numpy", "numba", "llvmlite")


def measure(command: list[str], what: str, *, timeout_s: float = 7200.0) -> dict[str, Any]:
    """Run ``command`` with the path of a result file appended; return the content of that file.

    Each measurement has a process of its own, so that the peak memory is that of this measurement alone.

    Raises
    ------
    RuntimeError
        If the process fails; the last lines of what it printed are in the message.
    """
    print(f"  {what} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        done = subprocess.run(
            [*command, str(result)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode != 0 or not result.exists():
            last = "\n".join(done.stdout.splitlines()[-15:])
            raise RuntimeError(f"{what}: needs exit code 0 and a result, has exit code {done.returncode}\n{last}")
        measured: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return measured


def peak_rss_bytes() -> int:
    """Return the largest resident size of this process so far, bytes (VmHWM; getrusage where there is no /proc)."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # not on every platform

    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def header() -> dict[str, Any]:
    """Return commit, date, machine and versions."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "is_modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "cpu": _cpu(),
        "n_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def row(
    metric: str,
    unit: str,
    values: list[float],
    *,
    baseline: tuple[str, float | None] | None = None,
    goal: float | None = None,
) -> dict[str, Any]:
    """Return one row: the median of ``values``, beside a baseline of the same session and a goal.

    Parameters
    ----------
    metric, unit : str
    values : list of float
        One per repetition.
    baseline : tuple of str and float, optional
        Its name and value; the ratio is ours over the baseline's.
    goal : float, optional
        Largest value that is good enough, on the machine of docs/design.md (two cores, 24 GiB).
    """
    value = statistics.median(values)
    name, other = baseline if baseline is not None else (None, None)
    return {
        "metric": metric,
        "unit": unit,
        "value": value,
        "baseline_name": name if other is not None else None,
        "baseline_value": other,
        "ratio": value / other if other else None,
        "goal": goal,
        "meets_goal": None if goal is None else value <= goal,
        "n_runs": len(values),
        "spread": max(values) - min(values),
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print the rows under each other; a dash where there is nothing to compare with."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.4g}"

    titles = ("metric", "unit", "neuromap", "baseline", "ratio", "goal", "")
    cells = [titles]
    for one in rows:
        met = {None: "", True: "met", False: "missed"}[one["meets_goal"]]
        numbers = (number(one[name]) for name in ("value", "baseline_value", "ratio", "goal"))
        cells.append((one["metric"], one["unit"], *numbers, met))
    widths = [max(len(line[i]) for line in cells) for i in range(len(titles))]
    for line in cells:
        text = "  ".join(
            cell.ljust(width) if i in (0, 1, 6) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print(text.rstrip())


def write_results(path: Path, *, options: dict[str, Any], rows: list[dict[str, Any]], raw: dict[str, Any]) -> None:
    """Write header, options, rows and everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"header": header(), "options": options, "rows": rows, "raw": raw}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
