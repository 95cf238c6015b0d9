"""The operations, one module per resource: each handler turns a `Call` into an answer.

Nothing here waits or knows sockets; errors follow the server's table, not taste.
"""
