"""``gw``: every act of the gateway on the command line. See :mod:`gateway.cli.app`."""
