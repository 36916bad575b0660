"""Watching scalar engines: finding them, their graph, their pass, and the twin beside it."""
