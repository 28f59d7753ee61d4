"""The policy desk in a real browser, served by `svc-policy serve`."""
