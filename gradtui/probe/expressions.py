"""The person's expressions, evaluated inside the program at a stop."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType
from typing import Any

from gradtui.probe.faults import of_handler
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


def raised(error: BaseException) -> str:
    """What the person's expression raised, as `Type: message`; `exit()` is no more than that.

    What a signal handler raised meanwhile, such as Ctrl-C, is meant for the program: it is raised again.
    """
    if isinstance(error, KeyboardInterrupt) or of_handler(error):
        raise error
    return message_of(error)


def message_of(error: BaseException) -> str:
    """An exception as `Type: message`; `Type` where it has none."""
    name = type(error).__name__
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # its `__str__` is the program's
        return name
    return f"{name}: {text}" if text else name


@contextmanager
def apart() -> Iterator[None]:
    """What torch does here has no graph and is seen by no mode. Torch is not imported for that."""
    with ExitStack() as stack:
        if hasattr(sys.modules.get("torch"), "no_grad"):
            import torch

            from gradtui.probe.pytorch.private import untouched

            stack.enter_context(torch.no_grad())
            stack.enter_context(untouched())
        yield
