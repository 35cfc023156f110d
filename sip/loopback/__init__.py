"""A carrier and agent phones on loopback: the far end of the dialer for rehearsals, tests and benchmarks.

`python -m sip.loopback` runs it as a program of its own, speaking SIP over UDP on loopback addresses only.
`sip.loopback.process` starts and stops it from Python. `profile` says how people and networks behave, `draws` makes
one call's fate of it, `carrier` and `phones` act it out, `stack` is the only place that imports sippy, the SIP stack
underneath.
"""
