"""WORD: what people read, as data until it is shown, and then in their language."""
