"""Tests import their helpers from this folder (`running.py`); nothing else is shared."""

import os
import signal
import tempfile
from itertools import chain, count
from typing import Any

import pytest

os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="gradtui-tests-")  # where no test runs
for name in (
    "GRADTUI_THEME",
    "NO_COLOR",
    "PYTHONUNBUFFERED",  # it would hide a flush that is missing
):
    os.environ.pop(name, None)

# Started in the background or by `nohup`, signals are ignored, and children would inherit that.
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


numbers = count()


@pytest.fixture(autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breakpoints are kept in a folder that no other test knows; it is made when something is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state-{next(numbers)}"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many of torch's own samples were tried under a recording, and which of them were excused."""
    counted: dict[str, dict[str, Any]] = {}
    for report in chain.from_iterable(terminalreporter.stats.values()):
        for key, told in report.user_properties if getattr(report, "when", "") == "call" else ():
            if key == "transparency":
                what, tally = told
                total = counted.setdefault(what, {name: type(value)() for name, value in tally.items()})
                for name, value in tally.items():
                    total[name] = total[name] | value if isinstance(value, dict) else total[name] + value
    for what, total in counted.items():
        excused, failed = total["excused"], total["failed"]
        terminalreporter.write_line(
            f"recorded {what}: {total['tried']} samples tried in {total['passes']} passes, "
            f"{total['tried'] - len(excused) - len(failed)} bit-equal "
            f"({total['raised']} raise either way), {len(excused)} excused, {len(failed)} failed"
        )
        for name, why in excused.items():
            terminalreporter.write_line(f"  excused {name}: {why}")
