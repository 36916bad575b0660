"""Pictures of a pass, and strict readers of the DOT and the SVG that they are written in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from gradtui.export.facts import Card, Picture, facts
from gradtui.session.sources import trace_at

# -------------------------------------------------------------- reading DOT back

TOKEN = re.compile(r'\s+|([A-Za-z_][A-Za-z_0-9]*)|"((?:[^"\\]|\\.)*)"|(->|[\[\]{}=,;])', re.DOTALL)


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """The words of a DOT file: (kind, text); anything else is no DOT."""
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"no DOT: {text[at : at + 40]!r}"
        at = match.end()
        name, quoted, sign = match.groups()
        if name is not None:
            yield "name", name
        elif quoted is not None:
            yield "text", quoted
        elif sign is not None:
            yield "sign", sign


class Dot:
    """A strict reader of the part of DOT that we write: one statement a time, attributes in quotes."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: list[tuple[str, str, dict[str, str]]] = []
        self.defaults: dict[str, dict[str, str]] = {}
        assert [self._next("name"), self._next("name"), self._next("sign")] == ["digraph", "backward", "{"]
        while self._tokens[0] != ("sign", "}"):
            self._statement()
        assert self._tokens == [("sign", "}")]

    def _next(self, kind: str) -> str:
        found, text = self._tokens.pop(0)
        assert found == kind, (found, text)
        return text

    def _statement(self) -> None:
        name = self._next("name")
        if self._tokens[0] == ("sign", "->"):
            self._next("sign")
            self.edges.append((name, self._next("name"), self._attributes()))
        elif name in ("graph", "node", "edge"):
            self.defaults[name] = self._attributes()
        else:
            assert name not in self.nodes
            self.nodes[name] = self._attributes()
        assert self._next("sign") == ";"

    def _attributes(self) -> dict[str, str]:
        assert self._next("sign") == "["
        found: dict[str, str] = {}
        while True:
            name = self._next("name")
            assert self._next("sign") == "="
            found[name] = self._next("text")
            if self._next("sign") == "]":
                return found


def plain(label: str) -> str:
    """A label as Graphviz shows it: escapes and entities undone."""
    assert re.fullmatch(r"(?:[^\\&\"]|\\.|&amp;)*", label, re.DOTALL), label
    return re.sub(r"\\(.)", r"\1", label, flags=re.DOTALL).replace("&amp;", "&")


def fields(label: str) -> list[str]:
    """The fields of a record label `{ a | b }`."""
    assert label.startswith("{ ")
    assert label.endswith(" }")
    parts = re.split(r" (?<!\\)\| ", label[2:-2])
    assert not any(re.search(r"(?<!\\)(?:\\\\)*[{}|<>]", part) for part in parts), parts
    return [plain(part) for part in parts]


# -------------------------------------------------------------- reading SVG back


def root_of(text: str) -> ET.Element:
    return ET.fromstring(text.replace(' xmlns="http://www.w3.org/2000/svg"', ""))


def cards_in(text: str) -> list[ET.Element]:
    return root_of(text).findall(".//g[@class]")


def box(rect: ET.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def boxes_in(text: str) -> list[tuple[float, float, float, float]]:
    """Cards, operations and labels, where they stand."""
    return [box(rect) for rect in root_of(text).findall("./g//rect")]


SIZES = {"title": 13, "subtitle": 11, "key": 10, "number": 12, "gradient": 12, "op": 14, "why": 11}


# ---------------------------------------------------------------------- pictures


def picture(source: str, at: str | None = None, **settings: str) -> Picture:
    trace, cursor = trace_at(source, at, settings)
    return facts(trace, cursor, marked=at is not None)


def card(made: Picture, title: str) -> Card:
    (found,) = [c for c in made.cards if c.title == title]
    return found
