"""Rows of devices: read, written, aged and programmed, one device at a time, each through its chain."""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.choosing import fold
from onlinernn.kernels.dispatch import EXACT, FAST, LOOP, broad, choose, compiled, distinct, open_function
from onlinernn.kernels.effects import (
    I32,
    NONE,
    ONCE,
    Made,
    Some,
    aged,
    all_quiet,
    along,
    as_it_is,
    beginning,
    bites,
    changed,
    deeper,
    hop,
    like,
    needs_age,
    needs_count,
    onward,
    place,
    through,
    through_counting,
    way,
)
from onlinernn.kernels.layout import BOUND_WEIGHT, LOST, WANTED, WRITES
from onlinernn.kernels.room import all_within


@compiled(**LOOP)
def read_rows(
    chain: Any, scale: Any, rows: Any, i: Any, planes: Any, tick: Any, at_a: Any, at_b: Any, a: Any, b: Any
) -> Any:
    """Return the inner products of row `i` of an array of devices, as two copies read it, with `a` and `b`."""
    zero = rows.dtype.type(0)
    unit, per_unit, now = like(zero, scale), like(zero, 1.0 / scale), like(zero, tick)
    total_a, total_b, age, written = zero, zero, zero, zero
    last = planes.shape[0] - rows.shape[0] + i  # the last plane tells when, the first one how often
    for j in range(rows.shape[1]):
        if needs_age(chain):
            written = planes[last, j]
            age = now - written
        state = rows[i, j] * per_unit
        total_a += through(chain, state, along(at_a, hop(at_a, j), age, written, state)) * a[j]
        total_b += through(chain, state, along(at_b, hop(at_b, j), age, written, state)) * b[j]
    return unit * total_a, unit * total_b


@compiled(**LOOP)
def add_row(chain: Any, scale: Any, rows: Any, i: Any, planes: Any, tick: Any, at: Any, factor: Any, out: Any) -> None:
    """Add row `i` of an array of devices, as one copy reads it, times `factor` to `out`."""
    zero = rows.dtype.type(0)
    unit, per_unit, now = like(zero, scale) * factor, like(zero, 1.0 / scale), like(zero, tick)
    age, written, last = zero, zero, planes.shape[0] - rows.shape[0] + i
    for j in range(out.size):
        if needs_age(chain):
            written = planes[last, j]
            age = now - written
        state = rows[i, j] * per_unit
        out[j] += unit * through(chain, state, along(at, hop(at, j), age, written, state))


class Devices(NamedTuple):
    """An array of devices in a step."""

    write: Any  # chain
    read: Any  # chain
    scale: Any  # weight per unit of the state
    planes: Any  # (planes rows, columns) what the devices remember
    rows: Any  # how many the array has
    tick: Any  # number of the step
    writing: Any  # Keys of the array as it is written
    reading: Any  # Keys of it as each of two copies reads it


class Every(NamedTuple):
    """A change of all devices of a row, which takes none of them to a limit (``room.py``)."""


@open_function()
def concerns(change: Any, wanted: Any) -> Any:
    """Return whether a device of which so much is `wanted` is written."""


@concerns.register(Every)
def _every(change: Any, wanted: Any) -> Any:
    return True


@concerns.register(Some)
@concerns.register(Made)
def _some(change: Any, wanted: Any) -> Any:
    return wanted != like(wanted, 0.0)


@open_function()
def settled(change: Any, chain: Any, x: Any, here: Any) -> Any:
    """Return what a `chain` makes of the state `x` at the place `here`, and whether that reaches a limit."""


@settled.register(Every)
def _settled_within(change: Any, chain: Any, x: Any, here: Any) -> Any:
    return all_within(chain, x, here), False


@settled.register(Some)
@settled.register(Made)
def _settled(change: Any, chain: Any, x: Any, here: Any) -> Any:
    return through_counting(chain, (x, False), here)


@open_function(default=True)
def added(change: Any, chain: Any, x: Any, here: Any) -> Any:
    """Return what a `chain` adds to the state of a device that is to change by `x` at the place `here`."""
    return changed(chain, x, here)


@added.register(Made)
def _made(change: Any, chain: Any, x: Any, here: Any) -> Any:
    return x


@compiled(**FAST)
def written(change: Any, chain: Any, state: Any, share: Any, wanted: Any, here: Any) -> Any:
    """Return the state of a device that is to change by ``share wanted``, and whether that reaches a limit.

    A device that a `change` does not concern stays as it is.
    """
    asked = concerns(change, wanted)
    new, limited = settled(change, chain, state + added(change, chain, share * wanted, here), here)
    return choose(asked, new, state), asked & limited


@compiled(**LOOP)
def multiply_row(row: Any, factor: Any) -> None:
    """``row *= factor``."""
    for j in range(row.size):
        row[j] *= factor


