"""Commands about campaigns: make, change, start, preflight, funnel, caller ids, policies."""
