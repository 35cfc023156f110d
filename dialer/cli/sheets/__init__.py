"""Files of lists as people have them: CSV of any kind, and workbooks."""
