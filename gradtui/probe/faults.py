"""Tells a fault of ours, which becomes a notice, from what the program raised while our code ran.

A signal handler of the program's may run between any two lines of ours, and what it raises
(a `TimeoutError`, say) is meant for the program.
"""

from __future__ import annotations

import sys

_OURS = sys.stdlib_module_names | {"gradtui", "torch"}


def is_ours(error: BaseException) -> bool:
    """Was an error that our code caught made by our code, or by torch or Python on our behalf?

    Not if code of any other module had a part in it.
    """
    traceback = error.__traceback__
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__")
        if not isinstance(module, str) or module.partition(".")[0] not in _OURS:
            return False
        traceback = traceback.tb_next
    return True
