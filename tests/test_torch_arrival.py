"""Torch may come late, in a thread, or be another module of that name."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import headless


@pytest.mark.parametrize("text", ["autograd = 1", "import nowhere.autograd as autograd", "__path__ = []"])
def test_a_torch_that_is_none_is_left_unwatched(text: str, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(text)
    (tmp_path / "main.py").write_text(
        "try:\n    import torch\nexcept ModuleNotFoundError as error:\n    assert error.name == 'nowhere'\n"
        "print('goes on')\n"
    )
    done = headless(tmp_path / "main.py")
    assert (done.code, done.printed("stdout"), done.printed("stderr")) == (0, "goes on\n", "")
    notices = [notice["message"] for notice in done.of_type("notice")]
    assert [str(tmp_path / "torch.py") in message for message in notices] == [True] * (text == "autograd = 1")


def test_torch_imported_first_in_a_thread(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import threading\n"
        "def run():\n"
        "    import torch\n"
        "    w = torch.ones(1, requires_grad=True)\n"
        "    (w * 2).sum().backward()\n"
        "thread = threading.Thread(target=run)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    done = headless(tmp_path / "main.py")
    assert (done.code, done.err, done.printed("stderr")) == (0, b"", "")
    assert done.exit["passes"] == 1
