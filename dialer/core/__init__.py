"""DECIDE: the pure engine. It is told what happened and answers with what to do; it does no I/O and reads no clock.

Read in this order: `model` (the nouns), `inputs` and `effects` (the two halves of the contract), `calls` and `agents`
(state tables), `dispositions` and `retries` (what an end means), `engine_state` (what is known), `dialling`, `routing`,
`settling` and `pacing_snapshot` (what is done with it), `engine` (the conductor).
"""
