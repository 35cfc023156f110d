"""KEEP: this host's files: facts that wait for Redis, the evidence, and the national registers."""
