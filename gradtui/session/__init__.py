"""Starts, drives and ends a program; owns the channel to it."""
