"""Headless faces: text steps, JSON lines, scenario checks."""
