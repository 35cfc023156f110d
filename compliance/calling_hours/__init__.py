"""When a callee may be called: the hours of the place, public holidays, and where the callee is."""
