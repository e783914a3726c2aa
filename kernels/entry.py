"""The compiled entry points: the only functions that Python calls, and the only ones cached on disk."""

import functools
import gc
import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from numba import config, typeof
from numba.core.caching import FunctionCache

from onlinernn.kernels.advance import commit, forward, receive, report, settle
from onlinernn.kernels.dispatch import ENTRY, compiled, fingerprint
from onlinernn.kernels.faults import Told
from onlinernn.kernels.held import released
from onlinernn.kernels.layout import OK, OPEN, PENDING, TICK
from onlinernn.kernels.lockstep import attend, compare, learn, renew
from onlinernn.kernels.mixing import mix
from onlinernn.kernels.writes import weights_at_limit

#: What :func:`run` returns in place of a number of steps when it did nothing: an input or a target cannot be used, or a
#: step is half done.
UNUSABLE = -1


class _Cache(FunctionCache):
    """The cache on disk, read without making Numba ready to compile: that takes five times as long as to read it."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code for arguments of these types, or None."""
        with self._guard_against_spurious_io_errors():
            try:
                return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
            except (AttributeError, ImportError):  # the index is of sources that had a type where there is none now
                self.flush()  # type: ignore[no-untyped-call]
        return None


class EntryPoints(NamedTuple):
    """The compiled functions of one state of the sources.

    They are `run`, `predict`, `advance`, `feedback`, `refresh`, `at_bound`, `mix` and `help`.
    """

    run: Callable[..., Any]
    predict: Callable[..., Any]
    advance: Callable[..., Any]
    feedback: Callable[..., Any]
    refresh: Callable[..., Any]
    at_bound: Callable[..., Any]
    mix: Callable[..., Any]
    help: Callable[..., Any]


def entry_points(spec: Any) -> EntryPoints:
    """Return the entry points for a specification, as the kernels and the registered parts are now.

    Numba keeps one index of cached types for each function and reads all of it at a look-up. Parts that are not
    ours get an index of their own, so that a type whose module is gone harms nobody else; those of a script have none.
    """
    names = sorted(_foreign_parts(spec))
    owner = hashlib.sha256(" ".join(names).encode()).hexdigest()[:12] if names else ""
    return _build(fingerprint(), owner, not any(name.startswith("__main__.") for name in names))


def _foreign_parts(value: Any) -> set[str]:
    if not isinstance(value, tuple):
        return set()
    part = type(value)
    own = set() if part.__module__.startswith("onlinernn.") else {f"{part.__module__}.{part.__qualname__}"}
    return own.union(*(_foreign_parts(field) for field in value))


def specialised(function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    """Return `function` compiled for arguments of these types, without the dispatch that costs 2 us a call."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    collects = gc.isenabled()
    gc.disable()  # compiling makes a million objects that stay: to look through them takes 7 % of the time
    try:
        return function.compile(tuple(typeof(arg) for arg in args))  # type: ignore[attr-defined]
    finally:
        if collects:
            gc.enable()


@functools.cache
def _build(sources: int, owner: str, cached: bool) -> EntryPoints:
    # Every function below mentions `sources`: Numba's cache key holds the values that a function closes over.

    def compiled_entry(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ += owner  # Numba names the file of the index by it
        made = compiled(cache=True, **ENTRY)(function) if cached else compiled(**ENTRY)(function)
        if cached and not config.DISABLE_JIT:  # type: ignore[attr-defined]
            made._cache = _Cache(function)  # type: ignore[attr-defined, no-untyped-call]
        return Told(made) if owner else made

    @compiled_entry
    def run(network: Any, rows: Any) -> int:
        """Do ``len(inputs)`` steps of predict, then learn; return how many were done before one diverged.

        A `network` is :class:`Held` as its arrays (``layout.unpack``) with the tally, and the specification; `rows`
        are the inputs (T, S, d) and targets (T, S, m), in float64 whatever the precision of the network, and where
        predictions and losses go.
        """
        _ = sources
        ((params, state, tags, traces, work), tally), spec = released(network)
        inputs, targets, predictions, losses, noisy_losses = released(rows)
        real = work.u.dtype.type
        if tally[OPEN]:
            return UNUSABLE
        steps, streams, d = inputs.shape
        m = targets.shape[2]
        for t in range(steps):
            for s in range(streams):
                for j in range(d):
                    if not math.isfinite(real(inputs[t, s, j])):
                        return UNUSABLE
                for o in range(m):
                    if math.isinf(real(targets[t, s, o])) or math.isnan(targets[t, s, o]) != math.isnan(
                        targets[t, s, 0]
                    ):
                        return UNUSABLE
        renew(params, state, work, spec, tally)
        for t in range(steps):
            receive(work.u, inputs[t])
            receive(work.target, targets[t])
            forward(params, state, work, spec, tally[PENDING] == 1, tally[TICK])
            commit(params, state, tags, work, spec, tally)
            report(work, predictions[t])
            compare(tags, work, spec, tally, losses[t], noisy_losses[t])
            if learn(params, state, tags, traces, work, spec, tally) != OK:
                return t
        return steps

    @compiled_entry
    def predict(network: Any, u: Any, prediction: Any) -> None:
        """Compute what the next step would predict; only scratch is written, and what waits for it (`refresh`)."""
        _ = sources
        ((params, state, _, _, work), tally), spec = released(network)
        renew(params, state, work, spec, tally)
        receive(work.u, u)
        forward(params, state, work, spec, tally[PENDING] == 1, tally[TICK])
        tally[PENDING] = 0
        report(work, prediction)

    @compiled_entry
    def advance(network: Any, u: Any) -> None:
        """Do the first half of a step; ``work.y`` holds the outputs of all copies."""
        _ = sources
        ((params, state, tags, _, work), tally), spec = released(network)
        renew(params, state, work, spec, tally)
        receive(work.u, u)
        forward(params, state, work, spec, tally[PENDING] == 1, tally[TICK])
        commit(params, state, tags, work, spec, tally)

    @compiled_entry
    def feedback(network: Any) -> int:
        """Do the second half of a step from ``work.delta_loss`` and ``work.taught``."""
        _ = sources
        ((params, state, tags, traces, work), tally), spec = released(network)
        return learn(params, state, tags, traces, work, spec, tally)

    @compiled_entry
    def refresh(network: Any) -> None:
        """Do what waits for the next step: the update of D, and what follows from weights that were set."""
        _ = sources
        ((params, state, _, _, work), tally), spec = released(network)
        settle(params, state, work, spec, tally)
        renew(params, state, work, spec, tally)

    @compiled_entry
    def at_bound(network: Any) -> int:
        """Return how many devices of weights stand at a bound now."""
        _ = sources
        ((params, _, _, _, _), _), spec = released(network)
        return weights_at_limit(spec.substrate, params, spec)

    @compiled_entry
    def help_out(network: Any) -> None:
        """Help another thread with the steps of a learner, until it has not done any for about a millisecond."""
        _ = sources
        ((params, state, tags, _, work), _), spec = released(network)
        attend(params, state, tags, work, spec)

    @compiled_entry
    def mix_predictions(
        loss: Any,
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
        """Mix the predictions of two learners for the last steps, and learn from the targets how."""
        _ = sources
        mix(loss, tally, delay, rate, ring, shares, means, scratch, first, second, targets, predictions, losses)

    return EntryPoints(run, predict, advance, feedback, refresh, at_bound, mix_predictions, help_out)
