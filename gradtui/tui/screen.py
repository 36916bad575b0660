"""The debugger's screen: lays the panes out for the terminal's size and hands each the rows of its view."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer

from gradtui.trace.model import Pass
from gradtui.tui.widgets.graph import GraphView
from gradtui.tui.widgets.line import Line
from gradtui.tui.widgets.pane import Pane
from gradtui.tui.widgets.prompt import Prompt
from gradtui.views import findings, leaves, ledger, output, source, status, step, torch
from gradtui.views.rows import Row, Span
from gradtui.views.state import State
from gradtui.wire.messages import Node

WIDE = 110
"""Columns from which the panes stand side by side; below, one tab at a time."""
TABS = {
    "graph": ("graph", "step"),
    "step": ("step", "ledger"),
    "leaves": ("leaves",),
    "torch": ("torch",),
    "source": ("source",),
    "output": ("output",),
    "findings": ("findings",),
}
"""For each tab of a narrow screen, the panes that it shows."""
LEFT = {"graph", "source"}


class DebuggerScreen(Screen[None]):
    """Shows one `State`; knows nothing of programs."""

    def __init__(self) -> None:
        super().__init__()
        self._state: State | None = None
        self._tab = "graph"
        self._bottom = "output"
        self._leaves: tuple[Pass | None, list[Node]] = (None, [])

    # ------------------------------------------------------------------ layout

    def compose(self) -> ComposeResult:
        """Status, finding, tabs, two columns, prompt, footer."""
        yield Line("where")
        yield Line("alert")
        yield Line("tabs")
        with Horizontal(id="columns"):
            with Vertical(id="left"):
                yield GraphView()
                yield Pane("source", "source", wide=True)
            with Vertical(id="right"):
                yield Pane("step", "step")
                yield Pane("ledger", "ledger")
                yield Pane("leaves", "leaves")
                yield Pane("torch", "torch")
                yield Pane("output", "output", wide=True)
                yield Pane("findings", "findings")
        yield Prompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Lay out for the size at hand."""
        self.query_one("#alert").display = False
        self._arrange()
        self.graph.focus()

    def on_resize(self) -> None:
        """Side by side or by tabs."""
        self._arrange()
        self.call_after_refresh(self.repaint)

    @property
    def graph(self) -> GraphView:
        """The graph pane."""
        return self.query_one(GraphView)

    @property
    def narrow(self) -> bool:
        """One tab at a time?"""
        return self.size.width < WIDE

    def _arrange(self) -> None:
        self.set_class(self.narrow, "narrow")
        self.query_one("#tabs").display = self.narrow
        tab = set(TABS[self._tab])
        for pane in (self.graph, *self.query(Pane).results(Pane)):
            name = pane.id or ""
            alone = name not in ("output", "findings") or name == self._bottom
            pane.display = name in tab if self.narrow else alone
        self.query_one("#left").display = not self.narrow or bool(LEFT & tab)
        self.query_one("#right").display = not self.narrow or bool(tab - LEFT)

    def open_pane(self, name: str) -> None:
        """Bring a pane forward and focus it."""
        self._tab = name
        if name in ("output", "findings"):
            self._bottom = name
        self._arrange()
        self.query_one(f"#{name}").focus()
        self.call_after_refresh(self.repaint)

    def toggle_findings(self) -> None:
        """Findings, or back to what was there."""
        shown = self._tab == "findings" if self.narrow else self._bottom == "findings"
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
        line.show(alert or ())
        if self.narrow:
            self.query_one("#tabs", Line).show(self._tab_row())
        self.graph.show(state)
        for pane in self.query(Pane).results(Pane):
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
                pane.show(view.rows, view.title)
                if view.line:
                    pane.bring_into_view(view.line - 1)
            case "output":
                pane.show(output.rows_of(state), bottom=True)
            case "findings":
                pane.show(findings.rows_of(state, width), f"findings · {len(state.trace.findings)}")

    def _fill_leaves(self, pane: Pane, state: State, width: int) -> None:
        shown = state.shown_pass
        if shown is None:
            pane.show([], "leaves")
            return
        if self._leaves[0] is not shown:
            self._leaves = (shown, leaves.leaves_of(shown))
            pane.scroll_to(y=0, animate=False)
        known = self._leaves[1]
        pane.show(leaves.LeafRows(state, shown, known, width), f"leaves · {len(known):,}")
        current = state.step
        if current is not None and current.node.leaf:
            pane.bring_into_view(known.index(current.node) + 1)

    def _tab_row(self) -> Row:
        return tuple(
            Span(f" {i} {name} ", "title" if name == self._tab else "dim") for i, name in enumerate(TABS, 1)
        )
