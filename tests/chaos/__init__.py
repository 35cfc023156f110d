"""Real processes under load, disturbed at random moments of a printed seed, and the books checked afterwards.

`floor` sets up a server, a carrier and daemons, and keeps the agents at work; `faults` disturb it; `audit` holds what
the CRM heard against what the carrier counted, and knows nothing of the daemons; `__main__` is `make chaos`.
"""
