"""Agents' phones that stay on the line between calls, and how the workers of calls reach them."""
