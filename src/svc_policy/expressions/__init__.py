"""Typed expressions: the one notation that a rule's meaning is written in."""
