"""The console in the browser: its settings."""
