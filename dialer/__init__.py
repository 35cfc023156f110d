"""The predictive dialer daemon: leads in from Redis, calls out over SIP, dispositions back."""

__version__ = "0.1.0"
