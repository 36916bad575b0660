"""Tells a fault of ours, which becomes a notice, from what the program raised while our code ran.

A signal handler of the program's may run between any two lines of ours, and what it raises
(a `TimeoutError`, say) is meant for the program.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import CodeType

from gradtui.probe.places import kind_of_file

_OURS = sys.stdlib_module_names | {"gradtui", "torch", "numpy"}


def _no_engine(_: CodeType) -> bool:
    return False


def is_ours(error: BaseException, of_engine: Callable[[CodeType], bool] = _no_engine) -> bool:
    """Was an error that our code caught made by our code, or by code that ran on our behalf?

    On our behalf run torch, numpy and Python, an installed module that one of them imports, and a
    scalar engine's own code, which `of_engine` tells. Not if any other code had a part in it.
    """
    importing = False
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        module = traceback.tb_frame.f_globals.get("__name__")
        importing = importing or code.co_name == "<module>"
        known = isinstance(module, str) and module.partition(".")[0] in _OURS
        imported = importing and kind_of_file(code.co_filename, None) == "library"
        if not (known or imported or of_engine(code)):
            return False
        traceback = traceback.tb_next
    return True


def of_handler(error: BaseException) -> bool:
    """Did it come out of a signal handler of the program's?"""
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in handlers:
            return True
        traceback = traceback.tb_next
    return False
