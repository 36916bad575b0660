"""Every key of the screen, in one place. Lower case goes forward, the same key in upper case goes back."""

from __future__ import annotations

from textual.binding import Binding

from gradtui.tui.arrangement import TABS


def _key(keys: str, action: str, text: str, display: str | None = None) -> Binding:
    return Binding(keys, f"app.{action}", text, show=False, key_display=display)  # see `offered.py`


KEYS = [
    _key("n", "step_forward", "Step"),
    _key("N", "step_back", "Back", "N"),
    _key("c", "continue", "Run"),
    _key("C", "previous_stop", "To the last stop", "C"),
    _key("right_square_bracket", "next_pass", "Pass", "]"),
    _key("left_square_bracket", "previous_pass", "Previous pass", "["),
    _key("o", "over", "Over the module"),
    _key("O", "back_over", "Back over the module", "O"),
    _key("u", "out", "Out of the module"),
    _key("U", "back_out", "Back out of the module", "U"),
    _key("h", "here", "To the selected node"),
    _key("b", "ask_break", "Break"),
    _key("B", "breakpoints", "All breakpoints", "B"),
    _key("ctrl+c", "pause", "Pause"),
    _key("x", "next_finding", "Next finding"),
    _key("X", "previous_finding", "Previous finding", "X"),
    _key("g", "ask_step", "Go to a step"),
    _key("slash", "ask_search", "Find", "/"),
    _key("question_mark", "help", "Help", "?"),
    _key("q", "quit", "Quit"),
    _key("v", "turn_graph", "Graph: by data flow, by module, by execution order"),
    _key("w", "who_sent", "Who sent this?"),
    _key("enter", "to_selected", "To this node's step", "⏎"),
    _key("f", "findings", "Findings"),
    _key("p", "inspect", "Tensors of the node"),
    _key("W", "watch", "Watch an expression", "W"),
    _key("equals_sign", "what_if", "Go on with another gradient", "="),
    _key("k", "knobs", "Knob"),
    _key("e", "edit", "Edit"),
    _key("r", "restart", "Again"),
    _key("z", "zero", "Zero the gradients"),
    _key("i", "type", "Type a line for the program"),
    _key("I", "interrupt", "Interrupt the program", "I"),
    _key("y", "copy_step", "Copy the step as text"),
    _key("m", "maximize_pane", "One pane alone, and back"),
    _key("escape", "all_panes", "All panes"),
    _key("t", "next_theme", "Next theme"),
    *[_key(key, f"pane('{name}')", f"Pane: {name}") for key, (name, _) in TABS.items()],
]

MEANINGS: list[tuple[str, str]] = [
    ("n  N", "one step forward / back"),
    ("o  O", "over the module that runs next / back over the one that ran last"),
    ("u  U", "out of the module around it / back out"),
    ("h", "to where the selected node is about to run"),
    ("c  C", "run to the next stop or the end / back to the last stop"),
    ("b  B", "set a breakpoint: nonfinite; module=fc1 norm>10; train.py:12 / all breakpoints"),
    ("n, ctrl+c", "while the program runs: pause before the next node"),
    ("]  [", "to the next pass / the start of this or the previous pass"),
    ("x  X", "to the next finding, behind the last to the first / to the previous one"),
    ("g", "go to a step: 7, or 2:7 for step 7 of pass 2, or 2:end, or end"),
    ("/", "search: part of a name or op; or nonfinite, zero, overwrote, norm>10, norm<1e-6"),
    ("up down", "select a node: ledger, torch and source follow it"),
    ("left right", "fold / unfold below the selected node"),
    ("enter", "go to the step at which the selected node ran; unfold a module"),
    ("v", "the graph by data flow, by module, by execution order"),
    ("w", "who sent this? select the node that sent to it"),
    ("p", "the tensors of the selected node: figures, slices, histogram, heatmap, values"),
    ("W", "watch an expression: evaluated at every stop; the same again watches it no more"),
    ("=", "what if: go on with another gradient, g = g.clamp(-1, 1), or change the selected leaf"),
    ("k", "knobs and inputs of the program: choose, and it runs again"),
    ("e", "edit the selected leaf's number, and the program runs again with it"),
    ("r", "run the program again from the start"),
    ("z", "zero the gradients that are there, at the start of a pass"),
    ("i", "type a line for the program to read"),
    ("I", "interrupt the program, as Ctrl-C at its own terminal does: it gets a KeyboardInterrupt"),
    ("y", "copy the step and the ledger as text"),
    ("f", "show the findings / the output"),
    ("1 .. 0, -", ", ".join(name for name, _ in TABS.values())),
    ("m", "one pane over all others; 1 .. - change it, m or esc goes back"),
    ("t", "next theme: dark, light, for colour-blind people"),
    ("tab", "next pane"),
    ("ctrl+p", "all commands"),
    ("q", "quit: the program is ended (after gradtui.breakpoint() it goes on); back to the list of lessons"),
]
MARKS: list[tuple[str, str]] = [
    ("✓", "has run"),
    ("▶", "the step you are looking at"),
    ("›", "runs next"),
    ("✗", "an exception ended it, and the pass"),
    ("·", "waits"),
    ("✎", "runs with a gradient that you have put there"),
    ("↑", "the same node, shown further up"),
    ("◐", "a module of which some nodes have run"),
    ("▁..█", "norm of a gradient: ▁ below 1e-6, ten times a bar; ▆ from 0.01, ▇ from 1, █ from 100"),
    ("○ ✗ ∞", "a gradient of zero, NaN, Inf"),
    ("not yet", "no gradient has come so far in this pass; `nothing`: it is over, and none came"),
]
