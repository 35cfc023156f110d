"""Calls: from a pacing decision to an INVITE, to an agent, to a disposition."""
