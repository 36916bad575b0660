"""Two backward passes over fresh graphs with one shared leaf."""

from gradtui.scalar import Value

w = Value(2.0)
for x in (3.0, 4.0):
    y = w * x
    y.backward()
print(w.grad)
