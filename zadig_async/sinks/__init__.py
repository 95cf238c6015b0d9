"""SINKS: where logs go: made safe for a terminal, labelled, chosen, written in the background.

A sink is fed with the events of `zadig_async.orchestrator.events` and knows no server. Nothing here decides
about a task.
"""
