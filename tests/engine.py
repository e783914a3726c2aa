"""The kernels without the learner around them: the arrays of a network, and the entry points called on them."""

import functools

import numpy as np

from onlinernn.kernels import cells, entry, layout
from onlinernn.kernels.decorrelation import Undecorrelated
from onlinernn.kernels.held import Held
from onlinernn.kernels.losses import SquaredError
from onlinernn.specification import specify
from onlinernn.weights import named_weights

TANH, SQUARED_ERROR, UNDECORRELATED = cells.Tanh(), SquaredError(), Undecorrelated()


def random_weights(rng, n, d, m, scale=0.9):
    """Draw weights that float32 holds exactly, so that both precisions start from the same ones."""
    shapes = {"A": (n, d), "R": (n, n), "b": (n,), "B": (m, n), "c": (m,)}
    widths = {"A": 0.8, "R": scale / np.sqrt(n), "b": 0.3, "B": 1 / np.sqrt(n), "c": 0.3}
    return {
        name: np.float32(widths[name] * rng.normal(size=shape)).astype(np.float64) for name, shape in shapes.items()
    }


class Engine:
    """One network on the kernels. `weights` may name A, R, b, B, E, c, D; what it does not name is zero, or D = I.

    The `settings` are those of :func:`specify`.
    """

    def __init__(
        self,
        weights,
        rule,
        *,
        cell=TANH,
        loss=SQUARED_ERROR,
        decorrelation=UNDECORRELATED,
        bias=True,
        dtype=np.float64,
        **settings,
    ):
        n, d = np.shape(weights["A"])
        m = len(weights["B"])
        parts = {"rule": rule, "cell": cell, "loss": loss, "decorrelation": decorrelation}
        self.spec = specify((d, n, m), dtype=dtype, **parts, **settings)
        self.n, self.d, self.m, self.bias, self.streams, self.dtype = n, d, m, bias, self.spec.sizes.streams, dtype
        self.arena = layout.allocate(self.spec.sizes, bias, dtype, getattr(self.spec.readout, "ridge", 1.0))
        self.views = layout.unpack(self.arena, self.spec.sizes, self.spec.number)
        self.params, self.state, self.tags, self.traces, self.work = self.views
        self.tally = np.zeros(layout.N_TALLY, np.int64)
        named = named_weights(self.params, self.spec.sizes, bias=True)
        for name, weight in weights.items():
            named[name][...] = weight

    @property
    def held(self):
        return Held((Held((self.views, self.tally)), self.spec))

    @functools.cached_property
    def entries(self):
        """The compiled functions."""
        return entry.entry_points(self.spec)

    def run(self, inputs, targets):
        """Run over inputs (T, S, d) and targets (T, S, m); return predictions, losses and noisy losses."""
        steps = len(inputs)
        # In float64, as a learner gives them: other types would be compiled anew.
        inputs, targets = (np.ascontiguousarray(rows, np.float64) for rows in (inputs, targets))
        predictions = np.full((steps, self.streams, self.m), np.nan, self.dtype)
        losses, noisy_losses = (np.full((steps, self.streams), np.nan, self.dtype) for _ in range(2))
        done = self.entries.run(self.held, Held((inputs, targets, predictions, losses, noisy_losses)))
        assert done == steps
        return predictions, losses, noisy_losses

    def feedback(self):
        return self.entries.feedback(self.held)

    def settle(self):
        """Leave no update of D pending."""
        self.entries.refresh(self.held)

    def weights(self):
        """Return copies of the weights that there are, under the paper's names."""
        self.settle()
        named = named_weights(self.params, self.spec.sizes, self.bias)
        return {name: weight.copy() for name, weight in named.items()}