@compiled(**LOOP)
def how_many(row: Any) -> Any:
    """Return how many numbers of a row are not 0."""
    idle = NONE
    for j in range(row.size):
        idle = I32(idle + choose(row[j] == 0, ONCE, NONE))
    return row.size - idle // ONCE


@compiled(**FAST)
def write_two_rows(
    change: Any,
    of: Any,
    numbers: Any,
    w: Any,
    v: Any,
    shares: Any,
    wanted_w: Any,
    wanted_v: Any,
    asked: Any,
    a: Any,
    b: Any,
    tally: Any,
) -> Any:
    """Add to two rows of an array what is `wanted`, as far as the devices do so, and count; read both for two copies.

    `numbers` are those of the rows `w` and `v`, whose states change by `shares`, which are not 0, of what is wanted;
    that `change` concerns :class:`Every` device of them or :class:`Some`, as many as are `asked`. Returned are the
    products of `w` with the activities `a` and `b`, then those of `v`. Every device crosses memory once, and two rows
    share what both need.
    """
    distinct()
    chain, read, planes = of.write, of.read, of.planes
    zero, one = like(w[0], 0.0), like(w[0], 1.0)
    unit, now = like(zero, of.scale), like(zero, of.tick)
    i, k = numbers
    if of.scale != 1.0:  # rather than in the loop, where most arrays need none of it
        multiply_row(w, like(zero, 1.0 / of.scale))
        multiply_row(v, like(zero, 1.0 / of.scale))
    last, other_last = planes.shape[0] - of.rows + i, planes.shape[0] - of.rows + k
    start, other_start = beginning(of.writing, i, zero), beginning(of.writing, k, zero)
    at_a, at_b = beginning(of.reading[0], i, zero), beginning(of.reading[1], i, zero)
    other_a, other_b = beginning(of.reading[0], k, zero), beginning(of.reading[1], k, zero)
    still, free = NONE, NONE  # of what is rare the rest is counted: see ONCE
    other_still, other_free = NONE, NONE  # one sum for both rows takes twice the operations
    w_a, w_b, v_a, v_b = zero, zero, zero, zero
    since, other_since = zero, zero
    far, far_a, far_b = hop(start, 0), hop(at_a, 0), hop(at_b, 0)
    other_far, other_far_a, other_far_b = hop(other_start, 0), hop(other_a, 0), hop(other_b, 0)
    for j in range(w.size):
        state, other = w[j], v[j]
        new, limited = written(change, chain, state, shares[0], wanted_w[j], along(start, far, zero, zero, state))
        other_new, other_limited = written(
            change, chain, other, shares[1], wanted_v[j], along(other_start, other_far, zero, zero, other)
        )
        w[j], v[j] = new, other_new
        still = I32(still + choose(new == state, ONCE, NONE))
        other_still = I32(other_still + choose(other_new == other, ONCE, NONE))
        free = I32(free + choose(limited, NONE, ONCE))
        other_free = I32(other_free + choose(other_limited, NONE, ONCE))
        if needs_count(chain):
            planes[i, j] += choose(new == state, zero, one)
            planes[k, j] += choose(other_new == other, zero, one)
        if needs_age(read):
            planes[last, j] = choose(new == state, planes[last, j], now)
            planes[other_last, j] = choose(other_new == other, planes[other_last, j], now)
            since, other_since = planes[last, j], planes[other_last, j]
        w_a += through(read, new, along(at_a, far_a, now - since, since, new)) * a[j]
        w_b += through(read, new, along(at_b, far_b, now - since, since, new)) * b[j]
        v_a += through(read, other_new, along(other_a, other_far_a, now - other_since, other_since, other_new)) * a[j]
        v_b += through(read, other_new, along(other_b, other_far_b, now - other_since, other_since, other_new)) * b[j]
        far, other_far = onward(start, far), onward(other_start, other_far)
        far_a, far_b = onward(at_a, far_a), onward(at_b, far_b)
        other_far_a, other_far_b = onward(other_a, other_far_a), onward(other_b, other_far_b)
    if of.scale != 1.0:
        multiply_row(w, unit)
        multiply_row(v, unit)
    both = 2 * w.size
    made = both - (still + other_still) // ONCE
    tally[WANTED] += asked
    tally[LOST] += asked - made
    tally[WRITES] += made
    tally[BOUND_WEIGHT] += both - (free + other_free) // ONCE
    return unit * w_a, unit * w_b, unit * v_a, unit * v_b


_way = fold(way, as_it_is)


@open_function(default=True)
def made(change: Any, of: Any, number: Any, row: Any, share: Any, wanted: Any, out: Any) -> Any:
    """Return what is `wanted` of the devices of a `row`, and the `share` of that by which they change.

    `number` is that of the row in the array `of` devices; where the chain is gone through first (:class:`Made`), what
    it makes of the change is in `out`.
    """
    return wanted, share


