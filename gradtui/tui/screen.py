"""The debugger's screen: hands each pane that can be seen the rows of its view."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Footer

from gradtui.trace.model import Pass
from gradtui.tui.arrangement import TABS, WIDE, Wish, others
from gradtui.tui.keys import KEYS
from gradtui.tui.widgets.graph import GraphView
from gradtui.tui.widgets.line import Hint, Line
from gradtui.tui.widgets.pane import Pane
from gradtui.tui.widgets.panes import Panes
from gradtui.tui.widgets.passes import PassesPane
from gradtui.tui.widgets.prompt import Prompt
from gradtui.views import (
    findings,
    leaves,
    ledger,
    lesson,
    nearby,
    output,
    source,
    status,
    step,
    torch,
)
from gradtui.views.rows import Row, Span
from gradtui.views.state import State
from gradtui.wire.messages import Node

AROUND = 3
"""Rows of the screen that no pane has: the status, the footer, and one for an alert or the tabs."""


class DebuggerScreen(Screen[None]):
    """Shows one `State`; knows nothing of programs. Its keys are actions of the app."""

    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    def __init__(self) -> None:
        super().__init__()
        self._state: State | None = None
        self._leaves: tuple[Pass | None, list[Node], dict[int, int]] = (None, [], {})
        """The leaves of a pass, and where each stands among them."""

    # ------------------------------------------------------------------ layout

    def compose(self) -> ComposeResult:
        """Status, finding, tabs, panes, prompt, footer."""
        yield Line("where")
        yield Line("alert")
        yield Hint()
        yield Line("tabs")
        yield Panes(
            GraphView(),
            Pane("source", "source", wide=True),
            Pane("step", "step"),
            Pane("ledger", "ledger"),
            Pane("leaves", "leaves"),
            Pane("torch", "torch"),
            PassesPane(),
            Pane("nearby", "nearby"),
            Pane("output", "output", wide=True),
            Pane("findings", "findings"),
            Pane("lesson", "lesson", wide=True),
        )
        yield Prompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Lay out for the size at hand."""
        self.query_one("#alert").display = False
        self._arrange(self.panes.wish)
        self.graph.focus()

    def on_resize(self) -> None:
        """More panes, or fewer."""
        self._arrange(self.panes.wish)

    @property
    def graph(self) -> GraphView:
        """The graph pane."""
        return self.query_one(GraphView)

    @property
    def panes(self) -> Panes:
        """The area of the panes."""
        return self.query_one(Panes)

    @property
    def passes(self) -> PassesPane:
        """The passes pane."""
        return self.query_one(PassesPane)

    @property
    def narrow(self) -> bool:
        """One tab at a time?"""
        return self.size.width < WIDE

    def _arrange(self, wish: Wish) -> None:
        self.query_one("#tabs").display = self.narrow
        self.panes.show(wish, Size(self.size.width, self.size.height - AROUND))
        for pane in self.panes.text_panes:
            pane.border_subtitle = others(pane.id or "", self.size.width)
        self.call_after_refresh(self.repaint)

    def open_pane(self, name: str) -> None:
        """Bring a pane forward and focus it."""
        self._arrange(self.panes.wish.ask(name))
        self.query_one(f"#{name}").focus()

    def open_lesson(self, there_is_one: bool) -> None:
        """A program begins that has a text to read, or none."""
        wish = self.panes.wish
        bottom = "lesson" if there_is_one else "output" if wish.bottom == "lesson" else wish.bottom
        self._arrange(Wish("graph", wish.side, bottom, there_is_one))
        self.query_one("#lesson", Pane).scroll_to(y=0, animate=False)

    def toggle_findings(self) -> None:
        """Findings, or back to what was there."""
        wish = self.panes.wish
        shown = wish.tab == "findings" if self.narrow else wish.bottom == "findings"
        self.open_pane(("graph" if self.narrow else "output") if shown else "findings")
        if shown:
            self.graph.focus()

    def toggle_maximized(self) -> None:
        """The focused pane over the whole screen, and back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)
        self.call_after_refresh(self.repaint)

    # ---------------------------------------------------------------- painting

    def show(self, state: State) -> None:
        """Bring every visible pane up to date."""
        self._state = state
        self.repaint()

    def repaint(self) -> None:
        """Paint the state again, for the size there is now."""
        state = self._state
        if state is None or not self.is_mounted:
            return
        self.query_one("#where", Line).show(status.where(state))
        alert = status.alert(state)
        line = self.query_one("#alert", Line)
        if line.display != (alert is not None):
            line.display = alert is not None
        line.show(alert or (), status.alert_key(state) if alert is not None else ())
        self.query_one(Hint).show(state.hint, state.hints.values())
        if self.narrow:
            self.query_one("#tabs", Line).show(self._tab_row())
        self.graph.show(state)
        for pane in self.panes.text_panes:
            if pane.display and pane.size.width:
                self._fill(pane, state)

    def _fill(self, pane: Pane, state: State) -> None:
        width, shown = pane.text_width, state.shown_pass
        match pane.id:
            case "step":
                total = "" if shown is None else f" {state.cursor.step} of pass {shown.number}"
                pane.show(step.rows_of(state, width), f"step{total}", top=True)
            case "ledger":
                pane.show(ledger.rows_of(state, width), ledger.title_of(state))
            case "leaves":
                self._fill_leaves(pane, state, width)
            case "torch":
                rows = torch.rows_of(state, width)
                pane.show(rows)
                pane.bring_into_view(torch.line_of_selected(rows))
            case "source":
                view = source.view_of(state)
                pane.show(view.rows, view.title, width=view.width)
                if view.line:
                    pane.bring_into_view(view.line - 1)
            case "output":
                pane.show(output.rows_of(state), bottom=True)
            case "findings":
                pane.show(findings.rows_of(state, width), f"findings · {len(state.trace.findings)}")
            case "lesson":
                pane.show(lesson.rows_of(state.lesson, None, width))
            case "nearby":
                pane.show(nearby.rows_of(state, width, pane.text_height))
            case "passes":
                self.passes.show_state(state)

    def _fill_leaves(self, pane: Pane, state: State, width: int) -> None:
        shown = state.shown_pass
        if shown is None:
            pane.show([], "leaves")
            return
        if self._leaves[0] is not shown:
            known = leaves.leaves_of(shown)
            self._leaves = (shown, known, {node.id: at for at, node in enumerate(known)})
            pane.scroll_to(y=0, animate=False)
        known = self._leaves[1]
        pane.show(leaves.LeafRows(state, shown, known, width), f"leaves · {len(known):,}")
        current = state.step
        if current is not None and current.node.leaf:
            pane.bring_into_view(self._leaves[2][current.node.id] + 1)

    def _tab_row(self) -> Row:
        """The tabs, as wide as there is room for: whole words, short ones, or those close together."""
        chosen, width = self.panes.wish.tab, self.size.width
        spans = []
        for key, (name, short) in TABS.items():
            if width >= 90:
                text = f" {key} {name if width >= 100 or name == chosen else short} "
            elif width >= 76:
                text = f"{key} {name if name == chosen else short} "
            else:
                text = f"{key}{short} "
            spans.append(Span(text, "title" if name == chosen else "dim"))
        spans[-1] = Span(spans[-1].text.rstrip(), spans[-1].role)
        return tuple(spans)
