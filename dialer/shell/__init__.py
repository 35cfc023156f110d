"""DO: the trio shell around the pure engine: processes, threads, clocks, signals.

`daemon` is the composition root and shows the whole tree of tasks; every other module is one task or one door:
`engine_task` feeds the engine, `store_tasks` carry its wishes to Redis, `feeds` bring Redis streams in, `claims`
say which agents are ours, `pacers` ask the pacers, `scribe` writes what happened (Redis, disk, log), `beats` are the
things done every few seconds.
"""