@made.register(Made)
def _find_made(change: Any, of: Any, number: Any, row: Any, share: Any, wanted: Any, out: Any) -> Any:
    find_made(of, number, row, share, wanted, out)
    return out, like(share, 1.0)


@compiled(**LOOP)
def find_made(of: Any, number: Any, row: Any, share: Any, wanted: Any, out: Any) -> None:
    """Write what the chain makes of the change ``share wanted`` of a `row` to `out`: see :class:`Made`."""
    broad()
    zero = like(row[0], 0.0)
    per_unit = like(zero, 1.0 / of.scale)
    start = beginning(of.writing, number, zero)
    far = hop(start, 0)
    for j in range(row.size):
        state, x = row[j] * per_unit, share * wanted[j]
        nothing = all_quiet(of.write, (x, x == zero), along(start, far, zero, zero, state))[1]
        out[j] = choose(nothing, zero, x)
        far = onward(start, far)
    for j in range(row.size):
        if out[j] != zero:
            state = row[j] * per_unit
            out[j] = changed(of.write, out[j], along(start, hop(start, j), zero, zero, state))


@compiled(**LOOP)
def write_some(
    of: Any,
    numbers: Any,
    w: Any,
    v: Any,
    shares: Any,
    wanted_w: Any,
    wanted_v: Any,
    made_w: Any,
    made_v: Any,
    asked: Any,
    a: Any,
    b: Any,
    tally: Any,
) -> Any:
    """:func:`write_two_rows` for any change: one copy of it serves all callers.

    `made_w` and `made_v` are for what a chain makes of the changes, where that is found first; each may be what is
    wanted.
    """
    broad()
    change = _way(of.write, Some(), 0)
    wanted_w, share = made(change, of, numbers[0], w, shares[0], wanted_w, made_w)
    wanted_v, other = made(change, of, numbers[1], v, shares[1], wanted_v, made_v)
    return write_two_rows(change, of, numbers, w, v, (share, other), wanted_w, wanted_v, asked, a, b, tally)


@compiled(**LOOP)
def write_row(of: Any, rows: Any, i: Any, wanted: Any, tally: Any) -> None:
    """Add row 0 of `wanted` to row `i` of an array of devices; the last row of `wanted` holds zeros."""
    share, nobody = like(rows[i, 0], 1.0 / of.scale), wanted[wanted.shape[0] - 1]
    change, asked = wanted[0], how_many(wanted[0])
    some = (change, nobody, change, nobody)
    write_some(of, (i, i), rows[i], nobody, (share, share), *some, asked, change, change, tally)


@compiled(**LOOP)
def program(chain: Any, scale: Any, rows: Any, seed: Any, domain: Any) -> None:
    """Set an array of devices to its own states, as exactly as these can be held."""
    zero = rows.dtype.type(0)
    unit, per_unit = like(zero, scale), like(zero, 1.0 / scale)
    for i in range(rows.shape[0]):
        start = place(seed, 0, 0, 0, 0, domain, i, zero)
        for j in range(rows.shape[1]):
            state = rows[i, j] * per_unit
            rows[i, j] = unit * through(chain, state, along(start, hop(start, j), zero, zero, state))


@compiled(**EXACT)
def _beside_limit(spec: Any, both: Any, here: Any) -> Any:
    """Tell, in the second of a pair, whether the next larger or the next smaller state is beyond a limit."""
    state = both[0]
    up, down = np.nextafter(state, like(state, math.inf)), np.nextafter(state, like(state, -math.inf))
    return state, both[1] | bites(spec, up, here) | bites(spec, down, here)


_all_beside_limit = fold(_beside_limit, deeper)


@compiled(**LOOP)
def count_at_limit(chain: Any, scale: Any, rows: Any, seed: Any, domain: Any) -> int:
    """Return how many of an array of devices stand at a limit, so that they can move one way only."""
    zero = rows.dtype.type(0)
    per_unit, found = like(zero, 1.0 / scale), 0
    for i in range(rows.shape[0]):
        start = place(seed, 0, 0, 0, 0, domain, i, zero)
        for j in range(rows.shape[1]):
            state = rows[i, j] * per_unit
            here = along(start, hop(start, j), zero, zero, state)
            found += _all_beside_limit(chain, (state, False), here)[1]
    return found


@compiled(**LOOP)
def age(chain: Any, scale: Any, rows: Any, i: Any, start: Any) -> None:
    """Let one step of time pass for row `i` of an array of devices."""
    zero = rows.dtype.type(0)
    unit, per_unit = like(zero, scale), like(zero, 1.0 / scale)
    for j in range(rows.shape[1]):
        state = rows[i, j] * per_unit
        rows[i, j] = unit * aged(chain, state, along(start, hop(start, j), zero, zero, state))
