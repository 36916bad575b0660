"""Knobs of every type, in every way of writing them. Running this file to find them would fail."""

import sys

import gradtui
import gradtui as g
from gradtui import knob
from gradtui import knob as setting


def build():
    return knob("inside", "relu", choices=("relu", "tanh"))


class Panel:
    def knob(self, name, default):
        return default


print(gradtui.knob("rate", 0.1), gradtui.knob("count", default=3, choices=[1, 2, 3]))
print(knob(name="shout", default=False), g.knob("low", -1.5), setting("word", ""), build())
print(Panel().knob("not ours", 1), knob("many", 1, choices=range(5)), knob("computed", 1 + 1))
