"""The policy desk: one page for the person at the telephone, and what it asks the service for.

The page holds no meaning of its own. What is decided, every label, sentence and clause, comes from here in the
reader's language; the page lays it out and keeps the ticket in the address, behind the `#`, where no server sees it.
"""
