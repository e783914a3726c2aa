"""What a learner holds between two steps, and what can be read and changed there."""

import functools
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from onlinernn.accounts import bytes_by_role, report
from onlinernn.border import bordered, bordered_run, counted, example, floats, quantised, weights_at_bound
from onlinernn.errors import DivergenceError
from onlinernn.fixed import lower
from onlinernn.inputs import read_weight
from onlinernn.kernels import entry, layout
from onlinernn.kernels.held import Held
from onlinernn.kernels.integers import N_TALLY_INTEGERS
from onlinernn.kernels.number import Fixed
from onlinernn.snapshot import Persistent
from onlinernn.specification import retuned
from onlinernn.threads import Team
from onlinernn.weights import named_weights


class Network(Persistent):
    """The arrays of a learner of known specification, and the compiled functions that work on them."""

    spec: layout.Spec
    dtype: np.dtype[Any]
    bias: float
    n_in: int
    n_out: int
    streams: int
    threads: int

    def _allocate(self) -> None:
        sizes, lowered = self.spec.sizes, lower(self.spec)
        dtype = np.dtype(np.uint8) if self._integers else self.dtype
        ridge = getattr(self.spec.readout, "ridge", 1.0)
        self._arena = layout.allocate(sizes, self.bias, dtype, ridge, lowered.number)
        self._views = layout.unpack(self._arena, sizes, lowered.number)
        self._params, self._state, self._tags, self._traces, self._work = self._views
        counters = layout.N_TALLY_SUBSTRATE if sizes.substrate else layout.N_TALLY
        self._tally = np.zeros(N_TALLY_INTEGERS if self._integers else counters, np.int64)
        one = (1, self.streams)
        self._inputs, self._targets = (np.zeros((*one, size)) for size in (self.n_in, self.n_out))
        self._predictions = np.zeros((*one, self.n_out), self.dtype)
        losses = np.zeros((2, *one), self.dtype)
        first = (0, 0) if self.streams == 1 else 0  # one step as the user sees it, of the same memory
        self._u, self._y, self._prediction = self._inputs[first], self._targets[first], self._predictions[first]
        self._both_losses = losses[:, 0, 0] if self.streams == 1 else losses[:, 0]
        self._shape_u, self._shape_y = self._u.shape, self._y.shape
        self._buffers = (self._inputs, self._targets, self._predictions, *losses)
        self._rows, self._arrays = Held(self._buffers), Held((self._views, self._tally))
        self._bind()

    def _bind(self) -> None:
        """Lay out what every call of the kernels takes; helpers that still look at what was before find no work."""
        self._team = Team(self.threads) if self.threads > 1 else None
        spec = lower(self.spec)._replace(team=self._team.address if self._team else 0)
        self._held = Held((self._arrays, spec))
        self._run: Callable[..., int] = self._first_run

    def _bind_numbers(self) -> None:
        """Bind anew where only numbers have changed: to look the compiled function up again takes a millisecond."""
        run = self._run
        self._bind()
        if self._team is None:  # helpers belong to the function that they help
            self._run = run

    @functools.cached_property
    def _entries(self) -> entry.EntryPoints:
        entries = entry.entry_points(self.spec)
        return bordered(entries, self.spec.number) if self._integers else entries

    def _first_run(self, network: Held, rows: Held) -> int:
        """Compile, or load from the disk cache, at the first call."""
        if self._integers:
            run = entry.entry_points(self.spec).run
            compiled = entry.specialised(run, self._held, Held(example(self._inputs, self._targets)))
            run = bordered_run(compiled, self.spec.number)
        else:
            run = entry.specialised(self._entries.run, self._held, self._rows)
        if self._team:
            run = self._team.shared(run, entry.specialised(self._entries.help, self._held))
        self._run = run
        return int(self._run(network, rows))

    @property
    def _integers(self) -> bool:
        return isinstance(self.spec.number, Fixed)

    @property
    def target_delay(self) -> int:
        """How many steps later a target arrives."""
        return int(self.spec.target_delay)

    @property
    def steps(self) -> int:
        """Number of steps done so far."""
        return int(self._tally[layout.TICK])

    def _diverged(self, step: int) -> DivergenceError:
        spoilt = [name for name, weight in self._writable().items() if not np.isfinite(weight).all()]
        return DivergenceError.at(step, spoilt, f"{self.spec.rule}, {self.spec.decorrelation}")

    def _finish(self) -> None:
        """Finish a half-done step without teaching."""
        self._work.taught[...] = False
        self._tally[layout.OPEN] = 0
        self._entries.feedback(self._held)

    def reset(self) -> None:
        """Forget the past: activities and tags become zero, the weights stay. The noise does not repeat."""
        if self._tally[layout.OPEN]:
            self._finish()
        for array in (*self._state, *self._tags, *self._traces):
            array[...] = 0
        self._tally[layout.ORIGIN] = self._tally[layout.TICK]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Read-only views of the weights as the paper names them.

        A (n_hidden, n_in), R (n_hidden, n_hidden), B (n_out, n_hidden), with a direct link E (n_out, n_in), with biases
        b (n_hidden,) and c (n_out,), and with decorrelation D (n_hidden, n_hidden).
        """
        if self._tally[layout.PENDING] or (self._tally[layout.STALE] and self.spec.sizes.substrate):
            self._entries.refresh(self._held)
        views = self._writable()
        if self._integers:
            views = {name: floats(view, self._format(name)) for name, view in views.items()}
        for view in views.values():
            view.flags.writeable = False
        return views

    def _writable(self) -> dict[str, np.ndarray]:
        return named_weights(self._params, self.spec.sizes, bias=self.bias > 0)

    def _format(self, name: str) -> Any:
        return self.spec.number.readout if name in ("B", "c") else self.spec.number.weights

    @property
    def integers(self) -> dict[str, np.ndarray]:
        """Read-only views of the weights of a network with ``number=Fixed(...)``, as the integers that they are.

        Raises
        ------
        TypeError
            If the network has floating-point weights.
        """
        if not self._integers:
            raise TypeError("this learner has floating-point weights; see .weights, or make it with number=Fixed()")
        views = self._writable()
        for view in views.values():
            view.flags.writeable = False
        return views

    def set_weights(self, **weights: ArrayLike) -> None:
        """Copy weights in.

        Parameters
        ----------
        **weights
            Any of A, R, b, B, E, c, D in the shapes of :attr:`weights`; finite.

        Raises
        ------
        TypeError, ValueError
            If a name is unknown, or an array has the wrong shape or is not finite; nothing has changed then.
        """
        views = self._writable()
        new = {name: read_weight(name, value, views, self.dtype) for name, value in weights.items()}
        if self._integers:
            new = {name: quantised(value, self._format(name)) for name, value in new.items()}
        for name, value in new.items():
            views[name][...] = value
        self._tally[layout.STALE] = 1
        if "D" in new:
            self._tally[layout.PENDING] = 0

    def retune(self, frozen: Collection[str] | None = None, **fields: float) -> None:
        """Change what learns, or how fast, from the next step on.

        Parameters
        ----------
        frozen
            What does not learn from now on, of A, R, B and D; None: as so far.
        **fields
            New values of fields of the rule, as ``lr_hidden=0.0``.

        Raises
        ------
        TypeError, ValueError
            If a name is unknown, a value out of range, or a new learner is needed for it; nothing has changed then.
        """
        spec = retuned(self.spec, frozen, fields)
        lower(spec)  # raises where integers cannot do that
        self.spec = spec
        self._bind()

    def memory(self) -> dict[str, int]:
        """Return what the learner keeps, in bytes by role. It depends on the sizes only, never on the time.

        ``weights``; ``responses`` (the impulse responses that a rule learns); ``covariance`` (of RLS); ``devices``
        (what the devices of a substrate remember); ``activities`` of all copies; ``tags`` that wait for their target;
        ``traces``; ``noise`` (seed and step: the noise itself is never stored); ``scratch`` of one step.
        """
        groups = (self._params, self._state, self._tags, self._traces)
        return bytes_by_role(*groups, self._arena, self._buffers, self._tally)

    def report(self) -> dict[str, Any]:
        """Return what was counted: steps, steps that taught, dead steps, bites of the guard.

        ``dead`` counts the steps whose loss differences were exactly zero, ``guarded_hidden`` and
        ``guarded_readout`` the perturbations whose power was below the rule's floor. On a substrate also: ``updates``
        of weights that were wanted, ``lost`` (the device stayed where it was: ``lost_by_chance``, or because the
        change was too small) and ``writes``; ``writes_per_weight`` and ``most_writes`` of one weight (where
        :class:`CountWrites` counts them); how often a limit was reached, of ``bound_weight``, ``bound_loss``,
        ``bound_error``, ``bound_input`` (of all ``inputs`` so far), ``bound_drive``, ``bound_node`` (of all
        ``activities`` so far, those of noisy copies too), ``bound_output``; ``weights_at_bound``,
        those of all ``weights`` whose device stands at a limit of the chain `write` now, so that it can move one way
        only; ``random_numbers`` drawn for perturbations, ``random_numbers_writes`` by writes (to round, for noise and
        pulses) and ``random_numbers_chains`` by all other chains (at most, see ``docs/substrates.md``);
        ``macs_forward`` and ``macs_learning``, multiply-accumulates so far. Of integers: values at the bound of their
        format, ``bound_drive``, ``bound_output``, ``bound_signal``, ``bound_signal_readout`` and
        ``bound_loss``; ``lost_signals`` and ``lost_signals_readout``, learning signals that came out as 0; ``updates``
        that are not 0, and ``lost``, those of them that rounding makes 0, both of one row of A, R or B in turn, for
        each step that teaches; ``weights_at_bound`` of all ``weights``; and ``lost_by_chance``.
        """
        found = report(self._tally, self.spec, self._params)
        if self._integers:
            found |= counted(self._tally)
            found["weights_at_bound"] = weights_at_bound(self.integers, self.spec.number)
            found["lost_by_chance"] = True
        elif self.spec.sizes.substrate:
            found["weights_at_bound"] = int(self._entries.at_bound(self._held))
        if "weights_at_bound" in found:
            found["weights"] = sum(array.size for array in (self._params.A, self._params.R, self._params.B))
        return found
