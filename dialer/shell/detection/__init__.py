"""The process that listens to answered lines, from the side of the daemon."""
