"""RECORD: the service that puts what happened from the streams into the archive of calls, exactly once."""
