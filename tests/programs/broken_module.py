"""Not Python in its third line."""

def (
