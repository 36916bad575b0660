"""The run as the debugger knows it: a model folded from messages, a cursor, queries, findings. Pure."""

from gradtui.trace.findings import Finding
from gradtui.trace.model import Leaf, Pass, Step
from gradtui.trace.trace import Trace

__all__ = ["Finding", "Leaf", "Pass", "Step", "Trace"]
