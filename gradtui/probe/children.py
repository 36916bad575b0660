"""Children of the program that run passes of their own: nobody follows them, but the debugger is told.

A child writes its process id down a pipe when it enters torch's engine for the first time, and is as it would
be without us from then on. One that never does (it loads data) writes nothing. Forked children have the pipe;
those that `multiprocessing` starts anew are handed it in the settings that each process inherits from the one
that starts it (`_config`, private like the place of torch's engine; checked with Python 3.11 and torch
2.13.0). Processes that are started in another way (`subprocess`, `torchrun`) are not known.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from gradtui.probe.descriptors import identity
from gradtui.probe.pytorch.importing import Finder

_KEY = "gradtui"
_IN_CHILD = """
try:
    import sys
    sys.path.insert(0, home)
    try:
        from gradtui.probe import children, descriptors
    finally:
        sys.path.remove(home)
    children.begin(descriptors.away(descriptor.detach()))
except Exception:
    pass
"""
"""Runs in a process started anew, before its work and before its `sys.path` leads to us for sure."""


def expect(descriptor: int) -> None:
    """In the program: have each child tell, down this pipe, that it runs passes."""
    os.set_blocking(descriptor, False)
    telling = _Telling(descriptor)
    os.register_at_fork(after_in_child=telling.begin)
    _when_torch_is_loaded(telling.hand_on)


def begin(descriptor: int) -> None:
    """In a child that was started anew."""
    _Telling(descriptor).begin()


def _when_torch_is_loaded(work: Any) -> None:
    if "torch" in sys.modules:
        work()
        return

    def arrived() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
        work()

    finder = Finder(arrived)
    sys.meta_path.insert(0, finder)


class _Telling:
    """The pipe, and how children come by it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._file = identity(descriptor)

    def begin(self) -> None:
        """Tell when this process enters torch's engine."""
        _when_torch_is_loaded(self._stand_before_engine)

    def _stand_before_engine(self) -> None:
        try:
            variable = sys.modules["torch"].autograd.Variable
            if type(variable._execution_engine) is not _Engine:
                variable._execution_engine = _Engine(variable, self._tell)
        except AttributeError:  # the program's own module of that name, or a torch unlike those we know
            pass

    def _tell(self) -> None:
        if identity(self._descriptor) != self._file:
            return  # the program has closed what it inherited
        distributed = sys.modules.get("torch.distributed")
        try:
            rank = distributed.get_rank() if distributed and distributed.is_initialized() else -1
            os.write(self._descriptor, b"%d %d\n" % (os.getpid(), rank))
        except Exception:  # nobody reads it any more: no reason to disturb the child
            pass

    def hand_on(self) -> None:
        """Have processes that `multiprocessing` starts from here inherit this. Torch has loaded it."""
        process = sys.modules.get("multiprocessing.process")
        try:
            process.current_process()._config[_KEY] = self  # type: ignore[union-attr]
        except AttributeError:
            pass

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled for another process: `_IN_CHILD` runs there, and `None` is what is left of it."""
        try:
            from multiprocessing.context import get_spawning_popen
            from multiprocessing.reduction import DupFd

            if get_spawning_popen() is not None and identity(self._descriptor) == self._file:
                home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
                return exec, (_IN_CHILD, {"home": home, "descriptor": DupFd(self._descriptor)})
        except Exception:  # a way to start processes that we do not know
            pass
        return type(None), ()


class _Engine:
    """Stands where torch keeps its engine until that is asked to run; then it is gone.

    An attribute that is looked up leaves no frame in the child's tracebacks.
    """

    def __init__(self, variable: Any, tell: Any) -> None:
        self._variable = variable
        self._engine = variable._execution_engine
        self._told = tell

    def __getattr__(self, name: str) -> Any:
        if name == "run_backward":
            if self._variable._execution_engine is self:
                self._variable._execution_engine = self._engine
            self._told()
        return getattr(self._engine, name)
