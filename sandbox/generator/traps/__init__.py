"""A town whose sources fall into every trap of code-lists.json; the truth is known, since it came first.

A record's truth is drawn, then written down in the dialect of its source: inverted scales, shifted codes, Excel
serials, epoch seconds, labels, short regions, 33-character item codes. ``511602/`` holds the sources' YAML, which
maps all of it back, and the masters. Nothing here knows the gateway.
"""
