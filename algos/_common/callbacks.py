"""scikit-learn's callbacks (1.9 and later), and the same names without effect on 1.8.

The protocol is experimental there, so this module is the only one that touches it.
"""

from __future__ import annotations

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks

    HAS_CALLBACKS = True
except ImportError:  # scikit-learn 1.8
    HAS_CALLBACKS = False

    class CallbackSupport:  # type: ignore[no-redef]
        """Stands where scikit-learn 1.9 has its mixin."""

    def with_callbacks(method):  # type: ignore[no-redef,no-untyped-def]
        return method
