"""Audio that comes from files or goes into them, by ports of the library's bridge: no Python on its way."""
