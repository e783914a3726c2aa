"""Rows of devices: read, written, aged and programmed, one device at a time, each through its chain."""

from typing import Any

from onlinernn.kernels.dispatch import FAST, LOOP, broad, choose, compiled, distinct
from onlinernn.kernels.effects import (
    I32,
    NONE,
    ONCE,
    aged,
    along,
    beginning,
    changed,
    hop,
    like,
    needs_age,
    needs_count,
    onward,
    place,
    through,
    through_counting,
)
from onlinernn.kernels.layout import BOUND_WEIGHT, LOST, WANTED, WRITES


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
        if needs_age(chain, False, 0):
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
        if needs_age(chain, False, 0):
            written = planes[last, j]
            age = now - written
        state = rows[i, j] * per_unit
        out[j] += unit * through(chain, state, along(at, hop(at, j), age, written, state))


@compiled(**FAST)
def written(chain: Any, state: Any, share: Any, wanted: Any, here: Any) -> Any:
    """Return the state of a device that is to change by ``share wanted``, and whether that reaches a limit.

    A device of which nothing is wanted stays as it is.
    """
    asked = wanted != like(state, 0.0)
    new, limited = through_counting(chain, (state + changed(chain, share * wanted, here), False), here)
    return choose(asked, new, state), asked & limited


@compiled(**LOOP)
def write_two_rows(
    chain: Any,
    read: Any,
    scale: Any,
    w: Any,
    v: Any,
    shares: Any,
    wanted_w: Any,
    wanted_v: Any,
    planes: Any,
    numbers: Any,
    tick: Any,
    writing: Any,
    reading: Any,
    a: Any,
    b: Any,
    tally: Any,
) -> Any:
    """Add to two rows of an array what is `wanted`, as far as the devices do so, and count; read both for two copies.

    The states change by `shares`, which are not 0, of what is wanted. `numbers` are those of both rows, and of all;
    `writing` are the keys of the array as it is written, `reading` as each of both copies reads it. Returned are the
    products of `w` with the activities `a` and `b`, then those of `v`. Every device crosses memory once, and two rows
    share what both need.
    """
    broad()
    distinct()
    zero, one = like(w[0], 0.0), like(w[0], 1.0)
    unit, per_unit, now = like(zero, scale), like(zero, 1.0 / scale), like(zero, tick)
    i, k, count = numbers
    last, other_last = planes.shape[0] - count + i, planes.shape[0] - count + k
    start, other_start = beginning(writing, i, zero), beginning(writing, k, zero)
    at_a, at_b = beginning(reading[0], i, zero), beginning(reading[1], i, zero)
    other_a, other_b = beginning(reading[0], k, zero), beginning(reading[1], k, zero)
    idle, still, free = NONE, NONE, NONE  # of what is rare the rest is counted: see ONCE
    other_idle, other_still, other_free = NONE, NONE, NONE  # one sum for both rows takes twice the operations
    w_a, w_b, v_a, v_b = zero, zero, zero, zero
    since, other_since = zero, zero
    far, far_a, far_b = hop(start, 0), hop(at_a, 0), hop(at_b, 0)
    other_far, other_far_a, other_far_b = hop(other_start, 0), hop(other_a, 0), hop(other_b, 0)
    for j in range(w.size):
        state, other = w[j] * per_unit, v[j] * per_unit
        new, limited = written(chain, state, shares[0], wanted_w[j], along(start, far, zero, zero, state))
        other_new, other_limited = written(
            chain, other, shares[1], wanted_v[j], along(other_start, other_far, zero, zero, other)
        )
        w[j], v[j] = new * unit, other_new * unit
        idle = I32(idle + choose(wanted_w[j] != zero, NONE, ONCE))
        other_idle = I32(other_idle + choose(wanted_v[j] != zero, NONE, ONCE))
        still = I32(still + choose(new != state, NONE, ONCE))
        other_still = I32(other_still + choose(other_new != other, NONE, ONCE))
        free = I32(free + choose(limited, NONE, ONCE))
        other_free = I32(other_free + choose(other_limited, NONE, ONCE))
        if needs_count(chain, False, 0):
            planes[i, j] += choose(new != state, one, zero)
            planes[k, j] += choose(other_new != other, one, zero)
        if needs_age(read, False, 0):
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
    both = 2 * w.size
    tally[WANTED] += both - (idle + other_idle) // ONCE
    tally[LOST] += (still + other_still - idle - other_idle) // ONCE
    tally[WRITES] += both - (still + other_still) // ONCE
    tally[BOUND_WEIGHT] += both - (free + other_free) // ONCE
    return unit * w_a, unit * w_b, unit * v_a, unit * v_b


@compiled(**LOOP)
def write_row(
    chain: Any,
    read: Any,
    scale: Any,
    rows: Any,
    i: Any,
    wanted: Any,
    planes: Any,
    tick: Any,
    writing: Any,
    tally: Any,
) -> None:
    """Add row 0 of `wanted` to row `i` of an array of devices; the last row of `wanted` holds zeros."""
    per_unit, nobody = like(rows[i, 0], 1.0 / scale), wanted[wanted.shape[0] - 1]
    write_two_rows(
        chain,
        read,
        scale,
        rows[i],
        nobody,
        (per_unit, per_unit),
        wanted[0],
        nobody,
        planes,
        (i, i, rows.shape[0]),
        tick,
        writing,
        (writing, writing),
        wanted[0],
        wanted[0],
        tally,
    )


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


@compiled(**LOOP)
def age(chain: Any, scale: Any, rows: Any, i: Any, start: Any) -> None:
    """Let one step of time pass for row `i` of an array of devices."""
    zero = rows.dtype.type(0)
    unit, per_unit = like(zero, scale), like(zero, 1.0 / scale)
    for j in range(rows.shape[1]):
        state = rows[i, j] * per_unit
        rows[i, j] = unit * aged(chain, state, along(start, hop(start, j), zero, zero, state))
