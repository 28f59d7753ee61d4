"""After-sales service policies as data that cites its clauses."""

__version__ = "0.1.0"
