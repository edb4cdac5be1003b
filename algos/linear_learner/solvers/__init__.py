"""Solvers: from a problem and penalties to certified solutions; `choice` says which for what.

Each is a `problem.Solver`: its module's `path` where it may find solutions in turn, or a `solve`
where it always finds all together.
"""
