"""The loss of one step, its slope at the outputs, and the difference of two losses without cancellation."""

import math
from typing import Any, NamedTuple

from onlinernn.kernels.dispatch import open_function


class SquaredError(NamedTuple):
    """The paper's loss, ``l_t = sum_k (y_k - y*_k)^2``: a sum over the outputs, per sample."""


class SoftmaxCrossEntropy(NamedTuple):
    """Cross-entropy of the softmax of the outputs, ``l_t = -sum_k y*_k log softmax(y)_k``.

    The outputs (and the predictions) are the logits; a target is a distribution over the outputs, for example a
    one-hot vector.
    """


@open_function()
def loss(spec: Any, y: Any, target: Any) -> Any:
    """Return the loss of the outputs `y` (m,) against `target` (m,)."""


@open_function()
def loss_difference(spec: Any, y: Any, y_noisy: Any, target: Any) -> Any:
    """Return the loss of `y_noisy` minus that of `y` against `target`, without subtracting two nearly equal numbers."""


@open_function()
def output_error(spec: Any, y: Any, target: Any, error: Any) -> None:
    """Write the output `error` (m,) of `y` against `target`: how each output makes the loss grow.

    ``y - y*`` for the squared error (half its slope), ``softmax(y) - y*`` for the cross-entropy.
    """


@open_function()
def curvature(spec: Any, y: Any, step: Any) -> Any:
    """Return how fast the :func:`output_error` along `step` (m,) grows where the outputs `y` (m,) move along it.

    ``|step|^2`` for the squared error, the variance of the step under softmax(y) for the cross-entropy.
    """


@loss.register(SquaredError)
def _squared_error(spec: Any, y: Any, target: Any) -> Any:
    total = y.dtype.type(0)
    for k in range(y.size):
        error = y[k] - target[k]
        total += error * error
    return total


@loss_difference.register(SquaredError)
def _squared_error_difference(spec: Any, y: Any, y_noisy: Any, target: Any) -> Any:
    total = y.dtype.type(0)
    for k in range(y.size):
        total += (y_noisy[k] - y[k]) * ((y_noisy[k] - target[k]) + (y[k] - target[k]))
    return total


@output_error.register(SquaredError)
def _squared_error_error(spec: Any, y: Any, target: Any, error: Any) -> None:
    for k in range(y.size):
        error[k] = y[k] - target[k]


@loss.register(SoftmaxCrossEntropy)
def _cross_entropy(spec: Any, y: Any, target: Any) -> Any:
    top = y[0]
    for k in range(y.size):
        top = max(top, y[k])
    normaliser, mass, linear = y.dtype.type(0), y.dtype.type(0), y.dtype.type(0)
    for k in range(y.size):
        normaliser += y.dtype.type(math.exp(y[k] - top))
        mass += target[k]
        linear += target[k] * (y[k] - top)
    return mass * y.dtype.type(math.log(normaliser)) - linear


@loss_difference.register(SoftmaxCrossEntropy)
def _cross_entropy_difference(spec: Any, y: Any, y_noisy: Any, target: Any) -> Any:
    # log(sum exp y~) - log(sum exp y) = log(1 + sum_k softmax(y)_k (exp(y~_k - y_k) - 1))
    top = y[0]
    for k in range(y.size):
        top = max(top, y[k])
    normaliser, shift, mass, linear = y.dtype.type(0), y.dtype.type(0), y.dtype.type(0), y.dtype.type(0)
    for k in range(y.size):
        weight = y.dtype.type(math.exp(y[k] - top))
        normaliser += weight
        shift += weight * y.dtype.type(math.expm1(y_noisy[k] - y[k]))
        mass += target[k]
        linear += target[k] * (y_noisy[k] - y[k])
    return mass * y.dtype.type(math.log1p(shift / normaliser)) - linear


@output_error.register(SoftmaxCrossEntropy)
def _cross_entropy_error(spec: Any, y: Any, target: Any, error: Any) -> None:
    top = y[0]
    for k in range(y.size):
        top = max(top, y[k])
    normaliser, mass = y.dtype.type(0), y.dtype.type(0)
    for k in range(y.size):
        normaliser += y.dtype.type(math.exp(y[k] - top))
        mass += target[k]
    for k in range(y.size):
        error[k] = mass * y.dtype.type(math.exp(y[k] - top)) / normaliser - target[k]


@curvature.register(SquaredError)
def _squared_error_curvature(spec: Any, y: Any, step: Any) -> Any:
    total = y.dtype.type(0)
    for k in range(y.size):
        total += step[k] * step[k]
    return total


@curvature.register(SoftmaxCrossEntropy)
def _cross_entropy_curvature(spec: Any, y: Any, step: Any) -> Any:
    top = y[0]
    for k in range(y.size):
        top = max(top, y[k])
    normaliser, mean, power = y.dtype.type(0), y.dtype.type(0), y.dtype.type(0)
    for k in range(y.size):
        weight = y.dtype.type(math.exp(y[k] - top))
        normaliser += weight
        mean += weight * step[k]
        power += weight * step[k] * step[k]
    mean /= normaliser
    return max(y.dtype.type(0), power / normaliser - mean * mean)
