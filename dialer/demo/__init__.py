"""SHOW: a whole dialer at work on one machine, with everything around it that a real one has.

`stage` starts and stops the parts: a real Valkey server, a carrier and agents' phones on loopback, the daemon as
systemd would run it, and a stand-in for the CRM. `crm` is that stand-in, an example for integrators: it knows nothing
of the dialer but the streams of docs/redis.md. `lead_list` makes the list with known faults, `scene` the campaign and
the settings, `books` holds every side's counts against each other, `summary` says what came out.
"""
