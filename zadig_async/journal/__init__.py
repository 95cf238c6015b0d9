"""Memory: what we meant to do and what became of it, on disk before it is done.

Here belongs everything that is remembered over a crash: records, the stores that keep them, who owns what,
and the audit trail. Nothing here knows HTTP, and nothing here decides.
"""
