"""Benchmarks: what the client costs in CPU time and memory, as ratios to peers measured in the same run.

In here: payloads, a static server, peers, suites, and the bars the ratios must keep. Not in here: the
correctness of anything (`tests`), and wall-clock rates, which say more about the machine than about us.
"""
