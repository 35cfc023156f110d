"""Commands about leads: import, list, why."""
