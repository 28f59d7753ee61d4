"""The shop: settings, addresses, a clock that tests turn."""
