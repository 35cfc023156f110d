"""Settings of calls from outside."""
