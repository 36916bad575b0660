"""The graph of a pass as a picture: DOT for other tools, SVG to look at."""
