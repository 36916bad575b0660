"""Colours: a calm dark theme, a light one, and one from the Okabe-Ito palette for colour-blind people.

Every state has a glyph beside its colour, so `NO_COLOR` and monochrome terminals lose nothing.
"""

from __future__ import annotations

import os

from textual.theme import Theme

DARK_HEAT = {
    "heat-0": "#4aa3ff", "heat-1": "#2f78c4", "heat-2": "#235487", "heat-3": "#1d3a5a",
    "heat-5": "#54391b", "heat-6": "#875520", "heat-7": "#c97a25", "heat-8": "#ffa53a",
    "heat-below": "#8fb8e0",
}  # fmt: skip
"""Blue below zero, orange above, the background at zero. What lies below shows its glyph as well."""
LIGHT_HEAT = {
    "heat-0": "#2466b0", "heat-1": "#5d93cf", "heat-2": "#9cc0e6", "heat-3": "#d3e4f5",
    "heat-5": "#fbe3c7", "heat-6": "#f4bf86", "heat-7": "#e2903c", "heat-8": "#b9640a",
    "heat-below": "#4f7fb3",
}  # fmt: skip

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
    variables=DARK_HEAT,
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
    variables=LIGHT_HEAT,
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
    variables=DARK_HEAT,
)
THEMES = (DARK, LIGHT, SAFE)


def wished() -> str:
    """The name of the theme to begin with: `GRADTUI_THEME` may be dark, light or safe."""
    name = f"gradtui-{os.environ.get('GRADTUI_THEME', 'dark')}"
    return next((theme.name for theme in THEMES if theme.name == name), DARK.name)
