"""What a change of a policy does: what changed, where decisions differ, and what it would have meant."""
