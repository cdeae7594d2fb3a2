"""How a county joins (接入): scaffolding a source file, rehearsing it, running it in the shadow, going live.

It sits on top of stages and reports and below the command line; what it finds it gives back as plain data.
"""
