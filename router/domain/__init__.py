"""Decisions: pure functions and frozen values. No I/O, no clock, nothing but the standard library."""
