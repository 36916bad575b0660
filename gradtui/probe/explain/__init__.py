"""Why something went wrong, in words with lines: failed passes, cuts, NaN, parameters without a gradient."""
