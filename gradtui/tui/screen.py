"""The debugger's screen: hands each pane that can be seen the rows of its view."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from gradtui.trace.model import Pass
from gradtui.trace.trace import Trace
from gradtui.tui.arrangement import BESIDE, TABS, WIDE, Wish, arrange, others
from gradtui.tui.content import rows_wanted
from gradtui.tui.keys import KEYS
from gradtui.tui.offered import as_offered, offered
from gradtui.tui.widgets.graph import GraphView
from gradtui.tui.widgets.headed import HeadedPane
from gradtui.tui.widgets.line import Alert, Hint, Line
from gradtui.tui.widgets.pane import Pane
from gradtui.tui.widgets.panes import Panes
from gradtui.tui.widgets.passes import PassesPane
from gradtui.tui.widgets.prompt import Prompt
from gradtui.tui.widgets.watch import WatchLines
from gradtui.views import (
    findings,
    leaves,
    ledger,
    lesson,
    nearby,
    norms,
    output,
    source,
    status,
    step,
    torch,
)
from gradtui.views.absent import light_rows
from gradtui.views.rows import Row, Span, text_of, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Node

ALL_PANES = "m or esc: all panes"
AROUND = 3
"""Rows of the screen that no pane has, about: the status, the footer, and one for an alert or the tabs."""


class DebuggerScreen(Screen[None]):
    """Shows one `State`; knows nothing of programs. Its keys are actions of the app."""

    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As Textual's own, but the panes that gain and lose it are painted, not the whole screen."""

    def __init__(self) -> None:
        super().__init__()
        self._state: State | None = None
        self._leaves: tuple[Pass | None, list[Node], dict[int, int]] = (None, [], {})
        """The leaves of a pass, and where each stands among them."""
        self._parameters = norms.Leaves()
        self._wanted: dict[str, int] = {}
        """Rows that the panes have use for."""
        self._wanted_of: tuple[Trace | None, set[int]] = (None, set())
        """The trace, and those of its passes, for which they are."""
        self._text: tuple[object, list[Row]] = (None, [])
        """The lesson as it is shown, and what it was made of."""
        self._before_findings: Wish | None = None
        self._offered: dict[str, str] = {}
        """Keys that the footer offers, with their words."""

    # ------------------------------------------------------------------ layout

    def compose(self) -> ComposeResult:
        """Status, finding, tabs, panes, prompt, footer."""
        yield Line("where")
        yield Alert()
        yield Hint()
        yield WatchLines()
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
            HeadedPane("norms", "norms"),
            Pane("output", "output", wide=True),
            Pane("findings", "findings"),
            Pane("lesson", "lesson", wide=True),
        )
        yield Prompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Lay out for the size at hand."""
        self._arrange(self.panes.wish)
        self.graph.focus()

    def on_resize(self) -> None:
        """More panes, or fewer."""
        self._arrange(self.panes.wish)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """All keys; those that make sense now are marked for the footer."""
        return {key: as_offered(active, self._offered) for key, active in super().active_bindings.items()}

    def _offer(self) -> None:
        words = {} if self._state is None else offered(self._state, self.size.width)
        if words != self._offered:
            self._offered = words
            self.refresh_bindings()

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
        self._offer()
        size = Size(self.size.width, self.size.height - AROUND)
        place = arrange(size.width, size.height, wish).get("lesson")
        text = {} if place is None else {"lesson": len(self._lesson(place[2] - BESIDE)) + 2}
        self.panes.show(wish, {**self._wanted, **text}, size)
        for pane in self.panes.text_panes:
            if pane.id != "step":  # which has more to say there
                pane.tell_below(self._below(pane))
        self.graph.beside = self._beside_graph(wish)
        self.call_after_refresh(self.repaint)

    def _below(self, pane: Pane) -> str:
        """The keys of other panes in this one's place, or the way back to all."""
        wish = self.panes.wish
        return others(pane.id or "", self.size.width, wish.lesson) if wish.alone is None else ALL_PANES

    def _beside_graph(self, wish: Wish) -> str:
        if wish.alone is not None:
            return ALL_PANES
        return "8 the lesson's text" if self.narrow and wish.lesson else ""

    def _lesson(self, width: int) -> list[Row]:
        text = "" if self._state is None else self._state.lesson
        if self._text[0] != (text, width):
            self._text = ((text, width), lesson.rows_of(text, None, width))
        return self._text[1]

    def open_pane(self, name: str) -> None:
        """Bring a pane forward and focus it."""
        self._arrange(self.panes.wish.ask(name))
        if self.query_one(f"#{name}").display:
            self.set_focus(self.query_one(f"#{name}"))  # at once: `m` may follow

    def open_lesson(self, there_is_one: bool) -> None:
        """A program begins that has a text to read, or none."""
        wish = self.panes.wish
        bottom = "output" if wish.bottom == "lesson" else wish.bottom
        self._arrange(Wish("graph", wish.side, bottom, there_is_one))
        self.query_one("#lesson", Pane).scroll_to(y=0, animate=False)

    def turn_graph(self) -> None:
        """The next view of the graph."""
        if self._state is None:
            return
        if not self.graph.display:
            self.open_pane("graph")
        self.graph.turn(self._state)

    def toggle_findings(self) -> None:
        """Findings, or back to what was there."""
        wish, before = self.panes.wish, self._before_findings
        one = self.narrow or wish.alone is not None
        if (wish.alone or wish.tab if one else wish.bottom) != "findings":
            self._before_findings = wish
            self.open_pane("findings")
            return
        before = before if before is not None and before.bottom != "findings" else wish.ask("output")
        self._before_findings = None
        alone = None if wish.alone is None else before.alone or before.tab
        self._arrange(replace(before, alone=alone))
        name = alone or before.tab
        self.query_one(f"#{name}" if self.query_one(f"#{name}").display else "#graph").focus()

    def toggle_maximized(self) -> None:
        """The focused pane over the whole area, and back."""
        wish = self.panes.wish
        focused = self.focused.id if isinstance(self.focused, Pane | GraphView) else wish.tab
        self._arrange(wish.maximized(None if wish.alone is not None else focused))

    def show_all_panes(self) -> None:
        """Back from one pane alone."""
        if self.panes.wish.alone is not None:
            self._arrange(self.panes.wish.maximized(None))

    # ---------------------------------------------------------------- painting

    def show(self, state: State) -> None:
        """Bring every visible pane up to date."""
        self._state = state
        self._fit_to(state)
        self._offer()
        self.repaint()

    def _fit_to(self, state: State) -> None:
        """Give each pane the rows that the shown pass needs: once a pass, and only ever more within a run."""
        shown, (trace, seen) = state.shown_pass, self._wanted_of
        if shown is None or (trace is state.trace and shown.number in seen):
            return
        leaves_there = len(self._leaves_of(shown)[0])
        wanted = rows_wanted(shown, self.graph.tree_for(shown), leaves_there)
        if trace is state.trace:
            seen.add(shown.number)
            wanted = {name: max(rows, self._wanted.get(name, 0)) for name, rows in wanted.items()}
        else:
            self._wanted_of = (state.trace, {shown.number})
        if wanted != self._wanted:
            self._wanted = wanted
            self._arrange(self.panes.wish)

    def _leaves_of(self, shown: Pass) -> tuple[list[Node], dict[int, int]]:
        """The leaves of a pass, and where each stands among them."""
        if self._leaves[0] is not shown:
            known = leaves.leaves_of(shown)
            self._leaves = (shown, known, {node.id: at for at, node in enumerate(known)})
            self.query_one("#leaves", Pane).scroll_to(y=0, animate=False)
        return self._leaves[1], self._leaves[2]

    def repaint(self) -> None:
        """Paint the state again, for the size there is now."""
        state = self._state
        if state is None or not self.is_mounted:
            return
        self.query_one("#where", Line).show(status.where(state))
        end = status.alert_key(state)
        room = Alert.MOST * (self.size.width - 4) - width_of(end)
        self.query_one(Alert).show(status.alert(state, room), end)
        self.query_one(Hint).show(state.hint, state.hints.values())
        self.query_one(WatchLines).show(state)
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
                follows = text_of([step.following(state)])
                pane.tell_below(" · ".join(filter(None, (follows, self._below(pane)))))
            case "ledger":
                rows = ledger.rows_of(state, width)
                if pane.show(rows, ledger.title_of(state)):
                    pane.bring_into_view(ledger.line_of_newest(rows))
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
                rows = findings.rows_of(state, width)
                pane.show(rows, f"findings · {len(state.trace.findings)}")
                here = findings.line_of_here(rows)
                if here is not None:
                    pane.bring_into_view(here)
            case "lesson":
                pane.show(self._lesson(width))
            case "nearby":
                pane.show(nearby.rows_of(state, width, pane.text_height))
            case "passes":
                self.passes.show_state(state)
            case "norms":
                self._fill_norms(pane, state, width)

    def _fill_leaves(self, pane: Pane, state: State, width: int) -> None:
        shown = state.shown_pass
        if shown is None:
            pane.show(leaves.rows_of_line(state, width) if state.gone else [], "leaves")
            return
        if shown.light:
            pane.show(light_rows(width), "leaves")
            return
        known, places = self._leaves_of(shown)
        pane.show(leaves.LeafRows(state, shown, known, width), f"leaves · {len(known):,}")
        current = state.step
        if current is not None and current.node.leaf:
            pane.bring_into_view(places[current.node.id] + 1)

    def _fill_norms(self, pane: Pane, state: State, width: int) -> None:
        parameters = self._parameters.of(state)
        title = f"norms · {len(parameters):,} parameter{'' if len(parameters) == 1 else 's'} x pass"
        pane.show(norms.rows_of(state, parameters, width), title)
        line = self._parameters.line_of.get(state.selected or 0)
        if line is not None:
            pane.bring_into_view(line)

    def _tab_row(self) -> Row:
        """The tabs, as wide as there is room for: whole words, short ones but for the one that is open, short
        ones alone, or those close together."""
        chosen = self.panes.wish.alone or self.panes.wish.tab
        forms = (" {0} {1} ", " {0} {2} ", "{0} {2} ", "{0} {3} ", "{0}{3} ")
        for form in forms:
            texts = {
                name: form.format(key, name, name if name == chosen else short, short)
                for key, (name, short) in TABS.items()
            }
            if len("".join(texts.values()).rstrip()) < self.size.width:
                break
        spans = [Span(text, "title" if name == chosen else "dim") for name, text in texts.items()]
        spans[-1] = Span(spans[-1].text.rstrip(), spans[-1].role)
        return tuple(spans)
