"""Edge: argv, environment and files in; text, JSON and exit codes out.

In here: everything that only a person at a terminal or a CI job needs, and the only reader of environment
variables. Not in here: anything a Python caller would need too, which belongs to the rooms below.
"""
