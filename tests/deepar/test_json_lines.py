"""Panels of JSON Lines, a series on each line."""

import gzip
import io
import json
import os
import pickle
import re
import warnings

import numpy as np
import pytest

from algos import DeepARForecaster
from algos.deepar import panel_from_json_lines

TINY = {"context_length": 3, "hidden_size": 4, "max_iter": 2, "n_batches": 2, "random_state": 0}
RNG = np.random.default_rng(0)


TWO_STEPS = {"start": "2026-01-01", "target": [1, 2]}


def series(n_steps=20, **more):
    """Return the object of a line."""
    target = RNG.poisson(5, n_steps).tolist()
    return {"start": "2026-01-01 00:00:00", "target": target, "cat": [1, 0], **more}


def text_of(*lines):
    return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"


def read(*lines, **options):
    return panel_from_json_lines(io.StringIO(text_of(*lines)), **options)


def test_all_that_a_line_may_have_is_read():
    panel = read(
        '{"start": "2026-01-01", "target": [1, "NaN", 2.5, NaN], "cat": [0, 2], '
        '"dynamic_feat": [[1, 2, 3, 4, 5], [0, 0, 1, 1, null]], "item_id": "a", "note": {}}',
        "",
        '{"start": "2026-01-02T12:00:00.000", "target": [null, 7], "cat": [1, 0], '
        '"dynamic_feat": [[1, 2], [3, 4]], "item_id": "b"}',
        "  ",
        freq="h",
    )
    np.testing.assert_array_equal(panel.X[0], [1, np.nan, 2.5, np.nan])
    np.testing.assert_array_equal(panel.X[1], [np.nan, 7])
    assert panel.start.tolist() == np.array(["2026-01-01", "2026-01-02T12"], "M8[s]").tolist()
    np.testing.assert_array_equal(panel.static_categorical, [[0, 2], [1, 0]])
    assert panel.static_categorical.dtype == np.int64
    assert [rows.shape for rows in panel.dynamic_real] == [(2, 5), (2, 2)]
    assert panel.dynamic_real.names == ["dynamic_feat[0]", "dynamic_feat[1]"]
    assert (panel.freq, panel.ids.tolist()) == ("h", ["a", "b"])


def test_missing_keys_are_none():
    without = {"cat": [], "dynamic_feat": []}
    for lines in ([series(**without)] * 2, [series(cat=None), series(**without)]):
        panel = read(*lines)
        assert panel.keys() == ["X", "start"]
        assert (panel.freq, panel.ids.tolist()) == (None, [0, 1])
        assert isinstance(panel.X, np.ndarray)  # as many steps each


def test_a_single_category_needs_no_list_and_names_keep_beside_numbers():
    assert read(series(cat=3), series(cat=[4])).static_categorical.tolist() == [[3], [4]]
    mixed = read(series(cat=[3, "x"]), series(cat=[4, "y"])).static_categorical
    assert mixed.tolist() == [[3, "x"], [4, "y"]]
    assert read(series(cat=2**70)).static_categorical.tolist() == [[2**70]]


def test_paths_compressed_or_not_and_open_files_give_the_same(tmp_path):
    lines = [series(), series(10)]
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.json.gz"
    plain.write_text(text_of(*lines))
    packed.write_bytes(gzip.compress(text_of(*lines).encode()))
    expected = read(*lines)
    found = [panel_from_json_lines(one) for one in (plain, str(plain), packed)]
    with open(plain) as one, open(packed, "rb") as two, gzip.open(packed, "rt") as three:
        found += [panel_from_json_lines(file) for file in (one, two, three)]
        assert not two.closed
    for panel in found:
        assert len(panel.X) == 2
        for own, its in zip(panel.X, expected.X, strict=True):
            np.testing.assert_array_equal(own, its)
    both = panel_from_json_lines([packed, plain])
    assert [len(row) for row in both.X] == [20, 10, 20, 10]


LINES = {
    "no `cat`, which line 1 has": {k: v for k, v in series().items() if k != "cat"},
    "`cat` has 1 and that of line 1 2": series(cat=[0]),
    "`cat` must be numbers or names, and one is None": series(cat=[None, 1]),
    "has `item_id`, which line 1 has not": series(item_id="a"),
    "has `dynamic_feat`, which line 1 has not": series(dynamic_feat=[[0] * 20]),
    "`dynamic_feat`[0] must have at least as many as `target`, 20, and has 2": series(
        dynamic_feat=[[1, 2]]
    ),
    "`dynamic_feat`[1] must have as many as `dynamic_feat`[0], 20, and has 21": series(
        dynamic_feat=[[1] * 20, [1] * 21]
    ),
    "`dynamic_feat`[0] must be a list of numbers, and is 1": series(dynamic_feat=[1] * 20),
    "`dynamic_feat` must be a list with a list for each": series(dynamic_feat={"a": [1]}),
    "no `target`": {"start": "2026-01-01"},
    "no `start`": {"target": [1]},
    "`start`=20260101 must be a string": series(start=20260101),
    "`start`='soon' must hold times": series(start="soon"),
    "`target` must be a list of numbers, and is 'NaN'": series() | {"target": "NaN"},
    "`target`[1]='3' must be a number, null or \"NaN\"": series() | {"target": [1, "3"]},
    "`target`[0]=True must be": series() | {"target": [True]},
    "`target` must hold numbers, and one is too large": series() | {"target": [10**400]},
    "must be an object with `start` and `target`, and is a list": "[1, 2]",
    "invalid JSON, Expecting": '{"start": ',
}


