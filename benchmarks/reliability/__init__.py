"""What is promised about writes, counted against the server's own records: no double deploy, no lost intent.

Here belong the runs that take minutes; the tests run the same with smaller numbers.
"""
