"""Answering machines: who is judged, when, and what follows. Hearing itself is `sip.detection`."""
