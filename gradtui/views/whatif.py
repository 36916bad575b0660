"""What the person put in the place of a gradient or a value, marked wherever that node is shown."""

from __future__ import annotations

from gradtui.trace import Pass
from gradtui.trace.names import symbol
from gradtui.trace.numbers import short
from gradtui.views.rows import Row, row
from gradtui.wire.messages import Changed, Replaced

MARK = "✎"


def replaced_text(item: Replaced) -> str:
    """`received[0] replaced by g.clamp(-1, 1): ‖12‖ became ‖3‖`."""
    return (
        f"received[{item.slot}] replaced by {item.expression}: "
        f"{short(item.before)} became {short(item.value)}"
    )


def changed_text(shown: Pass, item: Changed) -> str:
    """`w = 0.5*leaf from the end of this pass on: 2 becomes 1`."""
    node = shown.nodes.get(item.node)
    name = symbol(node) if node is not None else f"#{item.node}"
    return (
        f"{name} = {item.expression} from the end of this pass on: "
        f"{short(item.before)} becomes {short(item.value)}"
    )


def replaced_rows(shown: Pass, step: int) -> list[Row]:
    """What the node of a step ran with, or will, instead of what it was sent."""
    return [
        row((f"{MARK} ", "warn"), (replaced_text(item), "warn")) for item in shown.replaced_in(step).values()
    ]


def changed_rows(shown: Pass, step: int) -> list[Row]:
    """The leaves that were given other values at a step."""
    return [
        row((f"{MARK} ", "warn"), (changed_text(shown, item), "warn"))
        for item in shown.changed
        if item.step == step
    ]


def is_replaced(shown: Pass, node: int, step: int) -> bool:
    """Has the person had a node run with something else, up to a step or in the next one?"""
    return node in replaced_nodes(shown, step)


def replaced_nodes(shown: Pass, step: int) -> set[int]:
    """The nodes that ran with something else up to a step, or do in the next one."""
    return {item.node for item in shown.replaced if item.step <= step + 1}
