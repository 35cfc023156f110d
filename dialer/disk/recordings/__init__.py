"""KEEP what was said: the recordings of this host, from the WAV files of a talk to an indexed Opus file."""
