"""SAY: measures and reports of the archive, defined once, as data; what shows them is in cli/reports."""
