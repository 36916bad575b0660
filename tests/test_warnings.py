"""Warnings name the lines that they name without us, as often as they do, and filters find them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from running import PROGRAMS, headless, plain


def test_under_the_debugger() -> None:
    alone, watched = plain("warns.py"), headless("warns.py")
    assert alone.error.count("warns.py") > 8
    assert watched.printed("stderr") == alone.error
    assert watched.printed("stdout") == alone.out.decode()


@pytest.mark.parametrize("times", [1, 2])
def test_in_a_recording_of_the_program_s_own(times: int) -> None:
    begin = "with " + ", ".join(["gradtui.record()"] * times)
    source = f"import gradtui, runpy\n{begin}:\n    runpy.run_path({str(PROGRAMS / 'warns.py')!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=100)
    alone = subprocess.run(
        [sys.executable, "-c", source.replace("gradtui.record()", "open('/dev/null')")],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert alone.stderr.count("warns.py") > 8
    assert done.stderr == alone.stderr
    assert done.stdout == alone.stdout
