"""Two passes over the same leaf without zeroing in between; the leaf moves, so the old gradient is stale."""

from gradtui.scalar import Value

w = Value(3.0)
for turn in range(2):
    y = w * w
    y.backward()
    w.data -= 0.5
print(f"w.grad = {w.grad}")
