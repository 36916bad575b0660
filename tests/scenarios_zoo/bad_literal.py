"""A declaration that is no literal."""

SCENARIO = {"order": 9, "findings": sorted(["order"])}
