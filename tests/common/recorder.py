"""A callback for tests: it sees every task of a fit, and can end the fit in one."""

import pytest

from algos._common.callbacks import HAS_CALLBACKS

needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn before 1.9 has no callbacks"
)


class StopError(Exception):
    pass


def stop():
    raise StopError


class Recorder:
    """Writes down every call; acts at the chosen end of a task of the lowest level."""

    def __init__(self, act=None, at=1):
        self.act = act
        self.at = at
        self.begun = []
        self.ended = []
        self.setups = self.teardowns = self.leaves = 0

    def setup(self, estimator, context):
        self.setups += 1

    def teardown(self, estimator, context):
        self.teardowns += 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(id(context))

    def on_fit_task_end(self, estimator, context):
        self.ended.append(id(context))
        if context.max_subtasks == 0:
            self.leaves += 1
            if self.act is not None and self.leaves == self.at:
                return self.act()
        return False
