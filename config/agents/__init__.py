"""Agents of a host: where their phones are, and how they are called."""
