"""Imported before its modules run."""

print("the package is imported")
