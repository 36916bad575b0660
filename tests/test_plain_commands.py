"""The typed commands: going to a step, and looking at what is there."""

from __future__ import annotations

from pathlib import Path

from dialogue import OVERWRITES, answers, dialogue, lines, written

from gradtui.plain.commands import COMMANDS

# ------------------------------------------------------------------------ moving


def test_back_shows_what_forward_showed() -> None:
    there_and_back = answers("prints_between.py", "g 1:0", *["n"] * 4, *["N"] * 4)
    start, *forward = there_and_back[:5]
    assert len({tuple(shown) for shown in forward}) == 4
    assert [start, *forward[:3]] == there_and_back[5:][::-1]


def test_counts_and_empty_lines_are_the_same_steps() -> None:
    def shown(*commands: str) -> list[str]:
        return answers("chains.py", *commands, argv=(1, 5))[-1]

    one_by_one = shown("n", "n", "n")
    assert one_by_one[0].startswith("pass 1, step 3: ")
    assert shown("n 3") == one_by_one
    assert shown("step", "where", "", "") == one_by_one
    assert shown("n 3", "N 2", "n 2") == one_by_one


def test_passes_and_stops() -> None:
    moves = answers("prints_between.py", "]", "C", "c", "n", "[", "[", "[", "goto end", "g 2:1", "to a")
    assert [shown[0].partition(": ")[0] for shown in moves] == [
        "| after pass 1",
        "pass 1, step 0",
        "pass 2, step 0",
        "pass 2, step 1",
        "pass 2, step 0",
        "pass 1, step 0",
        "error",
        "pass 2, step 1",
        "pass 2, step 1",
        "error",
    ]
    assert moves[0][1:3] == ["ran on: 1 new pass, 4 steps", moves[2][0]]
    assert moves[6] == ["error: this is the very beginning"]
    assert moves[9] == ["error: this node has not run yet"]


def test_from_finding_to_finding(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    printed = dialogue(name, "c", "g 1:0", "X", "x", "x", cwd=tmp_path).out.decode().splitlines()
    before, after = (printed.index(f"error: no finding {where} this") for where in ("before", "but"))
    assert printed[before + 1].startswith("pass 1, step 1: ")
    assert sum(line.startswith("finding: ") for line in printed[before:after]) == 1
    assert after == len(printed) - 1


def test_find_goes_to_steps_and_selects_nodes() -> None:
    found = answers("not_finite.py", "c", "g 1:0", "find nonfinite", "g 1:0", "/ *", "find nothere", "find")
    assert found[2][0].startswith("pass 1, step 1: ")
    assert found[4][0].startswith("node 1: y = nan, op *")
    assert found[5] == ["error: nothing in this graph is called 'nothere'"]
    assert found[6][0].startswith("error: find what?")


# ----------------------------------------------------------------------- looking


def test_a_node_is_meant_by_its_name_its_op_or_its_number() -> None:
    by_name, by_op, by_number, by_hash, part = answers(
        "prints_between.py", "print a", "print *", "p 1", "p #1", "p nobody"
    )
    assert by_name[0] == "node 3: a = 2, leaf, waits"
    assert by_op[0].startswith("node 2: a*b = -6, op *, operands a and b") or "op *" in by_op[0]
    assert by_number == by_hash
    assert by_number[0].startswith("node 1: y = -4, op +")
    assert part == ["error: no node of pass 1 is called 'nobody'; `graph` lists them"]


def test_an_ambiguous_name_is_answered_with_numbers() -> None:
    ambiguous, chosen, selected, sender = answers("chains.py", "p +", "select 2", "p", "w", argv=(1, 3))
    assert ambiguous == ["error: '+' may be node 1 (y), node 2 (one + one): give the number"]
    assert chosen[0].startswith("node 2: ")
    assert selected[0] == chosen[0]
    assert sender[0].startswith("node 1: ")


def test_the_graph_is_told_in_words_and_in_parts() -> None:
    short, part, whole, wrong = answers(
        "chains.py", "graph", "graph 2-3", "graph all", "graph x", argv=(1, 30)
    )
    assert short[0] == "pass 1: 30 nodes from y down"
    assert short[1].endswith("runs next, received 1")
    assert short[-1] == "that was nodes 1 to 20 of 30; `graph all` or `graph 1-20` shows others"
    assert len(part) == 4
    assert part[1:3] == short[2:4]
    assert len(whole) == 31
    assert wrong == ["error: 'x' is no range: graph, graph all or graph 5-20"]


def test_the_source_around_a_node() -> None:
    (shown,) = answers("prints_between.py", "list y")
    assert shown[0].endswith("prints_between.py:8 made y")
    assert [line for line in shown if line.startswith(">")] == ["> 8     y = a * b + a"]


def test_what_the_program_printed_comes_in_order_and_again() -> None:
    printed = lines("prints_between.py", "c", "output", "q")
    first = [line for line in printed if line.startswith("| ")]
    said = ["| before", "| after pass 1: a.grad = -2.0", "| after pass 2: a.grad = -4.0"]
    assert first == said * 2
    assert printed.index("| before") < printed.index("pass 1, step 0: before the first step")


def test_no_line_moves_a_cursor_or_sets_a_colour(tmp_path: Path) -> None:
    name = written(tmp_path, "colours.py", r"print('\x1b[31mred\x1b[0m'); print('one\rtwo'); print('\x07')")
    done = dialogue(name, "output", cwd=tmp_path)
    printed = done.out.decode().splitlines()
    assert printed[1:4] == [r"| \x1b[31mred\x1b[0m", "| two", r"| \x07"]
    assert printed[-3:] == ["| red", "| two", "| "]


def test_lesson_hint_findings_and_notices(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    done = dialogue(name, "lesson", "hint", "n", "hint", "f", "notices", cwd=tmp_path)
    printed = done.out.decode().splitlines()
    assert "Two contributions, one place." in printed
    assert "error: no hint here; the next is at 1:1" in printed
    assert printed.count("hint: Did the second add to the first?") == 2
    assert sum(line.startswith("finding: overwritten-gradient at pass 1, step 1: ") for line in printed) == 2
    assert printed[-1] == "no notices so far"


def test_help_and_the_documentation_have_every_command() -> None:
    text = (Path(__file__).parent.parent / "docs" / "plain.md").read_text(encoding="utf-8")
    helped, one = answers("prints_between.py", "help", "help ne")[:2]
    for command in COMMANDS:
        assert any(line.startswith(command.usage) for line in helped)
        for word in (*command.names, *command.letters):
            assert f"`{word}" in text, word
    assert one == ["error: 'ne' may be next or next-finding"]
