"""Calls that go through a script: what comes next is decided here, a key or a silence at a time. Pure."""
