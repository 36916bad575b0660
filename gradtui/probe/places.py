"""Where in the source something happened: call stacks and lines, captured raw and resolved once.

Capturing happens on every forward operation, so it only reads pointers; a stack seen before costs
one dictionary look-up. Resolving (line numbers, kinds of frames) happens once per distinct stack.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Literal

from gradtui.probe.assigned import assigned
from gradtui.wire.messages import Frame, Place, Source, Stack

DEPTH = 24
"""Frames looked at of a forward operation; deeper ones are cut off."""
WHOLE = 200
"""Of a call of backward, which a trainer may hide deep inside."""
CROWD = 10_000
"""Distinct stacks, from which on `NEAR` frames of the program's own are looked at.

A recursive net takes another way each time.
"""
NEAR = 4

_ROOM = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LESSONS = _PACKAGE + "scenarios" + os.sep
_LIBRARIES = tuple(
    {
        os.path.abspath(path) + os.sep
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_paths().get(key))
    }
)

STAND_IN = "<gradtui>"
"""What functions of ours are called that stand in for one of the program's (`blame`): in the same file."""

_TAKES_MORE = 0x04 | 0x08
"""Of a code: `*args`, `**kwargs`."""
_INNER = ("listcomp", "setcomp", "dictcomp", "genexpr", "lambda")
"""Functions that are part of another."""

Kind = Literal["user", "engine", "library"]


def of_probe(code: CodeType) -> bool:
    """Is this code the probe's own? Such frames are never shown."""
    return code.co_filename.startswith(_ROOM) or code.co_name == STAND_IN


def of_probe_in(line: str) -> bool:
    """The same of a frame as a traceback shows it."""
    place = line.partition("\n")[0]
    return place.startswith(f'  File "{_ROOM}') or place.endswith(f", in {STAND_IN}")


def line_of(code: CodeType, lasti: int) -> int:
    """The line of the instruction at byte offset `lasti`."""
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            return line
    return code.co_firstlineno


