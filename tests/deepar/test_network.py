"""Layout and first weights of the network."""

import numpy as np
import pytest

from algos.deepar.network import GATES, Layout, initial_weights, make_network

KEY = np.array([1, 2], dtype=np.uint64)
LAYOUT = Layout(5, 2, 11, 2, 3, cardinalities=(4, 3), embedding_dimensions=(3, 2))


def test_parts_are_views_of_one_vector_without_gaps():
    weights = np.arange(LAYOUT.size)
    parts = LAYOUT.views(weights)
    assert {name: part.shape for name, part in parts.items()} == LAYOUT.shapes
    assert all(part.base is not None for part in parts.values())
    np.testing.assert_array_equal(np.concatenate([p.ravel() for p in parts.values()]), weights)


def test_every_gate_of_every_unit_has_a_column():
    columns = LAYOUT.gate_columns
    assert columns.shape == (len(GATES), 11)
    assert len(np.unique(columns)) == columns.size
    assert columns.max() < 4 * LAYOUT.width == 64


def test_a_layout_without_categories_has_none():
    layout = Layout(1, 0, 8, 1, 2)
    assert layout.categories.shape == (0, 2)
    assert layout.static_size == 0
    assert layout.shapes["static"] == (0, 32)


def test_first_weights_leave_forget_gates_open_and_padding_empty():
    parts = LAYOUT.views(initial_weights(LAYOUT, KEY))
    for layer in range(2):
        bias = parts[f"bias_{layer}"]
        assert (bias[LAYOUT.gate_columns[GATES.index("forget")]] == 1).all()
        assert bias.sum() == 11
        assert not parts[f"recurrent_{layer}"][11:].any()
        assert (parts[f"recurrent_{layer}"][:11, LAYOUT.gate_columns] != 0).all()
    assert not parts["head"][:, 3:].any()
    assert np.abs(parts["input_0"]).max() <= 11**-0.5


def test_first_weights_are_those_of_the_key():
    first = initial_weights(LAYOUT, KEY)
    np.testing.assert_array_equal(first, initial_weights(LAYOUT, KEY))
    assert (first != initial_weights(LAYOUT, KEY + np.uint64(1))).any()
    assert first.dtype == np.float32


def test_too_many_layers_are_refused():
    with pytest.raises(ValueError, match="17 layers, of at most 16"):
        make_network(Layout(1, 0, 8, 17, 2), 1, 1)


def test_memory_is_estimated_before_it_is_taken():
    with pytest.raises(MemoryError, match=r"2 layers of 4000 units .* lower `hidden_size`"):
        make_network(Layout(40, 1, 4000, 2, 3), 512, 100_000)


def test_memory_does_not_grow_with_threads_that_have_no_lane():
    few = make_network(LAYOUT, 32, 10, 4).n_bytes
    assert make_network(LAYOUT, 32, 10, 1).n_bytes < few
    assert make_network(LAYOUT, 32, 10, 64).n_bytes == few
