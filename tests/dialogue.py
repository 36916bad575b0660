"""Scripted dialogues of typed commands over real programs."""

from __future__ import annotations

from pathlib import Path

from running import PROGRAMS, Ended, gradtui

OVERWRITES = '''\
"""b = a + a, twice as wrong as it looks

Two contributions, one place.
"""

import gradtui

SCENARIO = {"hints": {"1:1": "Did the second add to the first?"}, "findings": ["overwritten-gradient"]}

repaired = gradtui.knob("repaired", False)


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data, self.grad = data, 0.0
        self._prev, self._op, self._backward = set(_children), _op, lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad = self.grad + out.grad if repaired else out.grad
            other.grad = other.grad + out.grad if repaired else out.grad

        out._backward = _backward
        return out

    def backward(self):
        self.grad = 1.0
        self._backward()
        for child in self._prev:
            child._backward()


a = Value(3.0)
b = a + a
b.backward()
print("a.grad =", a.grad)
'''
TWO_PASSES = '''\
"""A tensor program of two passes."""

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
for turn in (1, 2):
    loss = (w * w).sum()
    loss.backward()
    print("pass", turn, "gave", w.grad.tolist())
'''


def dialogue(program: str | Path, *commands: str, argv: tuple[object, ...] = (), **more: object) -> Ended:
    """`gradtui run --plain PROGRAM` with these lines on its stdin."""
    script = "".join(line + "\n" for line in commands).encode()
    options = ("--out", more.pop("out")) if "out" in more else ()
    return gradtui("run", "--plain", "--no-twin", *options, program, *argv, stdin=script, **more)


def lines(program: str, *commands: str, argv: tuple[object, ...] = ()) -> list[str]:
    """What a dialogue over a program of tests/programs prints."""
    done = dialogue(PROGRAMS / program, *commands, argv=argv)
    assert done.error == ""
    return done.out.decode().splitlines()


def answers(program: str, *commands: str, argv: tuple[object, ...] = ()) -> list[list[str]]:
    """What each command prints: a command that there is not stands before each, and its error parts them."""
    printed = lines(program, *[part for command in commands for part in ("xyzzy", command)], argv=argv)
    parts: list[list[str]] = [[]]
    for line in printed:
        if line == "error: no command 'xyzzy'; help lists them":
            parts.append([])
        else:
            parts[-1].append(line)
    return parts[1:]


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name