class Places:
    """Ids for files and stacks. Announces each to the stream before its first use."""

    def __init__(self, main_file: str | None = None) -> None:
        self._main = os.path.abspath(main_file) if main_file else None
        self._cwd = os.getcwd()
        self._codes: dict[int, CodeType] = {}  # also keeps them alive, so that an id means one code
        self._equal: dict[tuple[CodeType, str], CodeType] = {}
        """The first of equal codes of one file: `eval` makes another one each time."""
        self._own: dict[int, bool] = {}
        """Codes, by `id()`, and whether they are the program's; of those that are kept alive."""
        self._engine_codes: set[int] = set()
        self._step_names: set[str] = set()
        self._lines: dict[tuple[int, int], Place] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        self._resolved: list[tuple[Frame, ...] | None] = [None]
        self._raw: list[tuple[tuple[CodeType, int], ...]] = [()]
        self._files: dict[str, int] = {}
        self._announced_stacks: set[int] = set()
        self._pending: list[Source | Stack] = []
        self._assigned: dict[int, str | None] = {}
        self._engine_functions: dict[int, list[str]] = {}  # by stack, until an engine gets more code

    # ------------------------------------------------------------- capturing

    def stack(self, frame: FrameType | None, depth: int = 0) -> int:
        """The id of the stack that ends in `frame`. Cheap: called for every forward operation."""
        if len(self._raw) > CROWD and not depth:
            return self._near(frame)
        path: list[int] = []
        add = path.append
        f, more = frame, depth or DEPTH
        while f is not None and more:
            add(id(f.f_code))
            add(f.f_lasti)
            f = f.f_back
            more -= 1
        key = tuple(path)
        return self._stacks.get(key) or self._register(key, frame, depth)

    def _near(self, frame: FrameType | None) -> int:
        """The id of the stack up to the nearest few of the program's frames."""
        f, own, depth = frame, 0, 0
        while f is not None and own < NEAR and depth < DEPTH:
            code = f.f_code
            known = self._own.get(id(code)) if id(code) in self._codes else None
            if known is None:
                known = not of_probe(code) and self.is_user(code)
                if id(code) in self._codes:
                    self._own[id(code)] = known
            own, depth, f = own + known, depth + 1, f.f_back
        return self.stack(frame, max(1, depth))

    def _register(self, key: tuple[int, ...], frame: FrameType | None, depth: int) -> int:
        if frame is not None and of_probe(frame.f_code) and frame.f_back is not None:
            found = self._stacks[key] = self.stack(frame.f_back, depth)  # of a recording around this one
            self._codes[id(frame.f_code)] = frame.f_code
            return found
        raw: list[tuple[CodeType, int]] = []
        while frame is not None and len(raw) < len(key) // 2:
            code = frame.f_code
            raw.append((self._equal.setdefault((code, code.co_filename), code), frame.f_lasti))
            frame = frame.f_back
        key = tuple([part for code, at in raw for part in (id(code), at)])
        return self._stacks.get(key) or self._add(key, tuple(raw))

    def _add(self, key: tuple[int, ...], raw: tuple[tuple[CodeType, int], ...]) -> int:
        for code, _ in raw:
            self._codes[id(code)] = code
        self._raw.append(raw)
        self._resolved.append(None)
        number = self._stacks[key] = len(self._raw) - 1
        return number

    def add_engine_code(self, codes: Iterable[CodeType], step: str | None) -> None:
        """Frames of these codes are a scalar engine's own, not the user's use of it.

        `step`: the name of the engine's step function. A function outside the class that speaks of
        it (`out._backward = _backward`) belongs to the engine as well.
        """
        self._engine_functions.clear()
        for code in codes:
            self._codes[id(code)] = code
            self._engine_codes.add(id(code))
        if step is not None:
            self._step_names.add(step)

    def of_engine(self, code: CodeType) -> bool:
        """Is this code a scalar engine's own?"""
        if id(code) in self._engine_codes:
            return True
        return not code.co_name.startswith("<") and not self._step_names.isdisjoint(code.co_names)

    def at(self, code: CodeType, lasti: int = -1) -> int:
        """The id of a stack of one frame: a function's instruction, its first line by default."""
        key = (id(code), lasti)
        return self._stacks.get(key) or self._add(key, ((code, lasti),))

    def returned(self, function: object) -> int | None:
        """Where a function of the program's returned; its first line where it may have in several places."""
        code = getattr(function, "__code__", None)
        return None if code is None or not self.is_user(code) else self.at(code, _returns_at(code))

    def place_returned(self, function: object) -> Place | None:
        """The same as a line."""
        code = getattr(function, "__code__", None)
        if code is None or not self.is_user(code):
            return None
        return Place(self.file(code), line_of(code, _returns_at(code)))

    def with_before(self, stack: int, word: str) -> int | None:
        """The nearest `with` statement on the way to a stack whose line holds `word`.

        A function that runs decorated is told by its first line: its decorator's.
        """
        import dis
        import linecache  # both late: most programs never ask

        inner: CodeType | None = None
        for code, at in self._raw[stack]:
            if code.co_name == "decorate_context" and inner is not None:
                return self.at(inner)
            if self.is_user(code):
                for instruction in reversed(list(dis.get_instructions(code))):
                    opens = instruction.opname in ("BEFORE_WITH", "LOAD_SPECIAL") and instruction.offset < at
                    line = line_of(code, instruction.offset) if opens else 0
                    if opens and word in linecache.getline(code.co_filename, line):
                        return self.at(code, instruction.offset)
            inner = code
        return None

    def caller(self, stack: int) -> int | None:
        """Where the program called the function that a stack ends in, if it takes anything: a helper."""
        own = [
            (code, at)
            for code, at in self._raw[stack]
            if not of_probe(code) and self.is_user(code) and code.co_name.strip("<>") not in _INNER
        ]
        if len(own) < 2:
            return None
        helper = own[0][0]
        takes = helper.co_argcount or helper.co_kwonlyargcount or helper.co_flags & _TAKES_MORE
        return self.at(*own[1]) if takes else None

    # ------------------------------------------------------------- resolving

    def frames(self, stack: int) -> tuple[Frame, ...]:
        """The frames of a stack, innermost first, the probe's own left out."""
        frames = self._resolved[stack]
        if frames is None:
            frames = self._resolved[stack] = tuple(
                Frame(self.file(code), line_of(code, lasti), code.co_name, self._kind(code))
                for code, lasti in self._raw[stack]
                if not of_probe(code) and not code.co_filename.startswith("<frozen")
            )
        return frames

    def lines(self, stack: int) -> list[tuple[str, int]]:
        """The files and lines of a stack, innermost first; the path of each as Python knows it."""
        return [
            (os.path.abspath(c.co_filename), line_of(c, at)) for c, at in self._raw[stack] if not of_probe(c)
        ]

    def inside(self, stack: int, folder: str) -> bool:
        """Does the stack end inside library code of a folder (`torch/optim`), called by the program's own?"""
        for code, _ in self._raw[stack]:
            if self.is_user(code):
                return False
            if f"/{folder}/" in code.co_filename.replace(os.sep, "/"):
                return True
        return False

    def shown(self, stack: int) -> str:
        """`train.py:12`: the innermost line of the program's own; of anybody's where none is."""
        raw = [(code, at) for code, at in self._raw[stack] if not of_probe(code)]
        code, at = next((item for item in raw if self.is_user(item[0])), raw[0])
        return f"{self._shown(code.co_filename)}:{line_of(code, at)}"

    def assigned(self, stack: int) -> str | None:
        """The name that the program gives at once to what an operation returned, None where it gives none."""
        if stack not in self._assigned:
            self._assigned[stack] = assigned(frame for frame in self._raw[stack] if not of_probe(frame[0]))
        return self._assigned[stack]

    def use(self, stack: int | None) -> int | None:
        """Announce a stack that a message is about to name; returns it."""
        if stack is not None and stack not in self._announced_stacks:
            self._announced_stacks.add(stack)
            self._pending.append(Stack(stack, self.frames(stack)))
        return stack

    def place(self, frame: FrameType | None) -> Place | None:
        """The line a frame stands at; the nearest one outwards that is not the probe's."""
        if frame is None:
            return None
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        place = self._lines.get(key)
        if place is not None:  # a known one is not the probe's
            return place
        if of_probe(code):
            return self.place(frame.f_back)
        self._codes[key[0]] = code
        place = self._lines[key] = Place(self.file(code), line_of(code, key[1]))
        return place

    def start(self, code: CodeType) -> Place:
        """The line at which a function begins."""
        key = (id(code), -1)
        place = self._lines.get(key)
        if place is None:
            self._codes[key[0]] = code
            place = self._lines[key] = Place(self.file(code), code.co_firstlineno)
        return place

    def file(self, code: CodeType) -> int:
        """The id of the file that code comes from."""
        name = code.co_filename
        number = self._files.get(name)
        if number is None:
            number = self._files[name] = len(self._files) + 1
            self._pending.append(Source(number, self._shown(name), _text(name)))
        return number

    def engine_functions(self, stack: int | None) -> list[str]:
        """The names of the engine's own functions at the end of a stack, innermost first."""
        if stack is None:
            return []
        known = self._engine_functions.get(stack)
        if known is None:
            known = self._engine_functions[stack] = self._leading_engine_functions(stack)
        return known

    def _leading_engine_functions(self, stack: int) -> list[str]:
        names = []
        for code, _ in self._raw[stack]:
            if of_probe(code):
                continue
            if not self.of_engine(code):
                break
            names.append(code.co_name)
        return names

    def pending(self) -> list[Source | Stack]:
        """Announcements to send before the next message."""
        if not self._pending:
            return []
        pending, self._pending = self._pending, []
        return pending

    def _kind(self, code: CodeType) -> Kind:
        return "engine" if self.of_engine(code) else kind_of_file(code.co_filename, self._main)

    def _shown(self, name: str) -> str:
        if name.startswith("<"):
            return name
        path = os.path.abspath(name)
        return os.path.relpath(path, self._cwd) if path.startswith(self._cwd + os.sep) else path

    def is_user(self, code: CodeType) -> bool:
        """Is this code the user's own (neither installed, nor the engine's, nor ours)?"""
        return self._kind(code) == "user"


def kind_of_file(name: str, main: str | None) -> Kind:
    """Whose code a file holds, told by where it lies."""
    if name.startswith("<"):
        return "library" if name.startswith("<frozen") else "user"
    path = os.path.abspath(name)
    if path == main or path.startswith(_LESSONS):
        return "user"
    if path.startswith(_PACKAGE) or f"{os.sep}site-packages{os.sep}" in path or path.startswith(_LIBRARIES):
        return "library"
    return "user"


def _text(name: str) -> str | None:
    import linecache  # late: the program may never need a line

    lines = linecache.getlines(name)
    return "".join(lines) if lines else None


def _returns_at(code: CodeType) -> int:
    """The offset of a function's `return` instruction; -1 where it has several lines with one."""
    import dis  # late: most programs never need it

    found: dict[int, int] = {}
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("RETURN_VALUE", "RETURN_CONST"):
            found.setdefault(line_of(code, instruction.offset), instruction.offset)
    return next(iter(found.values())) if len(found) == 1 else -1
