"""When what is fresh still is worth refreshing: the nearer its end, the surer. Decides; fetches nothing.

Probabilistic early expiration (Vattani, Chierichetti, Lowenstein: "Optimal Probabilistic Cache Stampede Prevention",
2015): each look draws a moment before the end, spread by how long a fetch takes; past it, the refresh is due. So one
of many lookers begins it, about as long before the end as it takes, without anybody being told.
"""

import math
from typing import Final

from proxy.policy.freshness import freshness_left
from proxy.policy.messages import StoredResponse

LONGEST_DRAW: Final = 10.0
"""Times the fetch's cost: a draw beyond it has a chance of less than one in twenty thousand."""
MOST_OF_LIFETIME: Final = 0.25
"""What takes longer to fetch than it lives is not refreshed all the time."""


def early_window(stored: StoredResponse) -> float:
    """Seconds before the end of its freshness within which a refresh may be due; 0 for what is not refreshed early."""
    if stored.negative or stored.always_validate:
        return 0.0
    return min(stored.cost * LONGEST_DRAW, stored.freshness_lifetime * MOST_OF_LIFETIME)


def is_refresh_due(stored: StoredResponse, now: float, draw: float) -> bool:
    """Whether this look begins a refresh. ``draw``: evenly from 0 (included) to 1 (not)."""
    left = freshness_left(stored, now)
    return 0.0 < left <= min(early_window(stored), -math.log(1.0 - draw) * stored.cost)
