"""Studies: whole shifts of a call centre in virtual time, to compare pacing policies before anybody is called.

The engine and the pacers are the daemon's own; around them stand callees, agents, a list and a trunk that a scenario
(`scenario.load_scenario`) describes. `shift.work(scenario, policy, seed)` plays one shift; `parallel.run_all` plays
many side by side; `summary.summarise` puts them together. Every policy meets the same callees with the same talk times.
"""
