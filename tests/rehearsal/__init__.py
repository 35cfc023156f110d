"""The engine under a seed in virtual time, with faults and invariants."""
