"""The noise of weights: a fresh number for every synapse, step and noisy copy, from a table, at the cost of a load.

A hash for each weight, once in the pass and once in the update, would take ten times as long as the rest of a step.
So the draws come from a table that is filled once, as in evolution strategies (Salimans et al. 2017,
arXiv:1703.03864): row i of a matrix takes the table from a place of its own on, and each number is turned by a sign of
its row and a sign of its column, all three hashed anew for every step and copy::

    xi_ij = sigma f_i g_j table[o_i + j]

The signs make any two numbers exactly uncorrelated, within a step and between steps; the table is scaled to a mean
square of exactly 1. So the mean update is that of independent draws. Two numbers may have the same size.
"""

import math
from typing import Any

import numpy as np

from onlinernn.kernels import noise
from onlinernn.kernels.dispatch import EXACT, LOOP, compiled, distinct, where_implemented
from onlinernn.kernels.noise import draw
from onlinernn.kernels.rules import synapse_sigma

U64 = np.uint64

#: The key of the table, the same for every seed.
TABLE = 0x7461626C65


@compiled(**LOOP)
def ready(rule: Any, work: Any) -> Any:
    """Fill the table unless that is done (its last entry tells), and return the number of draws in it.

    After the draws they begin again, so that a row may begin anywhere.
    """
    table = work.table
    last = table.shape[1] - 1
    draws = last - work.signs.shape[1]
    if table[0, last] == 0:
        real = table.dtype.type
        place, power = noise.mix(U64(TABLE)), 0.0
        for p in range(draws):
            x = np.float64(draw(rule.noise, noise.mix(place)))
            place = noise.following(place)
            table[0, p] = real(x)
            power += x * x
        scale = real(math.sqrt(draws / power))
        for p in range(draws):
            table[0, p] *= scale
        for p in range(draws, last):
            table[0, p] = table[0, p - draws]
        table[0, last] = 1
    return draws


@compiled(**EXACT)
def beginning(bits: Any, draws: Any) -> Any:
    """Return where in the table the row begins that has these 64 random `bits`."""
    return np.int64(bits & U64(draws - 1))


@compiled(**EXACT)
def sign(bits: Any) -> Any:
    """Return the sign of that row."""
    return np.float64(np.int32(bits >> U64(63)) * np.int32(2) - np.int32(1))


@compiled(**LOOP)
def put_signs(base: Any, x: Any, signs: Any) -> None:
    """Write `x`, each entry with the sign of its column in the matrix with key `base`."""
    distinct()
    place = noise.mix(base)
    for j in range(x.size):
        signs[j] = x[j] if noise.mix(place) >> U64(63) else -x[j]
        place = noise.following(place)


@compiled(**LOOP)
def put_plain_signs(base: Any, columns: Any, signs: Any) -> None:
    """Write the sign of each column of the matrix with key `base`."""
    one = signs.dtype.type(1)
    place = noise.mix(base)
    for j in range(columns):
        signs[j] = one if noise.mix(place) >> U64(63) else -one
        place = noise.following(place)


@compiled(**LOOP)
def add_rows(rows: Any, lo: Any, base: Any, scale: Any, keep: Any, table: Any, signs: Any, draws: Any) -> None:
    """``rows_i <- keep rows_i + scale xi_{lo + i}``, with the noise at sigma = 1."""
    distinct()
    real = rows.dtype.type
    count, n = rows.shape
    for i in range(0, count - 1, 2):
        bits, more = noise.site(base, lo + i), noise.site(base, lo + i + 1)
        one, other = table[0, beginning(bits, draws) :], table[0, beginning(more, draws) :]
        c, d = real(scale * sign(bits)), real(scale * sign(more))
        for j in range(n):
            rows[i, j] = keep * rows[i, j] + c * (one[j] * signs[j])
            rows[i + 1, j] = keep * rows[i + 1, j] + d * (other[j] * signs[j])
    if count % 2 == 1:
        bits = noise.site(base, lo + count - 1)
        one, c = table[0, beginning(bits, draws) :], real(scale * sign(bits))
        for j in range(n):
            rows[count - 1, j] = keep * rows[count - 1, j] + c * (one[j] * signs[j])


