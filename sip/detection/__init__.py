"""Who answered: a person or a machine, from what is heard on the line. Audio in, verdicts out; `program` runs it."""
