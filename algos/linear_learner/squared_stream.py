"""stand-in"""

from algos.linear_learner.stream import Stream


class SquaredStream(Stream):
    pass
