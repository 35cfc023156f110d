"""READ the knobs: typed settings from defaults, a TOML file, the environment and flags, with the source of each.

`config.daemon` has the daemon's settings, `config.campaign` a campaign's, `config.load` reads them and reports every
mistake at once, `config.show` prints them. Nothing here reads the process environment: it is handed in.
"""
