"""Calls that go through a script: what is played to a callee, and taken down, while no agent is there."""
