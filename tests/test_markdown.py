"""A lesson's text: its Markdown as rows, and laws that hold whatever was written."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradtui.views import lesson, markdown
from gradtui.views.prose import inline
from gradtui.views.rows import text_of, width_of

law = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", [("plain", "")]),
        ("a `b` c", [("a ", ""), ("b", "name"), (" c", "")]),
        ("**b** *e*.", [("b", "strong"), (" ", ""), ("e", "marked"), (".", "")]),
        ("``a`b``", [("a`b", "name")]),
        ("x1*w1 + x2*w2", [("x1*w1 + x2*w2", "")]),
        ("2 * a * b", [("2 * a * b", "")]),
        ("**kwargs and *args", [("**kwargs and *args", "")]),
        ("__init__ and _x_", [("__init__ and _x_", "")]),
        ("[text](https://e.org)", [("text", ""), (" (https://e.org)", "dim")]),
        ("x[0](y)", [("x", ""), ("0", ""), (" (y)", "dim")]),
        (r"\*no\*", [("*", ""), ("no", ""), ("*", "")]),
        ("an `open mark", [("an `open mark", "")]),
    ],
)
def test_marks_around_words_are_read_and_formulas_left_alone(text: str, shown: list[tuple[str, str]]) -> None:
    assert [(span.text, span.role) for span in inline(text)] == shown


DOCUMENT = """
A paragraph with `code`, and **bold
words** that go on over the line.

## Heading

- one item that has to go on below
- two
  - nested

3. third
4. fourth

```python
for x in y:

    print(x)
```

| run | loss | remark |
|-----|-----:|--------|
| on  | 0.0015 | learns it |
| off | 0.60 | 学習しない, ever |

> quoted, with a bar beside it
"""
SHOWN = """\
A paragraph with code, and
bold words that go on over
the line.

Heading

• one item that has to go on
  below
• two
  ◦ nested

3. third
4. fourth

  for x in y:

      print(x)

run  loss    remark
───  ──────  ───────────────
on   0.0015  learns it
off  0.60    学習しない,
             ever

▌ quoted, with a bar beside
▌ it"""


def test_a_document_with_every_kind_of_block() -> None:
    assert text_of(markdown.rows_of(DOCUMENT, 28)) == SHOWN


def test_code_behind_a_paragraph_is_kept_as_it_is() -> None:
    rows = markdown.rows_of("Like so:\n\n    b  =  a + a\n\n        deeper\n\nand on", 12)
    assert text_of(rows) == "Like so:\n\n  b  =  a + a\n\n      deeper\n\nand on"
    assert rows[2][0].role == "string"


def test_a_table_of_more_columns_than_fit_keeps_its_words() -> None:
    head = "|".join(f"c{i}" for i in range(12))
    rows = markdown.rows_of(f"{head}\n{'|'.join(['---'] * 12)}\n{head}", 30)
    assert Counter(re.findall(r"c\d+", text_of(rows))) == {f"c{i}": 2 for i in range(12)}
    assert max(map(width_of, rows)) <= 30


def letters(text: str) -> Counter[str]:
    return Counter(c for c in text if c.isalnum())


words = st.text(st.sampled_from("abcxyz019äß学習*_`[]()!#>-.,+=\\"), min_size=1, max_size=24)
lines = st.lists(words, max_size=9).map(" ".join)
texts = st.lists(
    st.tuples(
        st.sampled_from(["", "", "  ", "    ", "- ", "  * ", "1. ", "# ", "> ", "| ", "|-|"]), lines
    ).map("".join),
    max_size=12,
).map("\n".join)


@law
@given(texts, st.integers(8, 60))
def test_no_text_is_ever_lost(text: str, width: int) -> None:
    assert letters(text_of(markdown.rows_of(text, width))) == letters(text)
    assert letters(text_of(lesson.rows_of(text, None, width))) >= letters(text)


@law
@given(st.lists(words, min_size=1, max_size=40), st.integers(12, 60))
def test_paragraphs_keep_the_width(some: list[str], width: int) -> None:
    for block in ("", "- ", "> ", "1. ", "# "):
        text = block + "a " + " ".join(some)
        assert max(map(width_of, markdown.rows_of(text, width))) <= width


def test_the_lesson_begins_with_the_hint_then_the_title() -> None:
    rows = lesson.rows_of("Title\n\nText with *stress*.", "Look at `a.grad`:\nit stays 1.", 34)
    assert text_of(rows) == ("➤ at this step: Look at a.grad: it\n  stays 1.\n\nTitle\n\nText with stress.")
    assert rows[0][0].role == "now"
    assert rows[3][0].role == "strong"


def test_a_first_paragraph_of_two_lines_is_no_title() -> None:
    rows = lesson.rows_of("It begins\nat once.\n\nAnd goes on.", None, 40)
    assert text_of(rows) == "It begins at once.\n\nAnd goes on."
    assert {span.role for r in rows for span in r} == {""}


def test_without_a_docstring_it_says_so() -> None:
    assert "no lesson" in text_of(lesson.rows_of("", None, 60))
