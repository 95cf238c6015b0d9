"""Peers: what somebody would write instead of using us, each by its own documentation, as fast as it goes.

They keep their connections, type the same fields of the envelope and leave job specs as plain dicts.
"""
