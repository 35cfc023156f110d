"""`dialer recordings`."""
