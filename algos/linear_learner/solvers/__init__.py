"""Solvers: from a problem and penalties to certified solutions; `choice` says which for what.

A solver's module has a `path` of solutions, one for each penalty: an iterator where they are
found in turn, so that the last may be spared, or else a list. What finds them all together in
any case is a `solve`, which returns a list.
"""
