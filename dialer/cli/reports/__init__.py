"""The archive of calls, and reports of it."""
