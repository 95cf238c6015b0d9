"""Watching: launches and tasks, many at once, each to its end.

In here: triggering, polling, approving by rule, tailing logs, and the decisions between them, which are
pure functions of what was seen. Not in here: HTTP, JSON, waves of launches, files and terminals.
"""
