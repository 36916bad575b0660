"""Lives inside the program: watches torch's engine and scalar engines, stops when told. The only room with torch."""
