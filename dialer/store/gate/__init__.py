"""The gates before an attempt: facts gathered, rules evaluated, the attempt reserved."""
