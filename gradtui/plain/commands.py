"""The table of commands: names, letters, what they mean; finding one by a beginning of its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradtui.plain import again, breaking, inspecting, looking, moving, outlining
from gradtui.plain.desk import Desk
from gradtui.plain.position import Refused


@dataclass(frozen=True)
class Command:
    """One command."""

    names: tuple[str, ...]
    """The first is the one it goes by; all may be shortened as long as one command alone is meant."""
    letters: tuple[str, ...]
    """Exact other ways to write it; they win over beginnings of names."""
    takes: str
    meaning: str
    do: Callable[[Desk, str], None]
    moves: bool = False
    """Does an empty line repeat it?"""

    @property
    def usage(self) -> str:
        """`next (n, step, s) [COUNT]`."""
        others = ", ".join((*self.letters, *self.names[1:]))
        return self.names[0] + (f" ({others})" if others else "") + (f" {self.takes}" if self.takes else "")


def _help(desk: Desk, text: str) -> None:
    if text:
        command = find(text.split()[0])
        desk.say(f"{command.usage}: {command.meaning}")
        return
    for command in COMMANDS:
        desk.say(f"{command.usage}: {command.meaning}")
    desk.say("Names may be shortened. An empty line repeats the last move. # begins a comment.")


def _quit(desk: Desk, _: str) -> None:
    desk.leaving = True


NODE = "[NODE]"
RANGE = "[all | FROM-TO]"

COMMANDS = (
    Command(("next", "step"), ("n", "s"), "[COUNT]", "one step forward, or so many", moving.forward, True),
    Command(("back",), ("N",), "[COUNT]", "one step back, or so many", moving.back, True),
    Command(("continue",), ("c",), "", "on to the next stop or the program's end", moving.go_on, True),
    Command(("previous-stop",), ("C",), "", "back to the last stop", moving.previous_stop, True),
    Command(("pass",), ("]",), "", "to the start of the next pass", moving.next_pass, True),
    Command(
        ("previous-pass",), ("[",), "", "to the start of this pass or the one before",
        moving.previous_pass, True,
    ),
    Command(("over",), ("o",), "", "past the module of the next node", breaking.over, True),
    Command(("back-over",), ("O",), "", "before the module of the last node", breaking.back_over, True),
    Command(("out", "up"), ("u",), "", "past the module around that of the next node", breaking.out, True),
    Command(("back-out",), ("U",), "", "before the module around that of the last", breaking.back_out, True),
    Command(("until", "here"), (), NODE, "to where a node is about to run", breaking.until),
    Command(
        ("break",), ("b",), "[WHERE]", "stop where it holds: nonfinite; module=fc1 norm>10; train.py:12; "
        "op=Mul* if g.max() > 1; pass=3; alone: list them", breaking.set_one,
    ),
    Command(("breakpoints",), ("B",), "", "the breakpoints and how often they held", breaking.listed),
    Command(("delete",), (), "NUMBER", "remove a breakpoint", breaking.remove),
    Command(("toggle", "enable", "disable"), (), "NUMBER", "a breakpoint off, or on again", breaking.toggle),
    Command(("next-finding",), ("x",), "", "to the next finding", moving.next_finding, True),
    Command(("previous-finding",), ("X",), "", "to the finding before", moving.previous_finding, True),
    Command(("goto",), ("g",), "STEP", "to step 7, to 2:7 (step 7 of pass 2), to end", moving.go_to),
    Command(("to",), (), NODE, "to the step at which a node ran", moving.to_node),
    Command(
        ("find",), ("/",), "TEXT", "the next node that has TEXT in its name or op; or the next step that "
        "sent something nonfinite, zero, overwrote, norm>10, norm<1e-6", moving.find, True,
    ),
    Command(("where",), (), "", "position, step, selected node, number of findings", looking.where),
    Command(("graph",), (), RANGE, "the nodes of the pass, from the root down", looking.graph),
    Command(
        ("outline",), ("v",), "[all | MODULE]", "the modules of the pass, how far each is, how large its "
        "gradients are", outlining.outline,
    ),
    Command(("select",), (), "NODE", "select a node: a name, an op, a number such as 7", moving.select),
    Command(("who",), ("w",), "", "who sent this? select the node that sent to it", moving.who),
    Command(
        ("print",), ("p",), "[NODE | TENSOR [SLICE]]", "a node: value, received, ledger; or one of its "
        "tensors: received[0] [0, :, 3], sent[1], saved.self, output, value, grad", inspecting.show,
    ),
    Command(
        ("eval",), (), "EXPRESSION", "an expression in the program, where it stands", inspecting.evaluate
    ),
    Command(
        ("watch",), ("W",), "[EXPRESSION]", "evaluate it at every stop; alone: list them", inspecting.watched
    ),
    Command(("unwatch",), (), "EXPRESSION", "watch it no more; its number will do", inspecting.unwatch),
    Command(("ledger",), (), NODE, "what a node was sent, by whom, and the sum", looking.ledger),
    Command(("leaves",), (), RANGE, "each leaf's gradient before, added and after", looking.leaves),
    Command(("torch",), (), NODE, "torch's chain down to a node, with its values", looking.torch),
    Command(("list",), ("l",), NODE, "the source around the line that made a node", looking.source),
    Command(("passes",), (), RANGE, "one line a pass, with the value it started from", looking.passes),
    Command(("output",), (), RANGE, "what the program printed", looking.output),
    Command(("findings",), ("f",), "", "what was found wrong so far", looking.findings),
    Command(("notices",), (), "", "other information about the run", looking.notices),
    Command(("lesson",), (), "", "the program's docstring", looking.lesson),
    Command(("hint",), (), "", "what the program says about this position", looking.hint),
    Command(("knobs",), ("k",), "", "the program's knobs and inputs", again.knobs),
    Command(
        ("set",), (), "NAME=VALUE", "turn a knob, and the program runs again; g=EXPRESSION, "
        "received[1]=EXPRESSION: the next node runs with that gradient; leaf=EXPRESSION: the selected "
        "leaf's value after this pass",
        inspecting.set_one,
    ),
    Command(("edit",), (), "NAME=VALUE", "another number for an input; the program runs again", again.edit),
    Command(("zero",), ("z",), "", "at the start of a pass: zero the gradients held", again.zero),
    Command(("run", "restart"), ("r",), "", "run the program again from the start", again.run),
    Command(("help",), ("h", "?"), "[COMMAND]", "this list, or one command", _help),
    Command(("quit", "exit"), ("q",), "", "leave; the program is ended", _quit),
)  # fmt: skip


def find(word: str) -> Command:
    """The command that a word means. Raises `Refused` for none or several."""
    for command in COMMANDS:
        if word in command.letters or word in command.names:
            return command
    meant = [c for c in COMMANDS if any(name.startswith(word) for name in c.names)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        names = " or ".join(name for c in meant for name in c.names if name.startswith(word))
        raise Refused(f"'{word}' may be {names}")
    raise Refused(f"no command '{word}'; help lists them")


def split(line: str) -> tuple[str, str]:
    """The command's word and the rest: `n 5`, `]`, `/tanh`."""
    line = line.strip()
    if line[:1] in ("/", "?", "]", "["):
        return line[0], line[1:].strip()
    word, _, rest = line.partition(" ")
    return word, rest.strip()
