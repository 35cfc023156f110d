"""MAKE the call: a pool of pjsua2 worker processes that takes commands and gives events.

`sip.messages` is the language of the room, `sip.causes` says why a call ended, `sip.pool` (trio) supervises the
workers, `sip.worker` is the only place that imports pjsua2, `sip.loopback` is a carrier and agent phones for
rehearsals. Nothing here knows what a campaign, an agent or a lead is.
"""
