"""DeepAR: probabilistic forecasts of many related series, by a recurrent network."""

from algos.deepar.estimator import DeepARForecaster

__all__ = ["DeepARForecaster"]
