"""Commands that show what is happening now."""
