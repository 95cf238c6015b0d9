"""Carriers: how a `Call` gets to a server and its `Reply` back.

In here: connections, time-outs, size caps, retries and the border between "never sent" and "may have
happened". Not in here: what a reply means (`zadig_async.wire`). aiohttp is imported by
`transport.http` alone, and none of its exceptions leaves that module.
"""
