"""What modules are called, and the parameters that they own belong to: `blocks.0.mlp`.

As `named_modules` has it; a model itself is called by the variable that holds it. Where two models have
different modules of one name, where one has a module of its own name, and where the name would begin with a
number, that variable stands in front: `netG.main.0`, `net.2`.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch

from gradtui.probe.weak import Remembered


class ModulePaths:
    """Remembers modules and parameters by their `id()`, and keeps none alive."""

    def __init__(self) -> None:
        self._known = Remembered[tuple[str, str]]()
        """Each with the variable of its model and the module's name in there."""
        self._first: dict[str, weakref.ref[Any]] = {}
        """The module that had a name first."""
        self._apart: set[str] = set()
        """Variables of models that have names in common."""
        self._models: set[str] = set()
        """Variables of modules that have parameters: a loss function is no model."""
        self._asked = 0
        self._told: set[str] = set()

    def place(self, obj: Any, root: str, name: str) -> None:
        """`obj` is the module `name` of the model in the variable `root`, or a parameter of that module.

        The first model in scope that has it counts.
        """
        if self._known.get(obj) is not None:
            return
        self._known.set(obj, (root, name))
        if not issubclass(type(obj), torch.nn.Module):
            self._models.add(root)
        elif name:
            if name == root or name.startswith(root + "."):
                self._apart.add(root)
            first = self._first.get(name)
            other = first() if first is not None else None
            known = None if other is None else self._known.get(other)
            if known is None:
                self._first[name] = weakref.ref(obj)
            elif known[0] != root:
                self._apart |= {root, known[0]}

    def of(self, number: int) -> str | None:
        """The path of a module, or of a parameter's; None if not known, or for a model without any."""
        known = self._known.by_id(number)
        return None if known is None else self._path(*known)

    def _path(self, root: str, name: str) -> str | None:
        if not name:
            return root if root in self._models else None
        return f"{root}.{name}" if root in self._apart or name[:1].isdigit() else name

    def kinds(self) -> list[tuple[str, str]]:
        """The paths and classes of modules that were not asked for before."""
        seen = len(self._known) + len(self._apart) + len(self._models)
        if seen == self._asked:
            return []
        self._asked = seen
        new = []
        for module, (root, name) in self._known.items():
            path = self._path(root, name)
            if path and path not in self._told and issubclass(type(module), torch.nn.Module):
                self._told.add(path)
                new.append((path, type(module).__name__))
        return new
