"""The compiled floor. `floor.play(scenario, pacer, seed)` plays one day; it has no leads, gates and SIP."""
