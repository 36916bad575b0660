"""The chain rule of one step, in symbols and in numbers.

For the operand x of an operation y = f(x, ...):  ∂o/∂x += ∂o/∂y · ∂y/∂x. The local derivative is
written for the operations people meet first; for any other it is left as ∂y/∂x. What the engine
really sent always stands at the end; where the factors give something else, that is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gradtui.trace.model import Pass, Step
from gradtui.trace.numbers import digits, number_of, short
from gradtui.wire.messages import Node, Sent

Symbol: TypeAlias = Callable[[Node], str]
"""How a node is called in a formula."""
_TORCH = re.compile(r"^(\w+?)Backward\d*$")
_WORDS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "truediv": "/", "pow": "**", "negative": "neg",
    "mm": "@", "mv": "@", "dot": "@",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One contribution as the chain rule has it."""

    symbols: str
    """`∂o/∂x1 += ∂o/∂(x1*w1) · w1`."""
    numbers: str
    """`0.5 · -3`; '' where the factors are not single numbers."""
    result: str
    """What the engine sent: `-1.5`; `nothing` where it sent none."""
    remark: str
    """Why the factors do not give the result; '' when they do."""
    sent: Sent | None
    target: Node


@dataclass(frozen=True, slots=True)
class Factor:
    """A local derivative: its symbols, and its number where all values are known."""

    symbols: str
    number: float | None = None


def terms(pass_: Pass, step: Step) -> list[Term]:
    """One term per edge of the step's node, then writes to other nodes."""
    node = step.node
    found = []
    for slot, target in enumerate(node.inputs):
        if target is not None:
            sent = step.sent[slot] if slot < len(step.sent) else None
            found.append(_term(pass_, node, slot, pass_.nodes[target], step, sent))
    for sent in step.sent[len(node.inputs) :]:
        if sent is not None and sent.to in pass_.nodes:
            target_node = pass_.nodes[sent.to]
            sign = "=" if sent.sets else "+="
            symbols = f"{partial(pass_, target_node)} {sign}"
            found.append(Term(symbols, "", short(sent.value), "not one of its operands", sent, target_node))
    return found


def _term(pass_: Pass, node: Node, slot: int, target: Node, step: Step, sent: Sent | None) -> Term:
    factor = local_derivative(pass_, node, slot)
    sign = "=" if sent is not None and sent.sets else "+="
    received = number_of(step.received[0]) if len(step.received) == 1 else None
    towards = partial(pass_, target) + output_of(node, slot)
    symbols = f"{towards} {sign} {partial(pass_, node)}"
    if factor.symbols:
        symbols += f" · {factor.symbols}"
    if sent is None:
        return Term(symbols, "", "nothing", "", None, target)
    result = number_of(sent.value)
    if received is None or result is None or factor.number is None:
        return Term(symbols, "", short(sent.value), "", sent, target)
    numbers = digits(received)
    if factor.symbols:
        shown = digits(factor.number)
        numbers += f" · {shown}"
    product = received * factor.number
    if _close(product, result, sent):
        return Term(symbols, numbers, digits(result), "", sent, target)
    if pass_.engine == "torch":  # an argument that we do not know of (`alpha=`), or a short dtype
        derivative = f"∂{bracketed(pass_.symbol(node))}/∂{bracketed(pass_.symbol(target))}"
        symbols = f"{towards} {sign} {partial(pass_, node)} · {derivative}"
        return Term(symbols, "", digits(result), "", sent, target)
    return Term(symbols, numbers, digits(result), f"the factors give {digits(product)}", sent, target)


def _close(a: float, b: float, sent: Sent) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    size = max(abs(sent.before or 0.0), abs(sent.after or 0.0))
    return abs(a - b) <= 1e-5 * max(abs(a), abs(b)) + 1e-15 * size


# ------------------------------------------------------------------------ symbols


def bracketed(text: str) -> str:
    """Brackets around what is more than one word: `(x1*w1)`, `x1`, `net.w[0]`."""
    return text if re.fullmatch(r"[\w.\[\]'#]+", text) else f"({text})"


def output_of(node: Node, slot: int) -> str:
    """`[1]` where an edge goes to a node of several outputs, and to which; '' for the usual single one."""
    return f"[{node.outputs[slot]}]" if node.outputs else ""


def partial(pass_: Pass, node: Node) -> str:
    """`∂o/∂x1`."""
    return f"∂{bracketed(pass_.symbol(pass_.root))}/∂{bracketed(pass_.symbol(node))}"


