"""DeepAR: probabilistic forecasts of many related series, by a recurrent network."""

from algos.deepar.estimator import DeepARForecaster
from algos.deepar.frames import PanelFrame, panel_from_long, panel_from_wide
from algos.deepar.json_lines import panel_from_json_lines

__all__ = [
    "DeepARForecaster",
    "PanelFrame",
    "panel_from_json_lines",
    "panel_from_long",
    "panel_from_wide",
]
