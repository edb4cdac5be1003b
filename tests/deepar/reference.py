"""The network in NumPy, window by window and step by step: what kernels must agree with."""

import numpy as np

LANE = 8  # rows
DROPOUT, HOLD_C, HOLD_H = range(3)
OUTPUTS = {0: 2, 1: 3, 2: 2, 3: 1, 4: 2, 5: 1}  # of each kind of likelihood


def logistic(x):
    return 1 / (1 + np.exp(-x))


def flips(probability, key, number, stream, shape):
    """Return the bytes that the kernel draws, 1 with the probability."""
    count = int(np.prod(shape))
    bits = np.random.Philox(key=key, counter=[0, number, stream, 0])
    words = bits.random_raw(-(-count // 4)).view(np.uint16)
    return (words[:count] < round(probability * 65536)).reshape(shape)


def with_direct(layout, weights, seed=0):
    """Return the weights, those from the inputs to the outputs being other than 0."""
    direct = layout.views(weights)["direct"][:, : layout.n_outputs]
    direct[...] = np.random.default_rng(seed).normal(scale=0.2, size=direct.shape)
    return weights


def masks(layout, n_steps, n_windows, probability, what, key, number):
    """Return for each layer what is drawn, (steps, windows, width)."""
    layers = []
    for layer in range(layout.n_layers):
        parts = []
        for lane, first in enumerate(range(0, n_windows, LANE)):
            rows = min(LANE, n_windows - first)
            stream = (lane * layout.n_layers + layer) * 3 + what
            parts.append(flips(probability, key, number, stream, (n_steps, rows, layout.width)))
        layers.append(np.concatenate(parts, axis=1))
    return layers


def outputs(
    layout, weights, inputs, static, categories, dropout=0.0, zoneout=0.0, key=(0, 0), number=0
):
    """Return the raw parameters of each step and window, (steps, windows, n_outputs)."""
    parts = layout.views(weights.astype(float))
    steps, windows, _ = inputs.shape
    size = layout.hidden_size
    drawn = [
        masks(layout, steps, windows, p, what, key, number)
        for what, p in ((DROPOUT, dropout), (HOLD_C, zoneout), (HOLD_H, zoneout))
    ]
    keep = 65536 / (65536 - round(dropout * 65536))
    embedded = [parts[f"embedding_{j}"][column] for j, column in enumerate(categories.T)]
    start = np.concatenate([static, *embedded], axis=1) @ parts["static"]
    c = [np.zeros((windows, size)) for _ in range(layout.n_layers)]
    h = [np.zeros((windows, size)) for _ in range(layout.n_layers)]
    heads = []
    for t in range(steps):
        x = inputs[t].astype(float)
        for layer in range(layout.n_layers):
            z = x @ parts[f"input_{layer}"][: x.shape[1]] + parts[f"bias_{layer}"]
            z = z + h[layer] @ parts[f"recurrent_{layer}"][:size] + (start if layer == 0 else 0)
            i, f, g, o = (z[:, columns] for columns in layout.gate_columns)
            new_c = logistic(f) * c[layer] + logistic(i) * np.tanh(g)
            new_h = logistic(o) * np.tanh(new_c)
            held_c, held_h = (drawn[what][layer][t, :, :size] for what in (HOLD_C, HOLD_H))
            c[layer] = np.where(held_c, c[layer], new_c)
            h[layer] = np.where(held_h, h[layer], new_h)
            x = h[layer]
            if layer + 1 < layout.n_layers and dropout:
                x = x * np.where(drawn[DROPOUT][layer + 1][t, :, :size], 0, keep)
        head = x @ parts["head"][:size] + parts["head_bias"]
        head = head + inputs[t].astype(float) @ parts["direct"]
        heads.append(head[:, : layout.n_outputs])
    return np.array(heads)
