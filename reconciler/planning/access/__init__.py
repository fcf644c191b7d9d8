"""The effective change: who gains and loses access by the steps of a plan, reckoned from what the directory holds."""

from reconciler.planning.access.effects import effect_of, effect_on

__all__ = ["effect_of", "effect_on"]
