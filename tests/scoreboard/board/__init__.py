"""What the days came to: standings, their page and its charts."""
