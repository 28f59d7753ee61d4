"""Tests against the real systems that the library lives in: each is installed and started here (`make test-hosts`)."""
