"""Commands about this host: the daemon, its settings, the demo."""
