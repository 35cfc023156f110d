"""HOW MANY calls to start now: pure decisions from a snapshot, with a sentence that says why.

`pacing.api` is the whole contract with the rest of the dialer; `pacing.policies` makes a pacer by mode. Nothing here
reads a clock, does I/O or knows what a phone number is. numba lives here and nowhere else.
"""
