"""Colours: a calm dark theme, a light one, and one from the Okabe-Ito palette for colour-blind people.

Every state has a glyph beside its colour, so `NO_COLOR` and monochrome terminals lose nothing.
"""

from __future__ import annotations

import os

from textual.theme import Theme

DARK = Theme(
    name="gradtui-dark",
    primary="#7aa2f7",
    secondary="#9aa5ce",
    accent="#ff9e64",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    foreground="#c8d0e8",
    background="#16171f",
    surface="#1a1b26",
    panel="#24263a",
    dark=True,
)
LIGHT = Theme(
    name="gradtui-light",
    primary="#2e5aac",
    secondary="#5b6078",
    accent="#b4470c",
    success="#3d6b1f",
    warning="#8a5a00",
    error="#b3173a",
    foreground="#2b2f3a",
    background="#f7f7f4",
    surface="#fdfdfb",
    panel="#e9e9e3",
    dark=False,
)
SAFE = Theme(
    name="gradtui-safe",
    primary="#56b4e9",
    secondary="#999999",
    accent="#e69f00",
    success="#009e73",
    warning="#f0e442",
    error="#d55e00",
    foreground="#e6e6e6",
    background="#101014",
    surface="#15151b",
    panel="#26262f",
    dark=True,
)
THEMES = (DARK, LIGHT, SAFE)


def wished() -> str:
    """The name of the theme to begin with: `GRADTUI_THEME` may be dark, light or safe."""
    name = f"gradtui-{os.environ.get('GRADTUI_THEME', 'dark')}"
    return next((theme.name for theme in THEMES if theme.name == name), DARK.name)
