"""Calls from outside: people who call a number back that they were shown. Pure.

`arriving` lets a call in or refuses it, until the store has said who calls; `waiting` is what a caller hears and may
ask for; `ending` what the call came to, and what becomes of the lead. Between them it is a `Call` like any other.
"""
