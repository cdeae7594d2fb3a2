"""The sources' doubles (模拟来源): real servers on loopback, each as strict as its original, with faults on demand.

``python -m sandbox.doubles portal|app|kiosk|hotline`` runs one and prints its addresses as one JSON line when ready.
Admin calls, never disturbed by faults: ``/sandbox/faults`` (GET, POST, DELETE), ``/sandbox/oracle`` (GET: what really
happened), and a few of each double's own.
"""
