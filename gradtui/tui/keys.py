"""Every key of the screen, in one place. Lower case goes forward, the same key in upper case goes back."""

from __future__ import annotations

from textual.binding import Binding


def _key(keys: str, action: str, text: str, shown: bool = True, display: str | None = None) -> Binding:
    return Binding(keys, action, text, show=shown, key_display=display)


KEYS = [
    _key("n", "step_forward", "Step"),
    _key("N", "step_back", "Back", display="N"),
    _key("c", "continue", "Run"),
    _key("C", "previous_stop", "To the last stop", False, "C"),
    _key("right_square_bracket", "next_pass", "Pass", True, "]"),
    _key("left_square_bracket", "previous_pass", "Previous pass", False, "["),
    _key("g", "ask_step", "Go"),
    _key("slash", "ask_search", "Find", display="/"),
    _key("question_mark", "help", "Help", True, "?"),
    _key("q", "quit", "Quit"),
    _key("w", "who_sent", "Who sent this?", False),
    _key("enter", "to_selected", "To this node's step", False, "⏎"),
    _key("f", "findings", "Findings", False),
    _key("k", "knobs", "Knobs"),
    _key("r", "restart", "Again"),
    _key("m", "maximize_pane", "Maximise", False),
    _key("1", "pane('graph')", "Graph", False),
    _key("2", "pane('step')", "Step and ledger", False),
    _key("3", "pane('leaves')", "Leaves", False),
    _key("4", "pane('torch')", "Torch", False),
    _key("5", "pane('source')", "Source", False),
    _key("6", "pane('output')", "Output", False),
    _key("7", "pane('findings')", "Findings pane", False),
]

MEANINGS: list[tuple[str, str]] = [
    ("n  N", "one step forward / back"),
    ("c  C", "run to the next stop or the end / back to the last stop"),
    ("]  [", "to the next pass / the start of this or the previous pass"),
    ("g", "go to a step: 7, or 2:7 for step 7 of pass 2, or end"),
    ("/", "search: part of a name or op; or nonfinite, zero, overwrote, norm>10, norm<1e-6"),
    ("up down", "select a node: ledger, torch and source follow it"),
    ("left right", "fold / unfold below the selected node"),
    ("enter", "go to the step at which the selected node ran"),
    ("w", "who sent this? select the node that sent to it"),
    ("f", "show the findings / the output"),
    ("k", "knobs of the program: choose, and it runs again"),
    ("r", "run the program again from the start"),
    ("m", "one pane over the whole screen, and back"),
    ("1 .. 7", "a pane: graph, step, leaves, torch, source, output, findings"),
    ("tab", "next pane"),
    ("ctrl+p", "all commands, themes too"),
    ("q", "quit; the program is ended"),
]
MARKS: list[tuple[str, str]] = [
    ("✓", "has run"),
    ("▶", "the step you are looking at"),
    ("›", "runs next"),
    ("·", "waits"),
    ("↑", "the same node, shown further up"),
]
