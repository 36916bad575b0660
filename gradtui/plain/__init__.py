"""A debugger of typed commands and lines of text: for screen readers, pipes and plain terminals."""
