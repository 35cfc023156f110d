"""Calls that others make, as a worker has them: how the library gets them (`arrivals`), and their rules (`call`)."""
