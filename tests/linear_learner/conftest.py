"""Settings of the linear learner's tests."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="package")
def one_blas_thread_for_oracles():
    """General minimisers over small matrices: a second thread is only waited for."""
    with threadpool_limits(1, user_api="blas"):
        yield
