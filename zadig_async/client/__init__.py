"""Verbs: one method, one HTTP call, grouped by noun.

In here: the operations of Zadig as awaitable methods. Not in here: anything that waits for a task,
decides, or remembers (`zadig_async.orchestrator`), and anything that knows a JSON key (`zadig_async.wire`).
"""
