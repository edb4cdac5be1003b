"""Interrupts at any line of a call."""

import os
import sys

import algos

_PACKAGE = os.path.dirname(algos.__file__)


def count_lines(call):
    """Return how many lines of the package a call comes to."""
    return _traced(call, 0)


def interrupt(call, line):
    """Call, with a KeyboardInterrupt at that line of the package that it comes to, from 1 on."""
    _traced(call, line)


def _traced(call, interrupted):
    count = 0

    def trace(frame, _event, _argument):
        return at_line if frame.f_code.co_filename.startswith(_PACKAGE) else None

    def at_line(_frame, event, _argument):
        nonlocal count
        if event == "line":
            count += 1
            if count == interrupted:
                raise KeyboardInterrupt
        return at_line

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
