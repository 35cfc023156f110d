"""One SIP endpoint in one process: the only place that imports pjsua2.

`loop` is the process, `endpoint` the library, `dialog` one INVITE and what the library says about it, `call` the rules
of a call; `address` and `sip_text` are pure.
"""
