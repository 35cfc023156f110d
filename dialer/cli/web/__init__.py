"""`dialer web`."""
