"""The name that a result was given, told by the code: what stands right behind the call that made it.

`h = torch.tanh(x)` is a call and a `STORE_FAST h`. A function that returns what it was returned says
nothing, and its caller is asked. Costs nothing while the program runs: the instruction at which each
frame stood is known anyway.
"""

from __future__ import annotations

import dis
import os
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from types import CodeType

_TORCH = f"{os.sep}site-packages{os.sep}torch{os.sep}"
_DISPATCH = os.path.join("torch", "overrides.py")
"""Passes a call on to whoever listens, us for one."""
_SIMPLE = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_RETURNED = ("RETURN_VALUE",)
_PASSED_ON = ("CACHE", "NOP", "EXTENDED_ARG", "COPY", "DUP_TOP", "PRECALL")
"""Between a call and the store: `a = b = f()` copies."""


def assigned(stack: Iterable[tuple[CodeType, int]]) -> str | None:
    """The name that the innermost call's result gets, None where it gets none at once, or only inside torch.

    `stack`: each frame's code and the offset of the instruction that it stood at, innermost first.
    `q, k, v` where a result was taken apart, `self.h` for an attribute.
    """
    for code, offset in stack:
        if code.co_filename.endswith(_DISPATCH):
            continue
        name, returned = _behind(code, offset)
        if not returned:
            return None if _TORCH in code.co_filename else name
    return None


@lru_cache(maxsize=50_000)
def _behind(code: CodeType, offset: int) -> tuple[str | None, bool]:
    """The name stored right behind an instruction; is what it gave returned instead?"""
    following = _after(code, offset)
    at = 0
    while at < len(following) and following[at].opname in _PASSED_ON:
        at += 1
    if at == len(following):
        return None, False
    first = following[at]
    if first.opname in _RETURNED:
        return None, True
    if first.opname == "UNPACK_SEQUENCE":
        names = [name for instruction in following[at + 1 :] for name in _stored(instruction)]
        count = int(first.arg or 0)
        return (", ".join(names[:count]) if len(names) >= count else None), False
    if first.opname.startswith("LOAD_") and at + 1 < len(following):
        second = following[at + 1]
        owner = first.argval if isinstance(first.argval, str) else ""
        return (f"{owner}.{second.argval}" if second.opname == "STORE_ATTR" and owner else None), False
    names = _stored(first)
    return (names[0] if names else None), False


def _stored(instruction: dis.Instruction) -> list[str]:
    """The variables that an instruction stores to, in order."""
    name, value = instruction.opname, instruction.argval
    if name in _SIMPLE:
        return [str(value)]
    if name == "STORE_FAST_STORE_FAST" and isinstance(value, tuple):
        return [str(part) for part in value]
    if name == "STORE_FAST_LOAD_FAST" and isinstance(value, tuple):
        return [str(value[0])]
    return []


AHEAD = 12
"""Instructions looked at behind a call."""


def _after(code: CodeType, offset: int) -> list[dis.Instruction]:
    """What follows the instruction at an offset, or around it: some Pythons stand in a call's cache."""
    listed = _instructions(code)
    at = bisect_right(listed, offset, key=lambda instruction: instruction.offset)
    return listed[at : at + AHEAD]


@lru_cache(maxsize=2_000)
def _instructions(code: CodeType) -> list[dis.Instruction]:
    return list(dis.get_instructions(code))
