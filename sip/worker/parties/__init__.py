"""Who hears whom in a talk, third parties in other workers included."""
