"""The same seed gives the same bits however a stream is cut, and a float32 engine computes in float32."""

from typing import Any

import numpy as np
import pytest
from engine import Engine, random_weights
from numba import float32, float64, njit, typeof, types
from parts_matrix import FAMILIES, Case, covering

from onlinernn.kernels import decorrelation, losses, passes
from onlinernn.kernels.decorrelation import Decorrelation
from onlinernn.kernels.layout import N_TALLY
from onlinernn.kernels.rules import ANP

# Each combination that the agreement test compiles anyhow: all rules and readouts, with and without decorrelation.
COVERED = [case for name in FAMILIES for case in covering(name, strength=2 if name == "paper" else 1).cases]
CASES = [case._replace(frozen=()) for case in {case.compiles_as(): case for case in COVERED}.values()]
N, N_IN, N_OUT, STEPS = 9, 2, 3, 60


def network(case: Case, seed: int = 7, **changes: Any) -> Engine:
    case = case._replace(**changes)
    return Engine(
        random_weights(np.random.default_rng(1), N, N_IN, N_OUT),
        case.rule,
        cell=case.cell,
        loss=case.loss,
        decorrelation=case.decorrelation,
        bias=case.bias,
        dtype=case.dtype,
        seed=seed,
        **case.settings(),
    )


def stream(case: Case, steps: int = STEPS):
    rng = np.random.default_rng(2)
    U, Y = rng.normal(size=(steps, case.lanes[0], N_IN)), rng.random(size=(steps, case.lanes[0], N_OUT))
    Y[rng.random((steps, case.lanes[0])) < 0.2] = np.nan
    return U, Y


def same_bits(one: Any, other: Any) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def everything(engine: Engine) -> list[np.ndarray]:
    """Return all that the next step depends on."""
    return [*engine.params, *engine.state, *engine.tags, *engine.traces, engine.tally]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("delay", [0, 3])
def test_a_run_is_its_steps(case: Case, delay: int) -> None:
    U, Y = stream(case)
    at_once, step_by_step, in_parts = (network(case, target_delay=delay) for _ in range(3))
    whole = at_once.run(U, Y)
    single = [step_by_step.run(U[t : t + 1], Y[t : t + 1]) for t in range(STEPS)]
    cuts = [slice(0, 7), slice(7, 8), slice(8, 41), slice(41, STEPS)]
    parts = [in_parts.run(U[cut], Y[cut]) for cut in cuts]
    for pieces, engine in ((single, step_by_step), (parts, in_parts)):
        assert same_bits(whole, [np.concatenate(column) for column in zip(*pieces, strict=True)])
        assert same_bits(everything(at_once), everything(engine))
    assert not np.array_equal(at_once.params.R, network(case).params.R)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_seed_decides_the_bits(case: Case) -> None:
    U, Y = stream(case)
    first, again, other = network(case), network(case), network(case, seed=8)
    assert same_bits(first.run(U, Y), again.run(U, Y))
    assert same_bits(everything(first), everything(again))
    other.run(U, Y)
    assert not np.array_equal(first.params.R, other.params.R)
    assert not np.array_equal(first.params.B, other.params.B)


def test_the_noise_goes_on_with_the_count_of_steps() -> None:
    """The twin of the cuts: a run that forgets how far it was draws other noise."""
    case = CASES[0]
    U, Y = stream(case)
    engine, forgetful = network(case), network(case)
    engine.run(U, Y)
    forgetful.run(U[:30], Y[:30])
    forgetful.tally[...] = np.zeros(N_TALLY, np.int64)
    forgetful.run(U[30:], Y[30:])
    assert not np.array_equal(engine.params.R, forgetful.params.R)


# A Python number times a float32 is a float64 to Numba, and a loop that contains one runs at a quarter of its speed.

VECTOR, MATRIX, ONE = float32[::1], float32[:, ::1], float32
INDEX = types.intp
SIGNATURES = {
    "dot": (passes.dot, (VECTOR, VECTOR)),
    "multiply": (passes.multiply, (MATRIX, INDEX, VECTOR, VECTOR, VECTOR, VECTOR)),
    "learn": (passes.learn, (MATRIX, INDEX, VECTOR, VECTOR)),
    "learn_and_multiply": (
        passes.learn_and_multiply,
        (typeof(ANP()), MATRIX, INDEX, ONE, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR),
    ),
    "multiply_four": (passes.multiply_four, (MATRIX, INDEX, MATRIX, MATRIX, INDEX, INDEX)),
    "learn_streams": (passes.learn_streams, (MATRIX, INDEX, MATRIX, MATRIX, INDEX)),
    "multiply_transposed": (passes.multiply_transposed, (MATRIX, INDEX, VECTOR, VECTOR)),
    "input_drive": (passes.input_drive, (MATRIX, VECTOR, VECTOR)),
    "learn_and_mix": (
        passes.learn_and_mix,
        (typeof(Decorrelation()), MATRIX, INDEX, MATRIX, MATRIX, MATRIX, *[VECTOR] * 5),
    ),
    "learn_rows": (decorrelation.learn_rows, (typeof(Decorrelation()), MATRIX, INDEX, MATRIX, MATRIX, MATRIX)),
}
# What a part answers is a double, and narrowed once for each row or matrix.
DOUBLES = {"learn_rows": {"mixing", "keep"}, "learn_and_mix": {"mixing"}}


def doubles(function: Any, signature: tuple[Any, ...]) -> set[str]:
    """Return the variables of a compiled function that are doubles; those that begin with a dollar are Numba's own."""
    function.compile(signature)
    annotation = function.overloads[signature].type_annotation
    found = {name.split(".")[0] for name, kind in annotation.typemap.items() if kind == float64}
    return found - {"arg"}  # every argument appears under its own name as well


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_passes_compute_in_float32(name: str) -> None:
    function, signature = SIGNATURES[name]
    found, known = doubles(function, signature), DOUBLES.get(name, set())
    temporaries = {variable for variable in found if variable.startswith("$")}
    assert found <= temporaries | known
    assert len(temporaries) <= len(known)


@pytest.mark.parametrize("spec", [losses.SquaredError(), losses.SoftmaxCrossEntropy()], ids=str)
def test_losses_are_of_the_precision_of_the_outputs(spec: Any) -> None:
    @njit
    def both(y, target):
        return losses.loss(spec, y, target), losses.loss_difference(spec, y, y, target)

    for real in (float32, float64):
        both.compile((real[::1], real[::1]))
        assert both.overloads[(real[::1], real[::1])].signature.return_type == types.UniTuple(real, 2)


def test_a_double_is_noticed() -> None:
    def careless(rows, out):
        for i in range(out.size):
            total = 2 * rows[i, 0]
            out[i] = 0.5 * total

    assert doubles(njit(careless), (MATRIX, VECTOR))


def test_a_float32_engine_has_float32_arrays() -> None:
    for dtype in (np.float32, np.float64):
        engine = Engine(random_weights(np.random.default_rng(0), N, N_IN, N_OUT), ANP(), dtype=dtype)
        kinds = {array.dtype for group in (engine.params, engine.state, engine.tags, engine.work) for array in group}
        assert kinds == {np.dtype(dtype)}
