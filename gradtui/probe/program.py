"""Runs the script or module as `__main__`, as plain `python` would: argv, path, traceback, exit code."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import Any

from gradtui.probe.places import STAND_IN
from gradtui.wire.messages import Begin, Edit

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OURS = (_PACKAGE + "probe" + os.sep, _PACKAGE + "wire" + os.sep)
_DISPATCH = os.path.join("torch", "overrides.py")
"""Calls us on behalf of the program, and so does the import system: not there without us, hidden with us."""
_LIBRARIES = (os.path.dirname(os.__file__) + os.sep, "<frozen ")

OnRaise = Callable[[str, str], None]
Hook = Callable[[type[BaseException], BaseException, "TracebackType | None"], Any]


def run_as_main(begin: Begin, on_raise: OnRaise) -> None:
    """Run the program; what it raises goes on to the interpreter, to end the process as it ever does.

    `on_raise(error, traceback)` hears of it first. Tracebacks are printed without frames of ours. With
    `edits`, the text reads otherwise, and what it asserts about its own figures is left out.
    """
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __annotations__={})
    sys.modules["__main__"] = main
    try:
        code = _module(begin, main) if begin.module else _script(begin, main)
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        hide_us(error)
        _report(error, on_raise)
        sys.excepthook = _without_us(sys.excepthook, error)
        raise


def _script(begin: Begin, main: ModuleType) -> CodeType:
    """The code of a file, and all that it finds about itself."""
    path = begin.program
    full = os.path.join(os.getcwd(), path)  # as Python does it: joined, not tidied up
    loader = type(__loader__)("__main__", full)  # type: ignore[name-defined]
    main.__dict__.update(__file__=full, __cached__=None, __loader__=loader)
    sys.argv = [path, *begin.argv]
    _search_first(os.path.dirname(os.path.realpath(path)))
    return _compiled(full, begin.edits)


def _module(begin: Begin, main: ModuleType) -> CodeType:
    """The same of a module that is found by its name; its packages are imported first, as by `-m`."""
    import runpy  # which Python itself does; its private part was read in versions 3.10 to 3.14

    sys.argv = ["-m", *begin.argv]
    _search_first(os.getcwd())
    refusal: type[Exception] = runpy._Error  # type: ignore[attr-defined]
    try:
        _, spec, code = runpy._get_module_details(begin.module, refusal)  # type: ignore[attr-defined]
    except refusal as error:
        sys.exit(f"{sys.executable}: {error}")
    main.__dict__.update(
        __file__=spec.origin,
        __cached__=spec.cached,
        __doc__=None,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    sys.argv[0] = spec.origin
    return _compiled(spec.origin, begin.edits) if begin.edits else code


def _search_first(folder: str) -> None:
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, folder)


def _compiled(path: str, edits: tuple[Edit, ...]) -> CodeType:
    with open(path, "rb") as file:
        source = file.read()
    text = _edited(source, path, edits) if edits else source
    return compile(text, path, "exec", dont_inherit=True, optimize=1 if edits else -1)


def _edited(source: bytes, path: str, edits: tuple[Edit, ...]) -> str:
    """The text with literals replaced; everybody who asks for its lines gets these."""
    import linecache
    from importlib.util import decode_source

    # as Python counts lines: a form feed or U+2028 ends none
    lines = [(line + "\n").encode() for line in decode_source(source).split("\n")]
    for edit in sorted(edits, key=lambda e: (e.line, e.start), reverse=True):
        line = lines[edit.line - 1]
        lines[edit.line - 1] = line[: edit.start] + edit.text.encode() + line[edit.end :]
    texts = [line.decode() for line in lines]
    linecache.cache[path] = (sum(map(len, texts)), None, texts, path)
    return "".join(texts)[:-1]


def _without_us(hook: Hook, error: BaseException) -> Hook:
    """The program's own hook (or Python's), which shall not see the frames that led to its first line."""
    traceback = error.__traceback__

    def show(kind: type[BaseException], raised: BaseException, _: TracebackType | None) -> None:
        sys.excepthook = hook
        sys.last_traceback = raised.__traceback__ = traceback
        try:
            hook(kind, raised, traceback)
        except SystemExit:
            raise
        except BaseException as broken:
            hide_us(broken)
            sys.stderr.write("Error in sys.excepthook:\n")
            sys.__excepthook__(type(broken), broken, broken.__traceback__)
            sys.stderr.write("\nOriginal exception was:\n")
            sys.__excepthook__(kind, raised, traceback)

    return show


def _report(error: BaseException, on_raise: OnRaise) -> None:
    import traceback

    lines = "".join(traceback.format_exception_only(type(error), error)).splitlines()
    said = next((line for line in lines if not line.startswith(" ")), type(error).__name__)
    frames = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)]
    own = [frame for frame in frames if not _of_library(frame[0])] or frames
    where = f" ({os.path.basename(own[-1][0])}:{own[-1][1]})" if own else ""
    on_raise(said + where, "".join(traceback.format_exception(error)))


def _of_library(file: str) -> bool:
    return file.startswith(_LIBRARIES) or "site-packages" in file


# -------------------------------------------------------------------- frames


def hide_us(error: BaseException) -> None:
    """Take our frames out of an exception's traceback and of everything that it was caused by."""
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        item = todo.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        item.__traceback__ = _kept(item.__traceback__)
        todo += (item.__cause__, item.__context__, *getattr(item, "exceptions", ()))


def _kept(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    detour = False  # did the frame kept last call itself again, by way of torch's dispatch to us?
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename.startswith(_OURS) or code.co_name == STAND_IN:
            while kept and kept[-1].tb_frame.f_code.co_filename.startswith("<frozen importlib"):
                kept.pop()
            while kept and kept[-1].tb_frame.f_code.co_filename.endswith(_DISPATCH):
                kept.pop()
                detour = True
        else:
            if detour and kept and kept[-1].tb_frame.f_code is code:
                kept.pop()
            detour = False
            kept.append(traceback)
        traceback = traceback.tb_next
    chain: TracebackType | None = None
    for entry in reversed(kept):
        line = entry.tb_lineno or entry.tb_frame.f_code.co_firstlineno  # None of code that has no lines
        chain = TracebackType(chain, entry.tb_frame, entry.tb_lasti, line)
    return chain