@compiled(**LOOP)
def add_rows_and_multiply(
    rows: Any,
    lo: Any,
    base: Any,
    scale: Any,
    table: Any,
    signs: Any,
    draws: Any,
    a: Any,
    b: Any,
    out_a: Any,
    out_b: Any,
) -> None:
    """``rows_i += scale xi_{lo + i}``, and the new rows times `a` and `b`, in one pass."""
    distinct()
    real = rows.dtype.type
    zero = real(0)
    count, n = rows.shape
    for i in range(0, count, 2):
        k = min(i + 1, count - 1)
        bits, more = noise.site(base, lo + i), noise.site(base, lo + k)
        one, other = table[0, beginning(bits, draws) :], table[0, beginning(more, draws) :]
        c, d = real(scale * sign(bits)), real(scale * sign(more)) if k > i else zero
        first_a, first_b, second_a, second_b = zero, zero, zero, zero
        for j in range(n):
            w = rows[i, j] + c * (one[j] * signs[j])
            rows[i, j] = w
            v = rows[k, j] + d * (other[j] * signs[j])
            rows[k, j] = v
            first_a += w * a[j]
            first_b += w * b[j]
            second_a += v * a[j]
            second_b += v * b[j]
        out_a[lo + i], out_b[lo + i] = first_a, first_b
        out_a[lo + k], out_b[lo + k] = second_a, second_b


@compiled(**LOOP)
def add_product(base: Any, scale: Any, table: Any, x: Any, signs: Any, draws: Any, out: Any) -> None:
    """``out += scale xi x``; `signs` is scratch."""
    distinct()
    put_signs(base, x, signs)
    real = out.dtype.type
    for i in range(0, out.size, 2):
        k = min(i + 1, out.size - 1)
        bits, more = noise.site(base, i), noise.site(base, k)
        one, other = table[0, beginning(bits, draws) :], table[0, beginning(more, draws) :]
        first, second = real(0), real(0)
        for j in range(x.size):
            first += one[j] * signs[j]
            second += other[j] * signs[j]
        out[i] += real(scale * sign(bits)) * first
        if k > i:
            out[k] += real(scale * sign(more)) * second


@compiled(**LOOP)
def add_product_transposed(base: Any, scale: Any, table: Any, x: Any, signs: Any, draws: Any, out: Any) -> None:
    """``out += scale xi^T x``; `signs` is scratch."""
    distinct()
    put_plain_signs(base, out.size, signs)
    for i in range(x.size):
        bits = noise.site(base, i)
        part, c = table[0, beginning(bits, draws) :], out.dtype.type(scale * sign(bits)) * x[i]
        for j in range(out.size):
            out[j] += c * (part[j] * signs[j])


def _no_product(rule: Any, base: Any, x: Any, work: Any, lane: Any, out: Any) -> None:
    pass


@where_implemented(synapse_sigma, otherwise=_no_product)
def add_noise_times(rule: Any, base: Any, x: Any, work: Any, lane: Any, out: Any) -> None:
    """Add to `out` what the noise of each weight of the matrix with key `base` adds to the matrix times `x`."""
    signs = work.signs[lane]
    add_product(base, synapse_sigma(rule), work.table, x, signs, ready(rule, work), out)


@where_implemented(synapse_sigma, otherwise=_no_product)
def add_noise_transposed_times(rule: Any, base: Any, x: Any, work: Any, lane: Any, out: Any) -> None:
    """:func:`add_noise_times` for the transposed matrix."""
    signs = work.signs[lane]
    add_product_transposed(base, synapse_sigma(rule), work.table, x, signs, ready(rule, work), out)


def _no_signs(rule: Any, seed: Any, tick: Any, domain: Any, columns: Any, work: Any) -> None:
    pass


@where_implemented(synapse_sigma, otherwise=_no_signs)
def find_signs(rule: Any, seed: Any, tick: Any, domain: Any, columns: Any, work: Any) -> None:
    """Write the signs of the columns of a matrix, for each noisy copy, as :func:`learn_noise` needs them."""
    ready(rule, work)
    replicas = work.gain.shape[1]
    for lane in range(work.signs.shape[0]):
        put_plain_signs(noise.key(seed, tick, lane // replicas, lane % replicas + 1, domain), columns, work.signs[lane])


@compiled(**LOOP)
def learn_noise(rule: Any, rows: Any, lo: Any, gains: Any, seed: Any, tick: Any, domain: Any, work: Any) -> None:
    """``rows_i -= sum_{s,k} gain_{s,k} xi_{lo + i}``, from what step `tick` has taught."""
    replicas = gains.shape[1]
    one = rows.dtype.type(1)
    draws = ready(rule, work)
    for lane in range(work.signs.shape[0]):
        g = np.float64(gains[lane // replicas, lane % replicas])
        if g != 0.0:
            base = noise.key(seed, tick, lane // replicas, lane % replicas + 1, domain)
            add_rows(rows, lo, base, -g * synapse_sigma(rule), one, work.table, work.signs[lane], draws)
