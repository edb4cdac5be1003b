"""Solvers: from a problem and penalties to certified solutions; `choice` says which for what."""
