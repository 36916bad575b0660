"""The Textual face. The only room with textual."""
