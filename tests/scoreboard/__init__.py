"""The pacing scoreboard: one call-centre floor, compiled, so that many policies meet many days in an hour.

The studies (`dialer.sim.study`) play the daemon's engine; the floor here plays the same scenarios a hundred times
faster, without leads, gates and SIP. `floor.play(scenario, pacer, seed)` plays one day.
"""
