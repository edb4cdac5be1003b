"""Settings of the whole suite."""

import os

from hypothesis import settings

# Compiled code, subprocesses and other people's jobs make every deadline a lie.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("few", parent=settings.get_profile("ci"), max_examples=15)
settings.load_profile("ci" if os.environ.get("CI") else "local")
