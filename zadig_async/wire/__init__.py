"""Dialect: Zadig's HTTP as pure functions.

In here: a `Call` out, a value or an error back, and every JSON key of the server. Not in here: anything
that awaits, opens or waits, and any retry decision; a call only carries the facts such decisions need.
"""
