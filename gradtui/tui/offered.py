"""The keys that the footer offers: those that make sense now, the most wanted first, as many as fit.

The others answer too: they say why not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual.binding import ActiveBinding, Binding

from gradtui.trace import cursor as moves
from gradtui.tui.keys import KEYS
from gradtui.views.state import State

BESIDE = 3
"""Cells of a key in the footer that neither the key nor its word has."""


def _always(_: State) -> bool:
    return True


def _runs(state: State) -> bool:
    return not state.recording and state.trace.exited is None


def _goes_on(state: State) -> bool:
    """Are there steps behind the one that is shown, or may there be?"""
    return _runs(state) or state.opening is not None or moves.forward(state.trace, state.cursor) is not None


def _has_pass(state: State) -> bool:
    """Is there anything to look at?"""
    return bool(state.trace.passes)


def _more_passes(state: State) -> bool:
    return _runs(state) or state.opening is not None or moves.next_pass(state.trace, state.cursor) is not None


def _runs_again(state: State) -> bool:
    return not state.recording


def _has_modules(state: State) -> bool:
    return bool(state.trace.modules)


@dataclass(frozen=True)
class _Offer:
    action: str
    word: str
    when: Callable[[State], bool] = _always


OFFERS = (
    _Offer("help", "Help"),
    _Offer("quit", "Quit"),
    _Offer("step_forward", "Step", _goes_on),
    _Offer("step_back", "Back", _has_pass),
    _Offer("continue", "Run", lambda state: _goes_on(state) if state.recording else _runs(state)),
    _Offer("next_pass", "Pass", _more_passes),
    _Offer("ask_break", "Break", _runs),
    _Offer("restart", "Again", _runs_again),
    _Offer("knobs", "Knob", lambda state: state.has_knobs or state.has_inputs),
    _Offer("edit", "Edit", lambda state: state.has_inputs),
    _Offer("next_finding", "Finding", lambda state: bool(state.trace.findings)),
    _Offer("ask_search", "Find", _has_pass),
    _Offer("ask_step", "Go to", _has_pass),
    _Offer("out", "Out", lambda state: _has_modules(state) and _goes_on(state)),
    _Offer("over", "Over", lambda state: _has_modules(state) and _goes_on(state)),
    _Offer("turn_graph", "View", _has_modules),
    _Offer("inspect", "Tensors", _has_pass),
    _Offer("watch", "Watch", _runs),
    _Offer("next_theme", "Theme"),
)
"""In the order in which they are wanted; in the footer they stand in the order of all keys."""
_KEY_OF = {key.action: key.key_display or key.key for key in KEYS}


def offered(state: State, width: int) -> dict[str, str]:
    """By action, the words of what is offered in a footer of that width."""
    words: dict[str, str] = {}
    width += 1  # the space behind the last one may be cut
    for offer in OFFERS:
        action = f"app.{offer.action}"
        size = cell_len(_KEY_OF[action]) + cell_len(offer.word) + BESIDE
        if not offer.when(state):
            continue
        if size > width:
            break
        words[action] = offer.word
        width -= size
    return words


def as_offered(active: ActiveBinding, words: dict[str, str]) -> ActiveBinding:
    """A key as the footer shows it, or does not; one that is not ours is left as it is."""
    binding: Binding = active.binding
    if binding.action not in _KEY_OF:
        return active
    word = words.get(binding.action)
    shown = replace(binding, show=word is not None, description=word or binding.description)
    return active._replace(binding=shown)
