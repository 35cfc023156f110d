"""WATCH and ORDER in a browser: the console. Starlette on trio; what it shows and does is `dialer.operating`'s."""
