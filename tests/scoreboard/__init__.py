"""The pacing scoreboard: one call-centre floor, compiled, so that many policies meet many days in an hour.

The studies (`dialer.sim.study`) play the daemon's engine; the floor here (`virtual_floor`) plays the same scenarios a
hundred times faster. `rows` and `entrants` say who plays what, `days` plays and keeps it, `board` writes the page.
"""
