"""Pure functions from a `State` to rows of text. No widget, no colour, no clock."""
