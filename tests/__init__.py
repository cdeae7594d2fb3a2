"""Compiled modules are kept, whatever the shell says: the tests start hundreds of processes, and each of them would
otherwise compile all that it imports anew."""

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
