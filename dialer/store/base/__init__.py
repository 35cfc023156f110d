"""What every part of the store stands on: the connection, the names of keys, the fields of entries, the streams."""
