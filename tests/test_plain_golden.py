"""Two whole dialogues in the plain face, word for word."""

from __future__ import annotations

from pathlib import Path

from dialogue import OVERWRITES, TWO_PASSES, dialogue, written


def test_a_dialogue_about_an_overwritten_gradient(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    done = dialogue(name, "n", "ledger", "set repaired=on", "n", "ledger", "c", cwd=tmp_path)
    assert (done.code, done.error) == (0, "")
    assert done.out.decode() == GOLDEN_OVERWRITES


def test_a_dialogue_about_a_tensor_program(tmp_path: Path) -> None:
    name = written(tmp_path, "two.py", TWO_PASSES)
    done = dialogue(name, "# comment", "n", "", "print w", "]", "leaves", "c", "passes", cwd=tmp_path)
    assert (done.code, done.error) == (0, "")
    assert done.out.decode() == GOLDEN_TWO_PASSES


GOLDEN_OVERWRITES = """\
overwrites.py: b = a + a, twice as wrong as it looks
knobs: repaired=off (one of off, on)
pass 1, step 0: before the first step
the pass starts from b = 6
called at overwrites.py:37
next: node 1, op +: b
pass 1, step 1: node 1, op +: b = 6, made at overwrites.py:36
received ∂b/∂b = 1
sent
  ∂b/∂a = ∂b/∂b · 1 = 1 · 1 = 1
  ∂b/∂a = ∂b/∂b · 1 = 1 · 1 = 1
      a.grad: 1 was overwritten by 1
backward() set b.grad to 1, where the pass begins
next: node 2, leaf: a
finding: overwritten-gradient at pass 1, step 1: the backward of '+' (b) overwrote the gradient of a: it held 1 and was set to 1; accumulating (+=) gives 2
  at fault: overwrites.py:23
  node made: overwrites.py:36
hint: Did the second add to the first?
ledger of a: 2 of 2 contributions
  step 1: b set it to 1, sum 1
  step 1: b set it to 1, sum 1
    this overwrote 1; adding gives 2
pass 1, step 0: before the first step
the pass starts from b = 6
called at overwrites.py:37
next: node 1, op +: b
pass 1, step 1: node 1, op +: b = 6, made at overwrites.py:36
received ∂b/∂b = 1
sent
  ∂b/∂a += ∂b/∂b · 1 = 1 · 1 = 1
  ∂b/∂a += ∂b/∂b · 1 = 1 · 1 = 1
      a.grad: 1 + 1 = 2
backward() set b.grad to 1, where the pass begins
next: node 2, leaf: a
hint: Did the second add to the first?
ledger of a: 2 of 2 contributions
  step 1: b added 1, sum 1
  step 1: b added 1, sum 2
| a.grad = 2.0
the program ran to its end: 1 pass, 2 steps, no findings
ran on: 1 step
pass 1, step 2: node 2, leaf: a = 3, made at overwrites.py:35
a.grad: before 0 + added 2 = after 2
the pass is over
"""
GOLDEN_TWO_PASSES = """\
two.py: A tensor program of two passes.
pass 1, step 0: before the first step
the pass starts from loss = 5
called at two.py:8
next: node 1, op SumBackward0: loss
pass 1, step 1: node 1, op SumBackward0: loss = 5, made at two.py:7
received ∂loss/∂loss = 1
sent
  ∂loss/∂(w*w) += ∂loss/∂loss · 1 = [1, 1]
next: node 2, op MulBackward0: w*w
pass 1, step 2: node 2, op MulBackward0: w*w = [1, 4], made at two.py:7
received ∂loss/∂(w*w) = [1, 1]
sent
  ∂loss/∂w += ∂loss/∂(w*w) · w = [1, 2]
  ∂loss/∂w += ∂loss/∂(w*w) · w = [1, 2]
next: node 3, leaf: w
node 3: w = [1, 2], leaf, runs next, received [2, 4]
ledger of w: 2 of 2 contributions
  step 2: w*w added [1, 2], sum [1, 2]
  step 2: w*w added [1, 2], sum [2, 4]
| pass 1 gave [2.0, 4.0]
ran on: 1 new pass, 1 step
pass 2, step 0: before the first step
the pass starts from loss = 5
called at two.py:8
note: w.grad already holds [2, 4] of pass 1
  z zeroes them now, in the program
next: node 4, op SumBackward0: loss
w = [1, 2]: grad before [2, 4], added nothing yet, after [2, 4]
| pass 2 gave [4.0, 8.0]
the program ran to its end: 2 passes, 6 steps, no findings
ran on: 3 steps
pass 2, step 3: node 3, leaf: w = [1, 2]
w.grad: before [2, 4] + added [2, 4] = after [4, 8]
the pass is over
pass 1: from loss = 5, torch, 3 nodes, 3 steps
pass 2: from loss = 5, torch, 3 nodes, 3 steps, you are here
"""
