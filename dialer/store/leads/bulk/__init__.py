"""Choosing leads that are in a campaign already, and changing many of them at once."""
