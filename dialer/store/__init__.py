"""REMEMBER: everything that touches Redis or Valkey. Synchronous functions in batches; the shell calls them in threads.

A lead passes `lead_codec`, `intake`, `leases`, `gate` and `settle`, in that order. `connection` opens the store,
`keys` names every key, `errors` draws what can go wrong. Time is always handed in, in seconds since the epoch.
What the CRM sees of all this is docs/redis.md.
"""
