# Likelihoods of forecasts: see `_deepar_likelihood.h`.
cdef extern from "_deepar_likelihood.h" nogil:
    double algos_deepar_loss_f32(
        int kind, const float* head, Py_ssize_t stride, const float* target, const float* mask,
        const float* scale, Py_ssize_t n, float* slopes)
    double algos_deepar_loss_f64(
        int kind, const double* head, Py_ssize_t stride, const double* target,
        const double* mask, const double* scale, Py_ssize_t n, double* slopes)
