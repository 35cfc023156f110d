"""Abandoned calls counted against answered ones, in the windows over which a rate is capped."""
