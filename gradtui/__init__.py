"""gradtui: the debugger for the backward pass.

The face in a user's own code: `gradtui.breakpoint()`, `gradtui.record()`, `gradtui.knob()`,
`gradtui.engine()`.
Importing this package loads neither torch nor textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradtui.userapi import engine, knob

if TYPE_CHECKING:
    from gradtui.attached import breakpoint
    from gradtui.recorder import record

__version__ = "0.1.0"
__all__ = ["__version__", "breakpoint", "engine", "knob", "record"]


def __getattr__(name: str) -> object:
    if name == "record":  # late: `import gradtui` in a program must stay cheap
        from gradtui.recorder import record

        return record
    if name == "breakpoint":
        from gradtui.attached import breakpoint

        return breakpoint
    raise AttributeError(f"module 'gradtui' has no attribute {name!r}")