@pytest.mark.parametrize("message", LINES)
def test_errors_name_the_line(message):
    with pytest.raises(ValueError, match=f"^line 3: {re.escape(message)}"):
        read(series(), "", LINES[message])


@pytest.mark.parametrize("start", ["2026-01-01T00:00:00Z", "2026-01-01 00:00:00+02:00"])
def test_time_zones_are_refused_without_warnings_of_numpy(start):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"^line 1: `start`=.* without a time zone"):
            read(series(start=start))


def unbuffered(path):
    return open(path, "rb", buffering=0)


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("opened", [lambda path: io.BytesIO(path.read_bytes()), unbuffered])
def test_files_that_cannot_peek_are_read_and_left_open(tmp_path, opened, is_packed):
    path = tmp_path / "lines"
    text = text_of(TWO_STEPS).encode()
    path.write_bytes(gzip.compress(text) if is_packed else text)
    with opened(path) as file:
        np.testing.assert_array_equal(panel_from_json_lines(file).X, [[1, 2]])
        assert not file.closed


def test_paths_may_be_bytes(tmp_path):
    path = tmp_path / "lines.json"
    path.write_text(text_of(TWO_STEPS))
    for files in (os.fsencode(path), [os.fsencode(path)]):
        np.testing.assert_array_equal(panel_from_json_lines(files).X, [[1, 2]])


@pytest.mark.parametrize("files", [3, [3], None])
def test_other_objects_than_files_are_refused(files):
    with pytest.raises(TypeError, match=r"^`files`.* open file"):
        panel_from_json_lines(files)


def test_forecasts_are_on_the_business_day_of_freq():
    pd = pytest.importorskip("pandas")
    panel = read({"start": "2026-01-30", "target": [1, 2]}, freq="BME")
    days = panel.frame_of(np.ones((1, 3)))["time"]
    assert days.tolist() == pd.date_range("2026-03-01", periods=3, freq="BME").tolist()


def test_errors_name_the_file_of_several(tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(text_of(series(), series()))
    (tmp_path / "b.json").write_text(text_of(series(cat=0)))
    with pytest.raises(ValueError, match=r"b\.json, line 1: `cat` has 1 and that of .*a\.json, l"):
        panel_from_json_lines([tmp_path / "a.json", tmp_path / "b.json"])
    with pytest.raises(ValueError, match="at least one line"):
        read("")
    with pytest.raises(ValueError, match="`freq`='soon' must be"):
        read(series(), freq="soon")


def test_panels_are_arguments_of_every_method():
    full = read(*(series(n, dynamic_feat=[[0, 1] * 20]) for n in (20, 24, 30)), freq="D")
    past, came = full.split(3)
    model = DeepARForecaster(3, freq=full.freq, **TINY).fit(**past)
    np.testing.assert_array_equal(came, [row[-3:] for row in full.X])
    # The truth is the end of each series, as in SageMaker's channel of tests.
    assert model.score(**full) == model.score(**past, y=came)
    forecast = model.predict(**past)
    frame = past.frame_of(forecast)
    assert list(frame.columns) == ["item_id", "time", "forecast"]
    assert frame["item_id"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert str(frame["time"][0]) == "2026-01-18 00:00:00"
    np.testing.assert_array_equal(frame["forecast"], np.ravel(forecast))
    again = pickle.loads(pickle.dumps(past))
    assert again.freq == "D" and again.start.freq == "D"
    with pytest.raises(ValueError, match="must be 'D'"):
        DeepARForecaster(3, freq="h", **TINY).fit(**past)


def test_without_freq_a_panel_is_fitted_and_makes_no_frames():
    panel = read(series(), series())
    model = DeepARForecaster(2, freq="h", **TINY).fit(**panel)
    assert repr(panel) == "PanelFrame(2 series of 20 steps, freq=None)"
    with pytest.raises(ValueError, match=r"write panel_from_json_lines\(files, freq="):
        panel.frame_of(model.predict())
