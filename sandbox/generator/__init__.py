"""Invents a repeatable stream of service events, and knows what must become of each.

``model`` is the truth; ``wire`` says what must reach the national platform; ``render`` says the same in each source's
tongue; ``mistakes`` spoils some of it. Nothing here is shared with the gateway.
"""
