"""MAY this number be dialled now? Pure rules over facts that somebody else gathered.

`compliance.api` has the vocabulary (facts, verdicts, permits), `compliance.numbers` parses and masks phone numbers,
`compliance.calling_hours` knows hours, holidays, places and time zones, `compliance.caps` frequency caps,
`compliance.register` the compiled files of national no-call registers and `compliance.listed` their rules;
`compliance.gate` puts the rules together. Nothing here reads a clock or does I/O.
"""
