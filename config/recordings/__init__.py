"""Recording: what campaigns want recorded, where hosts keep it, and the sheet by which people mark it."""
