"""Commands about people's rights: blocks, registers, erasure, evidence."""
