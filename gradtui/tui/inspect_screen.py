"""One tensor over the whole screen: choose among those of a node, slice it; bars, picture, numbers."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input

from gradtui.trace.figures import recorded
from gradtui.tui.widgets.line import Line
from gradtui.tui.widgets.pane import Pane
from gradtui.views import tensor
from gradtui.views.choices import Tensor, coming, gone, tensors_of
from gradtui.views.rows import Row, fit, row
from gradtui.views.state import State
from gradtui.wire.messages import Inspected, Node

Ask = Callable[[int, str, str], int]
"""Asks the program for a node's tensor and a slice of it; returns the question's number, 0 for none."""
KEYS = (
    "up down choose · tab histogram, magnitudes, heatmap, values · n next node · / slice · = expression · esc"
)
SHORT_KEYS = "↑↓ pick · tab view · n next · / slice · = expression · esc"


class InspectScreen(ModalScreen[None]):
    """`ask` is None where no program stands: then what was recorded is shown."""

    BINDINGS = [
        Binding("escape,q,p", "leave", "Close"),
        Binding("up,k", "choose(-1)", "Tensor above"),
        Binding("down,j", "choose(1)", "Tensor below"),
        Binding("n", "next_node", "The node about to run"),
        Binding("tab", "turn(1)", "Next view"),
        Binding("shift+tab", "turn(-1)", "Previous view"),
        Binding("slash,left_square_bracket", "edit('slice')", "Slice"),
        Binding("equals_sign", "edit('expression')", "Expression"),
        Binding("pageup", "scroll(-1)", "Up"),
        Binding("pagedown", "scroll(1)", "Down"),
    ]
    CSS = """
    InspectScreen { background: $background; layout: vertical; }
    InspectScreen Horizontal { height: 1fr; }
    InspectScreen #tensors { width: 26; }
    InspectScreen #tensor { width: 1fr; }
    InspectScreen Input { height: 1; border: none; padding: 0 1; background: $panel; display: none; }
    InspectScreen Input:focus { border: none; }
    """

    def __init__(self, state: State, node: Node, ask: Ask | None) -> None:
        super().__init__()
        self._state = state
        self._node = node
        self._ask = ask
        self._readable: tuple[str, ...] = ()
        self._expressions: list[str] = []
        self._at = 0
        self._face = 0
        self._slices: dict[str, str] = {}
        self._question = 0
        self._seen: Inspected | None = None
        self._editing = "slice"

    def compose(self) -> ComposeResult:
        """The list, the tensor, a line to type in, the keys."""
        with Horizontal():
            yield Pane("tensors", "tensors")
            yield Pane("tensor", "tensor")
        yield Input(compact=True, select_on_focus=False)
        yield Line("keys")

    def on_mount(self) -> None:
        """Ask for what comes first."""
        self.query_one("#tensors").can_focus = self.query_one("#tensor").can_focus = False
        self.query_one("#tensors").border_subtitle = "● live  ○ recorded"
        if self._ask is not None:
            self._question = self._ask(self._node.id, "", "")
        if not self._question:
            self._pick()
        self.call_after_refresh(self._paint)

    def on_resize(self) -> None:
        """Another width."""
        self.call_after_refresh(self._paint)

    # ---------------------------------------------------------------- choosing

    @property
    def _listed(self) -> list[Tensor]:
        known = tensors_of(self._state, self._node, self._readable)
        return [*known, *[Tensor(text, True) for text in self._expressions]]

    def answered(self, seen: Inspected | None, stands: bool) -> None:
        """The program has answered something, or stands here no more: then what was recorded is shown."""
        if seen is None or seen.request != self._question:
            if self._ask is not None and not stands:
                self._ask, self._readable, self._question = None, (), 0
                self._pick()
            return
        self._seen = seen
        if seen.node == self._node.id:
            self._readable = seen.readable
        names = [item.name for item in self._listed]
        if not seen.error and seen.what in names:
            self._at = names.index(seen.what)
        elif not seen.slice and names and seen.what not in self._expressions:
            self._pick()  # nothing of this node can be read any more: show what was recorded
        self._paint()

    def _pick(self) -> None:
        """Look at the one chosen: ask the program, or take what was recorded."""
        listed = self._listed
        if not listed:
            return
        self._at = max(0, min(self._at, len(listed) - 1))
        item = listed[self._at]
        if item.live and self._ask is not None:
            self._question = self._ask(self._node.id, item.name, self._slices.get(item.name, ""))
        elif item.recorded is not None:
            self._question = 0
            self._seen = recorded(self._node.id, item.name, item.recorded)
            if self._ask is not None:
                self._seen = gone(self._seen, self._state, "n shows its tensors")
        self._paint()

    def action_choose(self, by: int) -> None:
        """Another tensor."""
        self._at = max(0, min(self._at + by, len(self._listed) - 1))
        self.query_one("#tensor", Pane).scroll_to(y=0, animate=False)
        self._pick()

    def action_next_node(self) -> None:
        """The tensors of the node that is about to run."""
        node = coming(self._state)
        if node is None or self._ask is None:
            self.notify("No node is about to run here.", timeout=4)
            return
        self._node, self._readable, self._seen, self._at = node, (), None, 0
        self._slices.clear()
        self._question = self._ask(node.id, "", "")
        self._paint()

    def action_turn(self, by: int) -> None:
        """Another view of it."""
        self._face = (self._face + by) % len(tensor.FACES)
        self.query_one("#tensor", Pane).scroll_to(y=0, animate=False)
        self._paint()

    def action_scroll(self, by: int) -> None:
        """Further up or down."""
        pane = self.query_one("#tensor", Pane)
        pane.scroll_relative(y=by * max(1, pane.text_height - 2), animate=False)

    def action_leave(self) -> None:
        """Close the line, then the screen."""
        if self._typed.display:
            self._close_line()
        else:
            self.dismiss()

    # ------------------------------------------------------------------ typing

    @property
    def _typed(self) -> Input:
        return self.query_one(Input)

    def action_edit(self, what: str) -> None:
        """Type a slice of the tensor, or an expression of the program's."""
        if self._ask is None:
            self.notify("Slices and expressions are read in a program that stands here.", timeout=4)
            return
        self._editing = what
        listed = self._listed
        known = self._slices.get(listed[self._at].name, "") if what == "slice" and listed else ""
        self._typed.value = known
        self._typed.placeholder = (
            "[0, :, 3]   [..., -1]   [::2]   empty: all of it"
            if what == "slice"
            else "received[0] - sent[0]   model.fc.weight.grad   loss"
        )
        self._typed.display = True
        self._typed.focus()
        self._typed.action_select_all()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look at what was asked for."""
        event.stop()
        text = event.value.strip()
        listed = self._listed
        if self._editing == "slice" and listed:
            self._slices[listed[self._at].name] = text
        elif self._editing == "expression" and text:
            if text not in [item.name for item in listed]:
                self._expressions.append(text)
            self._at = [item.name for item in self._listed].index(text)
        self._close_line()
        self._pick()

    def _close_line(self) -> None:
        self._typed.display = False
        self.set_focus(None)

    # ---------------------------------------------------------------- painting

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        listed, tensors, pane = (
            self._listed,
            self.query_one("#tensors", Pane),
            self.query_one("#tensor", Pane),
        )
        tensors.show([_line(item, i == self._at, tensors.text_width) for i, item in enumerate(listed)])
        tensors.bring_into_view(self._at)
        face = tensor.FACES[self._face]
        following = tensor.FACES[(self._face + 1) % len(tensor.FACES)]
        pane.show(self._rows(face, pane.text_width, pane.text_height), f"{face} · tab: {following}")
        keys = KEYS if self.size.width >= len(KEYS) + 2 else SHORT_KEYS
        self.query_one("#keys", Line).show(row((f" {keys}", "dim")))

    def _rows(self, face: tensor.Face, width: int, height: int) -> list[Row]:
        seen = self._seen
        if seen is None:
            why = "asking the program" if self._question else "nothing of this node was recorded so far"
            return [row((why, "dim"))]
        rows = tensor.head(seen, self._node if seen.what not in self._expressions else None, width)
        rows.append(())
        return rows + tensor.face_rows(seen, face, width, height - len(rows))


def _line(item: Tensor, chosen: bool, width: int) -> Row:
    """Live ones are named as such by their mark; of the others there is what was recorded."""
    mark = "●" if item.live else "○"
    name = fit(f"{'▶' if chosen else ' '} {mark} {item.name}", width)
    return row((name, "now" if chosen else "" if item.live else "dim"))
