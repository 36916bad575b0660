"""Warnings name the lines that they name without us, as often as they do, and filters find them."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import traceback
import weakref
from pathlib import Path

import pytest
import torch
from running import PROGRAMS, headless, plain, run

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


def test_code_that_a_tool_has_written_without_lines_runs() -> None:
    def doubled(x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x) * 2

    doubled.__code__ = doubled.__code__.replace(co_linetable=b"")
    with gradtui.record() as trace:
        doubled(torch.ones(2, requires_grad=True)).sum().backward()
    assert trace.passes[0].ended is not None


def test_a_traceback_underlines_nothing_in_the_programs_line_that_is_not_there() -> None:
    with gradtui.record():
        try:
            torch.ones(2, 3, requires_grad=True) @ torch.ones(2, 3)
        except RuntimeError:
            text = traceback.format_exc()
    stood_in = text[text.index("in <gradtui>") :].splitlines()
    assert stood_in[1].strip().startswith("torch.ones(2, 3")
    assert "^" not in stood_in[2]


def test_what_torch_warns_of_when_we_load_it_is_not_printed_and_filters_stay(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(
        "import warnings\nwarnings.warn('no numpy')\nwarnings.filterwarnings('ignore', 'of torch')\n"
    )
    source = (
        "import warnings; before = list(warnings.filters)\n"
        "from gradtui.probe.quietly import load_torch; load_torch()\n"
        "print([entry[1].pattern for entry in warnings.filters if entry not in before], before[0] in warnings.filters)"
    )
    done = run(sys.executable, "-W", "default", "-c", source, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.error == ""
    assert done.out.decode().strip() == "['of torch'] True"
