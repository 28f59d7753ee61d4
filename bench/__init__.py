"""Measurements of svc-policy: `python -m bench`, or `make bench`.

Every figure is a ratio, or a time, taken in one interleaved run: A B A B ...,
so that whatever else the machine does falls on both sides.
"""
