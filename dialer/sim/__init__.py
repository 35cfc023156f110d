"""REHEARSE: the same engine and the real pacers, in virtual time, under a seed.

`rehearsal.rehearse(scenario, seed)` is the face. Around the engine stand twins of everything that it talks to, each
small enough to be obviously right: `far_end` (workers, trunks, callees), `desks` (agents, their desktops and phones)
and `memory` (the store). `faults` breaks them on purpose; `invariants` says after every step what must hold whatever
broke.
"""
