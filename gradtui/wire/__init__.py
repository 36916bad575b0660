"""What program and debugger say to each other: messages, codec, transport. Knows no other room."""
