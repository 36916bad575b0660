"""The person's expressions, evaluated inside the program at a stop."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType
from typing import Any

from gradtui.probe.frames import variables


def evaluate(code: CodeType, names: Mapping[str, Any], frame: FrameType | None) -> Any:
    """The value of an expression: our `names` first, then what is in scope where backward was called.

    Raises whatever the expression raises.
    """
    scope: dict[str, Any] = {}
    if frame is not None:
        scope.update(frame.f_globals)
        scope.update(variables(frame))
    scope.update(names)
    return eval(code, scope)  # the person's own, in their own program


@contextmanager
def apart() -> Iterator[None]:
    """What torch does here has no graph and is seen by no mode. Torch is not imported for that."""
    with ExitStack() as stack:
        if hasattr(sys.modules.get("torch"), "no_grad"):
            import torch

            from gradtui.probe.torch_private import untouched

            stack.enter_context(torch.no_grad())
            stack.enter_context(untouched())
        yield
