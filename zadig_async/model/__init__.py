"""Nouns: what Zadig speaks of, as frozen attrs values.

In here: values, their meaning, and pure questions about them. Not in here: JSON keys and how they are
read (`zadig_async.wire`), and anything that waits, opens, logs or looks at a clock.
"""
