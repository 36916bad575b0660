"""Headless faces: text steps and JSON lines."""
