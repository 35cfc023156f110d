"""DO: the trio shell around the pure engine: processes, threads, clocks, signals.

`daemon` is the composition root and shows the whole tree of tasks, `parts` what they share and the queues between them.
`engine_task` feeds the engine; every module of `tasks` is one task.
"""
