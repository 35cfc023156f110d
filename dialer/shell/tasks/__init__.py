"""What runs in the daemon for as long as it lives: feeds, the heartbeat, pacers, and whatever writes to the store."""
