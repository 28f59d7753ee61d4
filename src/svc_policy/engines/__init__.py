"""Engines: one plan, run in a Python process or inside a database."""
