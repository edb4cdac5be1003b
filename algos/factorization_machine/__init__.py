"""Factorization machines: sampled, solved or learned by steps."""

from algos.factorization_machine.classifier import FactorizationMachineClassifier
from algos.factorization_machine.regressor import FactorizationMachineRegressor

__all__ = ["FactorizationMachineClassifier", "FactorizationMachineRegressor"]
