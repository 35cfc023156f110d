"""Calls from outside: one port where trunks' INVITEs arrive (`door`), and what is said about them (`messages`).

What is said of a call once it is answered is in `sip.messages`, as for any other.
"""
