"""``python -m gateway.cli``: the same as ``gw``."""

from gateway.cli.app import main

main()
