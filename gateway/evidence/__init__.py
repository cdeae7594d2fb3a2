"""Evidence (存证): an archive of files that proves, without any database, what was sent, received and agreed.

A day is two files: ``<day>.jsonl``, a line of canonical JSON for every batch that was settled and every result that was
found, and ``<day>.seal.json``, which names the first one's digest and the previous day's seal, signed with our key.
"""
