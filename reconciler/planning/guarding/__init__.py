"""Guards: checks over the whole plan before its first write."""

from reconciler.planning.guarding.afterwards import forbidden_by_now
from reconciler.planning.guarding.allowing import LIFTABLE, Liftable, recorded
from reconciler.planning.guarding.judging import judge
from reconciler.planning.guarding.limits import most
from reconciler.planning.guarding.minimums import with_minimums
from reconciler.planning.guarding.privilege import with_privileged

__all__ = ["LIFTABLE", "Liftable", "forbidden_by_now", "judge", "most", "recorded", "with_minimums", "with_privileged"]
