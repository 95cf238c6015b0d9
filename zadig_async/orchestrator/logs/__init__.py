"""LOGS: one job's log, or many, each line told once and every hole said.

`told`, `splice` and `comparison` are pure: what was told so far, where a replay goes on from it, and what an
archive adds. `tail` reads one job's log with them, `task_logs` opens and closes the logs of a task as its
jobs come and go, and `feed` hands the logs of many to one reader.
"""
