"""Calls from outside: who calls, and that some had to be sent away."""
