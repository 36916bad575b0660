from gradtui.scalar import Value

a = Value(2.0)
b = a * a
b.backward()
raise ValueError("something of the program's")
