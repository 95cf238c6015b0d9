"""How things look: lines, a live table, JSON.

In here: words, tables and JSON made from events, outcomes and nouns. Every text of the server passes
`zadig_async.sinks.terminal` on its way. Not in here: anything that decides, waits or sends.
"""
