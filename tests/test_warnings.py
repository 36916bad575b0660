"""Warnings name the lines that they name without us, as often as they do, and filters find them."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest
import torch
from running import PROGRAMS, headless, plain

import gradtui


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


def test_nothing_that_code_knew_is_kept_when_it_is_gone() -> None:
    variables = {"w": torch.ones(9, requires_grad=True), "torch": torch}
    gone = weakref.ref(variables["w"])
    with gradtui.record():
        exec("torch.nn.functional.relu(w).sum()", variables)
        variables.clear()
        gc.collect()
        assert gone() is None
