"""Scripts: small declared flows that a callee goes through by keys; what they may say, and how long they may take."""
