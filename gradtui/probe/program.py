"""Runs the user's script as `__main__`, as plain `python` would: argv, path, traceback, exit code."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import NoReturn

_ROOM = os.path.dirname(os.path.abspath(__file__)) + os.sep


def load(path: str) -> CodeType:
    """The compiled program. Raises `SyntaxError` or `OSError`; the debugger has looked before."""
    import tokenize

    with tokenize.open(path) as file:
        text = file.read()
    return compile(text, path, "exec", dont_inherit=True)


def run_as_main(path: str, argv: tuple[str, ...], on_raise: Callable[[str, str], None]) -> None:
    """Run the program; return when it ended well, else leave as Python would.

    `on_raise(error, traceback)` hears of an exception before the process ends with it.
    """
    code = load(path)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins, __cached__=None, __spec__=None)
    sys.modules["__main__"] = main
    sys.argv = [path, *argv]
    try:
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        _end_with(error, on_raise)


def _end_with(error: BaseException, on_raise: Callable[[str, str], None]) -> NoReturn:
    """Print the program's own traceback, without our frames, and exit as Python would."""
    error.__traceback__ = _without_leading(error.__traceback__)
    report = traceback.TracebackException.from_exception(error)
    _strip(report)
    text = "".join(report.format())
    on_raise(_one_line(error, report), text)
    if sys.excepthook is sys.__excepthook__:
        sys.stderr.write(text)
    else:
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        sys.excepthook(type(error), error, error.__traceback__)
    if isinstance(error, KeyboardInterrupt):
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(1)


def _without_leading(tb: TracebackType | None) -> TracebackType | None:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_ROOM):
        tb = tb.tb_next
    return tb


def _strip(report: traceback.TracebackException) -> None:
    """Take our frames out of a report and of everything it was caused by."""
    todo, seen = [report], set()
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        kept = [f for f in item.stack if not f.filename.startswith(_ROOM)]
        item.stack = traceback.StackSummary.from_list(kept)
        todo.extend(e for e in (item.__cause__, item.__context__) if e is not None)


def _one_line(error: BaseException, report: traceback.TracebackException) -> str:
    text = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    line = text[-1] if text else type(error).__name__
    if report.stack:
        last = report.stack[-1]
        line += f" ({os.path.basename(last.filename)}:{last.lineno})"
    return line
