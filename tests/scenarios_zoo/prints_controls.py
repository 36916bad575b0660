"""Prints what no terminal and no XML file should get, and fails."""

SCENARIO = {"order": 11}

print("red \x1b[31m, null \x00, noncharacter \ufffe, <tag> & ]]>, tab\tand 日本")
raise SystemExit("on purpose \x1b[2J")
