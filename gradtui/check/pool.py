"""Runs several programs at a time, each in its own process, in one loop and without threads."""

from __future__ import annotations

import select
import signal
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gradtui.check.collect import Job
from gradtui.check.verdict import Verdict, judge
from gradtui.session.errors import BadInput
from gradtui.session.session import Plan, Session
from gradtui.trace import Trace
from gradtui.trace.keep import PASSING

WAIT = 0.1
"""Seconds a turn of the loop waits at most: after that long a signal is noticed."""
CLOSED_WAIT = 0.01
"""Seconds it waits where a program has closed everything and only its end is awaited."""


@dataclass(frozen=True)
class Running:
    """A started program, and the trace folded from it."""

    place: int
    """Its place in the list of jobs."""
    job: Job
    session: Session
    trace: Trace
    began: float


class Pool:
    """Call `turn` until `done`; `close` ends whatever still runs. A trace lives as long as its program."""

    def __init__(self, jobs: Sequence[Job], at_a_time: int) -> None:
        self._waiting = deque(enumerate(jobs))
        self._at_a_time = at_a_time
        self.running: list[Running] = []

    @property
    def done(self) -> bool:
        """Is there nothing left to run?"""
        return not self._waiting and not self.running

    def turn(self) -> list[tuple[int, Verdict]]:
        """Start what may start, read what has arrived; returns what has ended: (place, verdict).

        Raises `BadInput` when a program cannot be started.
        """
        ended = self._start()
        if not ended:
            self._wait()
        for one in list(self.running):
            for event in one.session.pump():
                one.trace.fold(event)
            if one.session.exited is not None:
                self.running.remove(one)
                ended.append((one.place, judge(one.job, one.trace, time.monotonic() - one.began)))
        return ended

    def _start(self) -> list[tuple[int, Verdict]]:
        """Fill up; returns the verdicts over jobs that cannot be run."""
        refused = []
        while self._waiting and len(self.running) < self._at_a_time:
            place, job = self._waiting.popleft()
            if job.program is None or job.problem is not None:
                refused.append((place, Verdict(job, job.problem)))
                continue
            program, knobs = job.program, job.case.settings
            plan = Plan(program.path, knobs=knobs, stop=False, name=program.name, attended=False)
            began = time.monotonic()
            try:
                session = Session(plan)
            except OSError as error:
                raise BadInput(
                    f"cannot start {job.label} beside {len(self.running)} others: {error.strerror}; "
                    "run fewer at a time with --jobs"
                ) from None
            self.running.append(Running(place, job, session, Trace(PASSING), began))
        return refused

    def _wait(self) -> None:
        """Until something has arrived from any of them."""
        poll = select.poll()
        wait = WAIT
        for one in self.running:
            descriptors = one.session.descriptors()
            wait = wait if descriptors else CLOSED_WAIT
            for descriptor in descriptors:
                poll.register(descriptor, select.POLLIN)
        if self.running:
            poll.poll(wait * 1000)

    def close(self) -> None:
        """End the programs that run, and whatever they started."""
        for one in self.running:
            one.session.signal(signal.SIGTERM)  # all at once, so that their last moments overlap
        for one in self.running:
            one.session.close()
        self.running.clear()


def run_one(job: Job) -> Verdict:
    """Run a single job to its end."""
    pool = Pool([job], 1)
    try:
        while True:
            for _, verdict in pool.turn():
                return verdict
    finally:
        pool.close()
