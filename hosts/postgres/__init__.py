"""PostgreSQL: a throw-away server, and the policy deciding inside it."""
