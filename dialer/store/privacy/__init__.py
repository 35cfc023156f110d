"""Whom not to call, and what must be forgotten: the no-call list, erasure, retention."""
