"""Imports a module with a syntax error."""

import broken_module
