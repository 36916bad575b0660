"""Watching torch: the forward and its lines, the graph, the hooks of a pass, its tensors in figures."""
