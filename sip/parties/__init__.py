"""Third parties of a talk: supervisors who listen, colleagues in a conference, whoever a talk is passed on to."""