def canonical(op: str) -> str:
    """An engine's word for an operation in one spelling: `+`, `*`, `**2`, `tanh`."""
    match = _TORCH.match(op)
    word = (match.group(1) if match else op).strip().lower()
    return _WORDS.get(word, word)


# -------------------------------------------------------------- local derivatives


def local_derivative(pass_: Pass, node: Node, slot: int) -> Factor:
    """∂node/∂(its operand in `slot`), in symbols and, where the values are single numbers, as a number."""
    op, symbol = canonical(node.op), pass_.symbol
    operands = [None if i is None else pass_.nodes[i] for i in node.inputs]
    if op == "+":
        return Factor("1", 1.0)
    if op == "-" and len(operands) == 2:
        return Factor("1", 1.0) if slot == 0 else Factor("(-1)", -1.0)
    if op in ("neg", "-"):
        return Factor("(-1)", -1.0)
    if op in ("*", "/") and len(operands) == 2:
        return _product(op, operands, slot, node, symbol)
    if op.startswith("**"):
        return _power(op, operands, slot, node, symbol)
    x, y = operands[0] if operands else None, number_of(node.value)
    if x is not None and op in _UNARY:
        return _unary(op, symbol(x), symbol(node), number_of(x.value), y)
    unknown = f"∂{bracketed(symbol(node))}/∂"
    target = operands[slot]
    return Factor(unknown + bracketed(symbol(target)) if target else "")


def _product(op: str, operands: list[Node | None], slot: int, node: Node, symbol: Symbol) -> Factor:
    other = operands[1 - slot]
    if other is None:
        return Factor("constant")
    name, value = bracketed(symbol(other)) + output_of(node, 1 - slot), number_of(other.value)
    if op == "*":
        return Factor(name, value)
    if slot == 0:
        return Factor(f"1/{name}", 1 / value if value else None)
    below = operands[1]
    out, d = number_of(node.value), number_of(below.value) if below else None
    top = bracketed(symbol(node))
    bottom = bracketed(symbol(below)) if below else "?"
    return Factor(f"(-{top}/{bottom})", -out / d if out is not None and d else None)


def _power(op: str, operands: list[Node | None], slot: int, node: Node, symbol: Symbol) -> Factor:
    base = operands[0]
    if base is None:
        return Factor("")
    name, x = bracketed(symbol(base)), number_of(base.value)
    if slot == 1:
        out = number_of(node.value)
        known = x is not None and x > 0 and out is not None
        return Factor(f"{bracketed(symbol(node))}·log({symbol(base)})", out * math.log(x) if known else None)  # type: ignore[operator, arg-type]
    exponent: float | None = None
    text = op[2:]
    try:
        exponent = float(text) if text else None
    except ValueError:
        pass
    if exponent is None and len(operands) == 2 and operands[1] is not None:
        exponent, text = number_of(operands[1].value), bracketed(symbol(operands[1]))
    if exponent is None:
        return Factor(f"∂{bracketed(symbol(node))}/∂{name}")
    if exponent == 2:
        return Factor(f"2·{name}", None if x is None else 2 * x)
    try:
        number = None if x is None else exponent * x ** (exponent - 1)
    except (ZeroDivisionError, OverflowError):
        number = None
    if isinstance(number, complex):
        number = None
    return Factor(f"{text}·{name}**{digits(exponent - 1)}", number)


_UNARY = {"tanh", "exp", "log", "relu", "sigmoid", "sqrt", "sin", "cos", "sum", "clone"}


def _unary(op: str, x_name: str, y_name: str, x: float | None, y: float | None) -> Factor:
    """Derivatives as in any table: d tanh = 1 - tanh², d sigmoid = s(1-s), d exp = exp, d log = 1/x."""
    xb, yb = bracketed(x_name), bracketed(y_name)
    try:
        match op:
            case "tanh":
                return Factor(f"(1 - {yb}²)", None if y is None else 1 - y * y)
            case "exp":
                return Factor(yb, y)
            case "log":
                return Factor(f"1/{xb}", None if x is None else 1 / x)
            case "relu":
                return Factor(f"[{x_name} > 0]", None if x is None else float(x > 0))
            case "sigmoid":
                return Factor(f"{yb}·(1 - {yb})", None if y is None else y * (1 - y))
            case "sqrt":
                return Factor(f"1/(2·{yb})", None if y is None else 1 / (2 * y))
            case "sin":
                return Factor(f"cos({x_name})", None if x is None else math.cos(x))
            case "cos":
                return Factor(f"(-sin({x_name}))", None if x is None else -math.sin(x))
            case _:
                return Factor("1", 1.0)
    except (ZeroDivisionError, OverflowError):
        return Factor(f"∂{yb}/∂{xb}")
