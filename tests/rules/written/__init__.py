"""The pages of the national specification as tables, copied by hand: what the gateway's own data files must agree with.

Nothing here is read from ``schemas/data``; whoever changes a rule changes it in both places, knowingly.
"""
