"""Reading phone numbers: what people and programs write, and what the numbering plans know."""
