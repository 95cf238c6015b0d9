"""One module per command; each has its click command as `command`.

In here: options, and what to call with them. Not in here: how things look (`zadig_async.cli.render`).
"""
