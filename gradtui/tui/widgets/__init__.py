"""Widgets: they paint rows and take keys. What to say is decided in the views."""
