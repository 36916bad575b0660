"""What `gradtui check` costs: the bundled lessons checked, beside the same programs run by plain python.

    python benchmarks/check.py [JOBS]

Plain python runs them one after the other, each with its own torch import, as `check --jobs 1`
does; the knobs are set the same way. Prints wall time and ratios within this one run: compare
those, not the seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from gradtui.check.collect import Job, jobs_in

WITH_KNOBS = """
import runpy, sys
from gradtui import userapi
path, *pairs = sys.argv[1:]
userapi.settings.update(pair.split("=", 1) for pair in pairs)
sys.argv = [path]
sys.path[0] = path.rpartition("/")[0]
runpy.run_path(path, run_name="__main__")
"""


def plain(job: Job) -> list[str]:
    """The command that runs one case without watching."""
    pairs = [f"{name}={value}" for name, value in job.case.settings.items()]
    return [sys.executable, "-c", WITH_KNOBS, str(job.path.resolve()), *pairs]


def check(jobs: int) -> list[str]:
    """The command that checks the lessons."""
    return [sys.executable, "-m", "gradtui", "check", "--jobs", str(jobs)]


def seconds(commands: Sequence[Sequence[str]]) -> float:
    """Wall time of the commands, one after the other. A failure is said: it may have cut the work short."""
    start = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            print(
                f"exit code {done.returncode}: {' '.join(command[-3:])}\n{(done.stdout + done.stderr)[-800:]}"
            )
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    jobs = jobs_in([])
    at_a_time = int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count() or 1
    print(f"{len(jobs)} runs of the bundled lessons, {os.cpu_count()} cores")
    seconds([plain(jobs[-1])])  # what the system reads from disk the first time is read now
    base = seconds([plain(job) for job in jobs])
    print(f"{'':34}{'seconds':>9}{'ratio':>8}")
    print(f"{'plain python, one after the other':34}{base:9.1f}{1:8.2f}")
    for at in dict.fromkeys((1, at_a_time)):
        taken = seconds([check(at)])
        print(f"{f'gradtui check --jobs {at}':34}{taken:9.1f}{taken / base:8.2f}", flush=True)


if __name__ == "__main__":
    main()
