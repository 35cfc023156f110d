"""PLAN: the daemon's engine and real pacers in virtual time, under a seed.

What every simulation stands on, the rehearsals in tests/ included: the clock (`virtual_time`), the other end of the
line (`far_end`), agents' desktops (`desk`) and what the store does about an attempt (`attempts`). `study` plays whole
shifts with it; `policies` names what they compare, and `baselines` has the published rules of other dialers.
"""
