"""Solvers: from a problem and penalties to certified solutions; `choice` selects one.

Each is a `problem.Solver`: a function `path` if it may compute solutions one by one, or `solve` if
it always computes all together.
"""
