"""Every key of the screen, in one place. Lower case goes forward, the same key in upper case goes back."""

from __future__ import annotations

from textual.binding import Binding

from gradtui.tui.arrangement import TABS


def _key(keys: str, action: str, text: str, shown: bool = True, display: str | None = None) -> Binding:
    return Binding(keys, f"app.{action}", text, show=shown, key_display=display)


KEYS = [
    _key("n", "step_forward", "Step"),
    _key("N", "step_back", "Back", display="N"),
    _key("c", "continue", "Run"),
    _key("C", "previous_stop", "To the last stop", False, "C"),
    _key("right_square_bracket", "next_pass", "Pass", True, "]"),
    _key("left_square_bracket", "previous_pass", "Previous pass", False, "["),
    _key("x", "next_finding", "Next finding", False),
    _key("X", "previous_finding", "Previous finding", False, "X"),
    _key("g", "ask_step", "Go to a step", False),
    _key("slash", "ask_search", "Find", display="/"),
    _key("question_mark", "help", "Help", True, "?"),
    _key("q", "quit", "Quit"),
    _key("w", "who_sent", "Who sent this?", False),
    _key("enter", "to_selected", "To this node's step", False, "⏎"),
    _key("f", "findings", "Findings", False),
    _key("k", "knobs", "Knobs"),
    _key("e", "edit", "Edit"),
    _key("r", "restart", "Again"),
    _key("z", "zero", "Zero the gradients", False),
    _key("i", "type", "Type a line for the program", False),
    _key("y", "copy_step", "Copy the step as text", False),
    _key("m", "maximize_pane", "One pane alone, and back", False),
    _key("escape", "all_panes", "All panes", False),
    _key("t", "next_theme", "Next theme", False),
    *[_key(key, f"pane('{name}')", f"Pane: {name}", False) for key, (name, _) in TABS.items()],
]

MEANINGS: list[tuple[str, str]] = [
    ("n  N", "one step forward / back"),
    ("c  C", "run to the next stop or the end / back to the last stop"),
    ("]  [", "to the next pass / the start of this or the previous pass"),
    ("x  X", "to the next / previous finding"),
    ("g", "go to a step: 7, or 2:7 for step 7 of pass 2, or end"),
    ("/", "search: part of a name or op; or nonfinite, zero, overwrote, norm>10, norm<1e-6"),
    ("up down", "select a node: ledger, torch and source follow it"),
    ("left right", "fold / unfold below the selected node"),
    ("enter", "go to the step at which the selected node ran"),
    ("w", "who sent this? select the node that sent to it"),
    ("k", "knobs and inputs of the program: choose, and it runs again"),
    ("e", "edit the selected leaf's number, and the program runs again with it"),
    ("r", "run the program again from the start"),
    ("z", "zero the gradients that are there, at the start of a pass"),
    ("i", "type a line for the program to read"),
    ("y", "copy the step and the ledger as text"),
    ("f", "show the findings / the output"),
    ("1 .. 9, 0", ", ".join(name for name, _ in TABS.values())),
    ("m", "one pane over all others; 1 .. 0 change it, m or esc goes back"),
    ("t", "next theme: dark, light, for colour-blind people"),
    ("tab", "next pane"),
    ("ctrl+p", "all commands"),
    ("q", "quit: the program is ended; back to the list of lessons where there is one"),
]
MARKS: list[tuple[str, str]] = [
    ("✓", "has run"),
    ("▶", "the step you are looking at"),
    ("›", "runs next"),
    ("·", "waits"),
    ("↑", "the same node, shown further up"),
]
