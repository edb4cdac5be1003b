"""Attribution."""


def attribute(forest, rows, n_rows, stride, method, n_threads=1):
    raise NotImplementedError
