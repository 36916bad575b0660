"""A fault of ours is told from what the program raised while our code ran."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from types import CodeType, FunctionType

import pytest

from gradtui.probe.faults import is_ours

LIBRARY = sysconfig.get_paths()["purelib"] + "/sympy/core.py"


Function = Callable[[], object]


def call(module: str, file: str, name: str) -> Callable[[Function], Function]:
    """Puts around a function another one, of that module, that calls it."""

    def wrap(inner: Function) -> Function:
        def outer() -> object:
            return inner()

        code = outer.__code__.replace(co_filename=file, co_name=name)
        return FunctionType(code, {"__name__": module}, name, None, outer.__closure__)

    return wrap


PROBE = call("gradtui.probe.probe", "probe.py", "look")
TORCH = call("torch._tensor", "_tensor.py", "norm")
TORCH_ITSELF = call("torch", "__init__.py", "<module>")
SYMPY_ITSELF = call("sympy.core", LIBRARY, "<module>")
SYMPY = call("sympy.core", LIBRARY, "cached")
LIGHTNING = call("lightning.signals", LIBRARY, "handler")
HANDLER = call("__main__", "train.py", "handler")
ENGINE = call("engine", "engine.py", "data")


@pytest.mark.parametrize(
    ("calls", "ours"),
    [
        ([PROBE], True),
        ([PROBE, TORCH], True),
        ([PROBE, TORCH_ITSELF, SYMPY_ITSELF, SYMPY], True),
        ([PROBE, ENGINE, TORCH], True),
        ([PROBE, HANDLER], False),
        ([PROBE, HANDLER, TORCH], False),
        ([PROBE, TORCH, HANDLER, PROBE], False),
        ([PROBE, LIGHTNING], False),
        ([PROBE, TORCH, LIGHTNING], False),
        ([PROBE, TORCH_ITSELF, HANDLER], False),
        ([PROBE, ENGINE, HANDLER], False),
    ],
)
def test_whose_an_error_is(calls: list[Callable[[Function], Function]], ours: bool) -> None:
    def of_engine(code: CodeType) -> bool:
        return code.co_filename == "engine.py"

    function: Function = [].index  # C code: it raises in the frame that calls it
    for wrap in reversed(calls):
        function = wrap(function)
    with pytest.raises(TypeError) as raised:
        function()
    error = raised.value
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    assert is_ours(error, of_engine) is ours
