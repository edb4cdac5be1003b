"""The loop that learns weights, on problems whose minimum is known."""

from dataclasses import fields, replace

import numpy as np
import pytest

from algos.deepar.training import TrainSettings, TrainState, train

N = 12


class Bowl:
    """Batches of the loss |w - c - noise|² / 2, each batch with its own noise."""

    def __init__(self, noise=0.0, bad=()):
        self.center = np.linspace(-1, 1, N).astype(np.float32)
        self.noise, self.bad = noise, frozenset(bad)
        self.seen = []

    def gradient(self, weights, number, out):
        self.seen.append(number)
        if number in self.bad:
            out[...] = np.nan
            return np.nan, 4.0
        noise = np.random.default_rng(number).normal(size=N).astype(np.float32)
        off = weights - self.center - self.noise * noise
        out[...] = 4 * off
        return 4 * float(off @ off) / 2, 4.0

    def culprits(self, weights, number):
        return ["third"]

    def distance(self, weights):
        return {"loss": float(np.abs(weights - self.center).max())}


QUICK = TrainSettings(max_iter=20, n_batches=50, learning_rate=0.02, weight_decay=0.0, memory=0.0)


def begin():
    return TrainState.begin(np.zeros(N, dtype=np.float32))


def same(one, other):
    for f in fields(TrainState):
        np.testing.assert_array_equal(getattr(one, f.name), getattr(other, f.name))


def test_learning_finds_the_minimum():
    work = Bowl()
    progress = train(begin(), work, QUICK)
    np.testing.assert_allclose(progress.learned, work.center, atol=1e-3)
    assert progress.n_epochs == 20
    assert work.seen == list(range(1000))


def test_an_average_is_nearer_than_the_last_weights():
    work, settings = Bowl(noise=1.0), replace(QUICK, schedule="constant", max_iter=40)
    last = work.distance(train(begin(), work, settings).learned)["loss"]
    mean = work.distance(train(begin(), work, replace(settings, memory=0.995)).learned)["loss"]
    assert mean < 0.8 * last


def test_rates_rise_and_then_fall_to_almost_nothing():
    rates = [QUICK.rate(step) for step in range(1000)]
    assert rates[0] < rates[50] < rates[99]
    assert max(rates) == pytest.approx(0.02, rel=0.05)
    assert rates[-1] == pytest.approx(0.01 * 0.02, rel=0.05)
    assert replace(QUICK, schedule="constant").rate(999) == 0.02


def test_interrupted_training_continues_to_the_same_bits():
    whole = train(begin(), Bowl(1.0), QUICK)
    part = train(begin(), Bowl(1.0), QUICK, watch=lambda progress, _: progress.n_epochs == 7)
    assert part.n_epochs == 7
    kept = TrainState(**vars(part))
    same(train(kept, Bowl(1.0), QUICK), whole)


def test_the_given_state_is_not_written_to():
    progress = begin()
    train(progress, Bowl(), QUICK)
    same(progress, begin())


def told_losses(losses):
    """Return a check that tells these losses, and the list of weights that it will have seen."""
    seen, losses = [], iter(losses)

    def check(weights):
        seen.append(weights.copy())
        return {"loss": next(losses)}

    return check, seen


def test_the_best_epoch_is_kept_and_waiting_twice_ends():
    check, seen = told_losses([5.0, 3.0, 4.0, 3.5, 3.2, 3.1, 3.3, 3.4, 1.0])
    settings = replace(QUICK, n_iter_no_change=3)
    progress = train(begin(), Bowl(1.0), settings, check=check)
    assert progress.n_epochs == 8
    assert progress.best_loss == 3.0
    np.testing.assert_array_equal(progress.learned, seen[1])


def test_after_waiting_small_steps_go_on_from_the_best_weights():
    check, seen = told_losses([5.0, 3.0, 4.0, 3.5, 2.0, 1.0, 1.5, 1.5, 0.5])
    settings = replace(QUICK, n_iter_no_change=2, schedule="constant", learning_rate=0.01)
    rates, weights = [], []

    def watch(progress, epoch):
        rates.append(epoch.rate)
        weights.append(progress.weights.copy())
        return False

    progress = train(begin(), Bowl(1.0), settings, check=check, watch=watch)
    np.testing.assert_allclose(rates[1:], [0.01] * 3 + [0.001] * 4)
    assert progress.n_falls == 1
    assert (progress.best_loss, progress.best_epoch) == (1.0, 6)
    # 50 steps, each of which moves a weight by hardly more than its rate.
    assert np.abs(weights[4] - seen[1]).max() < 2 * 50 * 0.001 < np.abs(weights[3] - seen[1]).max()


def test_learning_may_end_the_first_time():
    check, _ = told_losses([5.0, 3.0, 4.0, 3.5, 2.0])
    settings = replace(QUICK, n_iter_no_change=2, continues=False)
    progress = train(begin(), Bowl(1.0), settings, check=check)
    assert (progress.n_epochs, progress.n_falls) == (4, 0)


def test_training_interrupted_around_a_fall_of_rates_continues_to_the_same_bits():
    settings = replace(QUICK, n_iter_no_change=2, max_iter=40, memory=0.9)
    work = Bowl(1.0)
    whole = train(begin(), work, settings, check=work.distance)
    assert whole.n_falls == 1
    for epoch in range(1, whole.n_epochs):
        part = train(
            begin(), work, settings, check=work.distance,
            watch=lambda progress, _, last=epoch: progress.n_epochs == last,
        )  # fmt: skip
        same(train(part, work, settings, check=work.distance), whole)


def test_progress_below_tol_counts_as_none():
    losses = iter(10 - 1e-3 * np.arange(100))
    settings = replace(QUICK, n_iter_no_change=4, tol=1e-2)
    progress = train(begin(), Bowl(), settings, check=lambda weights: {"loss": next(losses)})
    assert progress.n_epochs == 9
    assert progress.best_loss == pytest.approx(10 - 8e-3)


def test_epochs_are_told_with_their_figures():
    told = []
    work = Bowl(0.1)
    train(begin(), work, QUICK, check=work.distance, watch=lambda _, epoch: told.append(epoch))
    assert len(told) == 20
    assert told[-1].objective < told[0].objective
    assert told[0].rate > told[-1].rate
    assert all(epoch.gradient > 0 and epoch.held_out["loss"] >= 0 for epoch in told)


def test_a_step_that_is_no_number_is_rejected():
    work = Bowl(bad=[3, 4, 5, 400])
    progress = train(begin(), work, QUICK)
    assert progress.n_rejected == 4
    np.testing.assert_allclose(progress.learned, work.center, atol=1e-3)


def test_steps_that_are_never_numbers_end_in_an_error_with_the_series():
    with pytest.raises(
        ValueError, match=r"`learning_rate_init`=0.02 must be smaller.*series third"
    ):
        train(begin(), Bowl(bad=range(1000)), QUICK)


def test_batches_of_nothing_change_nothing():
    class Nothing(Bowl):
        def gradient(self, weights, number, out):
            return 0.0, 0.0

    progress = train(begin(), Nothing(), QUICK)
    np.testing.assert_array_equal(progress.learned, 0)
    assert progress.n_rejected == 0
