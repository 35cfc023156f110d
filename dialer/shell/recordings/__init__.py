"""Recordings while the daemon runs: finishing talks, watching the disk, deleting what is old or was to be erased."""
