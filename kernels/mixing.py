"""Two predictions of one target, mixed so that the mixture errs least: what the referee computes.

``y = y0 + share d`` with ``d = y1 - y0``. The loss along d is taken as a parabola: with slope g and curvature h where
the mixture stood, its least value lies at ``share - g / h``. So what would mix best is ``b = mean(h share - g) / mean
h``; for the squared error that is the regression ``mean (y* - y0) d / mean d^2``, whatever the share was.

Errors of a forecast of `delay` steps are alike for about as long, so that the running means hold about ``N = streams
/ (rate (1 + delay))`` that are independent, and chance alone gives b the variance ``v = mean loss / (N mean h)``, with
the loss of the mixture. The share is ``b max(0, 1 - 2 v / b^2)``, within 0 and 1 (after James and Stein 1961): nothing
where the gain could be luck, all of b where it is plain.

All means are running ones; a step in which y0 errs more than three times as much as usual, as after a reset, enters
them with a weight that makes it three times.
"""

import math
from typing import Any

from onlinernn.kernels.dispatch import LOOP, compiled
from onlinernn.kernels.layout import ORIGIN, TICK
from onlinernn.kernels.losses import curvature, loss, output_error
from onlinernn.kernels.passes import dot

#: Entries of the means: of ``h share - g`` and h, of the losses of y0 and of the mixture, all weighted; of the loss of
#: y0 without a weight; and the share itself.
LINEAR, CURVED, ALONE, TOGETHER, USUAL, SHARE, N_MEANS = range(7)

#: Variances by which the square of a share has to differ from 0 to be heard.
DOUBT = 2.0

#: Rows of the ring for a stream in a step.
FIRST, STEP, MIXED, N_ROWS = range(4)


@compiled(**LOOP)
def mix(
    spec: Any,
    tally: Any,
    delay: Any,
    rate: Any,
    ring: Any,
    shares: Any,
    means: Any,
    scratch: Any,
    first: Any,
    second: Any,
    targets: Any,
    predictions: Any,
    losses: Any,
) -> None:
    """Mix the predictions `first` and `second` (T, S, m) of the last T steps, and learn from the `targets` how.

    A target belongs to the step `delay` steps before; NaN teaches nothing. `spec` is the loss, `ring` (H, S, 3, m) and
    `shares` (H,) hold the steps that wait for their target, `scratch` is (2, m).
    """
    steps, streams, m = first.shape
    for t in range(steps):
        tick = tally[TICK] - steps + t
        slot, tagged = tick % ring.shape[0], tick - delay
        shares[slot] = means[SHARE]
        for s in range(streams):
            for o in range(m):
                step = second[t, s, o] - first[t, s, o]
                ring[slot, s, FIRST, o] = first[t, s, o]
                ring[slot, s, STEP, o] = step
                ring[slot, s, MIXED, o] = first[t, s, o] + means[SHARE] * step
                predictions[t, s, o] = ring[slot, s, MIXED, o]
        slot = tagged % ring.shape[0]
        count, linear, curved, alone, together = 0, 0.0, 0.0, 0.0, 0.0
        for s in range(streams):
            losses[t, s] = math.nan
            if tagged >= tally[ORIGIN] and not math.isnan(targets[t, s, 0]):
                y, step, error, target = ring[slot, s, MIXED], ring[slot, s, STEP], scratch[0], scratch[1]
                for o in range(m):
                    target[o] = predictions.dtype.type(targets[t, s, o])  # as the learners take it
                output_error(spec, y, target, error)
                bend = curvature(spec, y, step)
                losses[t, s] = loss(spec, y, target)
                count += 1
                linear += bend * shares[slot] - dot(error, step)
                curved += bend
                alone += loss(spec, ring[slot, s, FIRST], target)
                together += loss(spec, y, target)
        if count > 0 and math.isfinite(linear + curved + alone + together):
            if means[USUAL] == 0.0:
                means[USUAL] = alone / count
            means[USUAL] += rate * (alone / count - means[USUAL])
            weight = min(alone, 3.0 * means[USUAL] * count) / (alone * count) if alone > 0.0 else 1.0 / count
            means[LINEAR] += rate * (weight * linear - means[LINEAR])
            means[CURVED] += rate * (weight * curved - means[CURVED])
            means[ALONE] += rate * (weight * alone - means[ALONE])
            means[TOGETHER] += rate * (weight * together - means[TOGETHER])
            means[SHARE] = sure_share(means, rate * (1 + delay) / streams)


@compiled(**LOOP)
def sure_share(means: Any, alike: Any) -> Any:
    """Return the share that is sure, where the `means` hold ``1 / alike`` errors that are independent."""
    if not (means[CURVED] > 0.0 and means[LINEAR] > 0.0):
        return 0.0
    best = means[LINEAR] / means[CURVED]
    variance = alike * means[TOGETHER] / means[CURVED]
    return min(1.0, best * max(0.0, 1.0 - DOUBT * variance / (best * best)))
