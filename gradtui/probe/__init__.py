"""Lives inside the program: watches torch and scalar engines, stops when told. The only room with torch."""
