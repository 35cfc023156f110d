"""Agents: their states, when they go home, which campaign they count for."""
