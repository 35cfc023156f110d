"""Agents' phones that stay on the line: the leg (`leg`), and how the workers of talks come to it (`reception`)."""
