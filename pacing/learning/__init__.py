"""What a pacer learns from calls, talks and wrap-ups, and how it is kept."""
