"""The list of breakpoints, over the debugger: enable, disable, remove."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gradtui.session.breakpoints import Breakpoints
from gradtui.wire.messages import Breakpoint


class BreakpointScreen(ModalScreen[None]):
    """One line for each, with how often it has held."""

    BINDINGS = [
        Binding("escape,q,B", "dismiss", "Close"),
        Binding("d,delete", "remove", "Remove"),
    ]
    CSS = """
    BreakpointScreen { align: center middle; }
    BreakpointScreen Vertical { width: 84; max-width: 96%; height: auto; max-height: 80%; }
    BreakpointScreen Vertical { background: $surface; border: round $primary; padding: 0 1; }
    BreakpointScreen OptionList { height: auto; max-height: 100%; border: none; background: $surface; }
    """

    def __init__(self, breakpoints: Breakpoints, hits: Mapping[int, int]) -> None:
        super().__init__()
        self._breakpoints = breakpoints
        self._hits = hits

    def compose(self) -> ComposeResult:
        """An option for each."""
        with Vertical() as box:
            box.border_title = "breakpoints"
            box.border_subtitle = "enter on or off · d removes · esc closes"
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Fill it."""
        self._fill(0)

    def _fill(self, at: int) -> None:
        listed = self.query_one(OptionList)
        listed.clear_options()
        for point in self._breakpoints.points:
            listed.add_option(Option(self._line(point)))
        listed.highlighted = min(at, len(self._breakpoints.points) - 1)

    def _line(self, point: Breakpoint) -> str:
        count = self._hits.get(point.id, 0)
        held = f"  (held {count} time{'s' if count != 1 else ''})" if count else ""
        return f"{'●' if point.enabled else '○'} {point.id}  {point.text}{held}"

    def _selected(self) -> Breakpoint | None:
        at = self.query_one(OptionList).highlighted
        points = self._breakpoints.points
        return points[at] if at is not None and at < len(points) else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """On, or off."""
        point = self._selected()
        if point is not None:
            self._breakpoints.toggle(point.id)
            self._fill(event.option_index)

    def action_remove(self) -> None:
        """Take the highlighted one away."""
        point = self._selected()
        if point is not None:
            at = self._breakpoints.points.index(point)
            self._breakpoints.remove(point.id)
            if self._breakpoints.points:
                self._fill(at)
            else:
                self.dismiss(None)
