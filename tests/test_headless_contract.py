"""The JSON lines of `gradtui run --headless` are those of docs/headless.md, and agree with each other."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from running import Ended, headless

Schema = Any


class Maybe:
    def __init__(self, *kinds: Schema) -> None:
        self.kinds = (*kinds, None)


class Many:
    def __init__(self, *kinds: Schema) -> None:
        self.kinds = kinds


class Either(Many):
    pass


FLOAT = Either(float, int, "nan", "inf", "-inf")
T = {
    "shape": Many(int),
    "dtype": str,
    "norm": Maybe(FLOAT),
    "min": Maybe(FLOAT),
    "max": Maybe(FLOAT),
    "mean": Maybe(FLOAT),
    "nonfinite": int,
    "values": Maybe(Many(FLOAT)),
}
PLACE = re.compile(r".+\.py:\d+")
ACCOUNT = {"name": Maybe(str), "before": Maybe(T), "added": Maybe(T), "after": Maybe(T)}
TWIN = {"op": str, "value": Maybe(T), "received": Many(Maybe(T)), "sent": Many(Maybe(T))}
FINDING = {
    "type": "finding",
    "kind": re.compile("stale-gradient|overwritten-gradient|twin-mismatch|order|nonfinite"),
    "pass": int,
    "step": Maybe(int),
    "node": Maybe(int),
    "op": Maybe(str),
    "name": Maybe(str),
    "source": Maybe(PLACE),
    "culprit": Maybe(PLACE),
    "module": Maybe(str),
    "message": str,
}
LINES: dict[str, Schema] = {
    "hello": {"type": "hello", "version": 1, "program": str},
    "pass": {
        "type": "pass",
        "pass": int,
        "engine": re.compile("torch|scalar"),
        "nodes": int,
        "edges": int,
        "root": {"name": Maybe(str), "value": Maybe(T)},
        "source": Maybe(PLACE),
    },
    "step": {
        "type": "step",
        "pass": int,
        "step": int,
        "node": int,
        "op": str,
        "name": Maybe(str),
        "module": Maybe(str),
        "received": Many(Maybe(T)),
        "sent": Many(Maybe({"to": int, "value": T})),
        "accumulated": Maybe(ACCOUNT),
        "twin": Maybe(TWIN, {**TWIN, "local": Many(Maybe(T))}, {"missing": str}),
        "source": Maybe(PLACE),
    },
    "accumulate": {"type": "accumulate", "pass": int, "node": int, "accumulated": ACCOUNT},
    "finding": FINDING,
    "notice": {"type": "notice", "pass": Maybe(int), "message": str},
    "output": {"type": "output", "stream": re.compile("stdout|stderr"), "text": str},
    "zeroed": {"type": "zeroed", "pass": int, "nodes": Many(int)},
    "exit": {"type": "exit", "code": int, "passes": int, "steps": int, "error": Maybe(str)},
}
"""docs/headless.md, line by line."""
HELD = {"node": int, "name": Maybe(str), "value": T, "from": Maybe(int), "used": bool}
LINES["pass that finds gradients"] = {**LINES["pass"], "held": Many(HELD)}


def fits(value: Any, schema: Schema) -> bool:
    """Is the value what the schema says, no field more and none less?"""
    if isinstance(schema, dict):
        return (
            isinstance(value, dict)
            and value.keys() == schema.keys()
            and all(fits(value[key], schema[key]) for key in schema)
        )
    if isinstance(schema, (Maybe, Either)):
        return any(fits(value, kind) for kind in schema.kinds)
    if isinstance(schema, Many):
        return isinstance(value, list) and all(fits(entry, schema.kinds[0]) for entry in value)
    if isinstance(schema, re.Pattern):
        return isinstance(value, str) and schema.fullmatch(value) is not None
    if isinstance(schema, type):
        return type(value) is schema
    return bool(value == schema) and type(value) is type(schema)


SPOKEN: list[tuple[tuple[str, ...], dict[str, bool]]] = [
    (("prints_between.py",), {"twin": True}),
    (("not_finite.py",), {"twin": True}),
    (("linear.py",), {}),
    (("raises_in_pass.py",), {}),
    (("dies.py", "exit"), {}),
    (("leaves_a_child.py",), {}),
    (("../../scenarios/accumulation.py",), {"twin": True}),
    (("shared_leaf.py",), {}),
]


@pytest.fixture(scope="module")
def spoken() -> dict[str, Ended]:
    """The JSON lines of a few programs that between them have every type of line."""
    return {case[0]: headless(*case, **options) for case, options in SPOKEN}


def test_every_line_fits_the_contract(spoken: dict[str, Ended]) -> None:
    seen = set()
    for program, ended in spoken.items():
        assert ended.out.isascii()
        assert ended.out.endswith(b"\n")
        for line in ended.lines:
            kind = line["type"] if "held" not in line else "pass that finds gradients"
            assert fits(line, LINES[kind]), (program, line)
            seen.add(kind)
        assert ended.lines[0]["type"] == "hello"
        assert [line["type"] for line in ended.lines].count("exit") == 1
        assert ended.exit
    assert seen == set(LINES) - {"zeroed"}  # only a run on the screen has that


def test_counts_and_numbers_agree_with_each_other(spoken: dict[str, Ended]) -> None:
    for ended in spoken.values():
        passes, steps = ended.of_type("pass"), ended.of_type("step")
        assert [p["pass"] for p in passes] == list(range(1, ended.exit["passes"] + 1))
        assert len(steps) == ended.exit["steps"]
        for one in passes:
            numbers = [s["step"] for s in steps if s["pass"] == one["pass"]]
            assert numbers == list(range(1, len(numbers) + 1))
        for line in steps:
            for value in (*line["received"], *(s and s["value"] for s in line["sent"])):
                if value is not None and value["values"] is not None:
                    assert len(value["values"]) == math.prod(value["shape"])
                    assert value["nonfinite"] == sum(isinstance(v, str) for v in value["values"])


def test_no_number_is_outside_json(spoken: dict[str, Ended]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for ended in spoken.values():
        for line in ended.out.splitlines():
            json.loads(line, parse_constant=refuse)
    text = spoken["not_finite.py"].out
    assert b'"nan"' in text
    assert b'"inf"' in text


def test_the_first_steps_of_a_known_pass(spoken: dict[str, Ended]) -> None:
    one, *_ = spoken["prints_between.py"].of_type("step")

    def number(x: float) -> dict[str, Any]:
        return {
            **{"shape": [], "dtype": "float64", "norm": abs(x), "min": x, "max": x, "mean": x},
            **{"nonfinite": 0, "values": [x]},
        }

    assert (one["op"], one["name"], one["received"]) == ("+", "y", [number(1.0)])
    assert sorted(s["value"]["values"][0] for s in one["sent"]) == [1.0, 1.0]
    assert one["twin"]["op"] == "AddBackward0"
    assert one["twin"]["value"] == number(-4.0)
    assert one["twin"]["received"] == [number(1.0)]
    assert one["source"].endswith("prints_between.py:8")


def test_a_large_tensor_has_statistics_and_no_values(spoken: dict[str, Ended]) -> None:
    received = [v for s in spoken["linear.py"].of_type("step") for v in s["received"] if v["shape"] == [5000]]
    assert received
    for value in received:
        assert value["values"] is None
        assert None not in (value["min"], value["max"], value["mean"], value["norm"])


def test_the_finding_of_the_lesson(spoken: dict[str, Ended]) -> None:
    findings = spoken["../../scenarios/accumulation.py"].of_type("finding")
    assert "overwritten-gradient" in [f["kind"] for f in findings]
    assert all(f["culprit"] for f in findings)
