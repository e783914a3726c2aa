"""How far the devices of R are from their limits: as long as no write can take one there, none is looked for.

To clip each device and to see whether that was needed is a fifth of the work on it. What a step can move a device by at
most is known before it, so that a lower bound of the distance from all limits lasts for many steps.
"""

import math
from typing import Any

from onlinernn.kernels.choosing import fold
from onlinernn.kernels.dispatch import EXACT, LOOP, compiled, open_function, where_implemented
from onlinernn.kernels.effects import as_it_is, bites, deeper, effect, like
from onlinernn.kernels.layout import ROOM, TICK

#: Steps after which room is sought again where there was none.
_PATIENCE = 32

#: What the tally counts room in, and the most that it can hold.
_UNIT, _MOST = 2.0**40, 2.0**20


@open_function(default=True)
def reach(spec: Any) -> Any:
    """Return by how much at most an effect moves a state that reaches no limit; what is not known is infinite."""
    return math.inf


@open_function(default=True)
def within(spec: Any, x: Any, here: Any) -> Any:
    """Return what :func:`effect` makes of a value `x` at the place `here` that is known to reach no limit."""
    return effect(spec, x, here)


def _endless(spec: Any, x: Any) -> Any:
    return like(x, math.inf)


@where_implemented(bites, otherwise=_endless)
def _unknown(spec: Any, x: Any) -> Any:
    return like(x, 0.0)


@open_function(default=True)
def room(spec: Any, x: Any) -> Any:
    """Return how far `x` is from the limits of an effect; 0 where it has limits, and does not tell."""
    return _unknown(spec, x)


@compiled(**EXACT)
def _added_reach(spec: Any, so_far: Any, nowhere: Any) -> Any:
    return so_far + reach(spec)


@compiled(**EXACT)
def _least_room(spec: Any, so_far: Any, x: Any) -> Any:
    return min(so_far, room(spec, x))


all_within = fold(within, deeper)
_all_reach = fold(_added_reach, as_it_is)
_all_room = fold(_least_room, as_it_is)


@compiled(**LOOP)
def _square(row: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        total += row[j] * row[j]
    return total


@compiled(**LOOP)
def _find_room(chain: Any, scale: Any, rows: Any, least: Any) -> Any:
    """Return how far the devices of an array are from their limits; `least` is scratch, one number for each column."""
    zero = rows.dtype.type(0)
    per_unit = like(zero, 1.0 / scale)
    for j in range(least.size):
        least[j] = math.inf
    for i in range(rows.shape[0]):
        for j in range(least.size):  # column by column, as LLVM makes no vectors of a minimum over a row
            distance = _all_room(chain, least[j], rows[i, j] * per_unit)
            least[j] = distance
    found = like(zero, math.inf)
    for j in range(least.size):
        found = min(found, least[j])
    return found


@compiled(**LOOP)
def has_room(chain: Any, scale: Any, rows: Any, signal: Any, pre: Any, least: Any, tally: Any) -> Any:
    """Return whether no device reaches a limit when ``signal pre^T`` is added to an array, and keep account of it.

    No entry of that is larger than the product of both norms; a sum of floating-point numbers moves by at most twice
    what is added. The account is in the tally, for the last bits of a drive may differ with and without limits, and a
    learner that is saved has to go on with the same bits. `least` is scratch, one number for each column.
    """
    zero = rows.dtype.type(0)
    if _all_room(chain, like(zero, math.inf), zero) == math.inf:
        return True
    left = tally[ROOM] / _UNIT
    moved = 2.0 / scale * math.sqrt(_square(signal)) * math.sqrt(_square(pre)) + _all_reach(chain, 0.0, 0)
    if not moved < left and (tally[ROOM] > 0 or tally[TICK] % _PATIENCE == 0):
        left = min(_MOST, float(_find_room(chain, scale, rows, least)))
    enough = moved < left
    tally[ROOM] = int((left - moved) * _UNIT) if enough else 0
    return enough
