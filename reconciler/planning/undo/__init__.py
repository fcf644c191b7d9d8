"""A run taken back: an ordinary plan that returns what the run touched to what it was, where it still is as left."""

from reconciler.planning.undo.past import PastRun, PastStep
from reconciler.planning.undo.planner import plan_undo

__all__ = ["PastRun", "PastStep", "plan_undo"]
