"""A network of integers is the arithmetic of docs/fixed-point.md: bit for bit, and without a float."""

import math
import operator
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from naive_fixed import TABLE, NaiveFixed

from onlinernn import (
    ANP,
    LFSR,
    NLMS,
    NP,
    WP,
    Decorrelation,
    Fixed,
    Int8,
    Int16,
    Int32,
    LeakSpectrum,
    LeakyTanh,
    OnlineLearner,
    PowerOfTwo,
    SoftmaxCrossEntropy,
)
from onlinernn.border import example
from onlinernn.kernels import entry, integer_parts, integers, wide
from onlinernn.kernels.dispatch import LOOP, compiled
from onlinernn.kernels.held import Held
from onlinernn.kernels.number import Division

DELAY, STEPS = 2, 400
RULES = {
    "ANP": (ANP(lr_hidden=1e-3, lr_readout=0.05, sigma=2**-8), Division()),
    "leaky": (ANP(lr_hidden=1e-3, lr_readout=0.05, sigma=2**-8), Division()),
    "NP": (NP(lr_hidden=1e-3, lr_readout=0.05, sigma=2**-8, noise=LFSR(12, 11)), PowerOfTwo()),
}
WAVE = 0.9 * np.sin(0.3 * np.arange(STEPS + 1.0))
U, Y = np.stack([WAVE[:-1], WAVE[-2::-1]], axis=1), WAVE[1:, None].copy()
Y[50:60] = np.nan
# Worked out by NaiveFixed with int, that is with Python's whole numbers: the last outputs, the first row of R, and B.
GOLDEN = {
    "ANP": [
        -30093,
        -30109,
        -17725,
        9169,
        38000,
        62199,
        -673,
        901,
        10,
        -408,
        -1146,
        -368,
        37,
        -2829,
        -1377,
        1863,
        -3024,
        5503,
        -2193,
        -5856,
    ],
    "leaky": [
        17383,
        12857,
        8980,
        9336,
        15051,
        24917,
        -727,
        807,
        -54,
        -364,
        -1072,
        -417,
        20,
        -1836,
        -9105,
        5821,
        -1739,
        6114,
        6137,
        -3686,
    ],
    "NP": [
        18562,
        4875,
        8765,
        37126,
        41585,
        50123,
        -538,
        -249,
        -393,
        112,
        -1213,
        -493,
        315,
        -5890,
        -6384,
        5993,
        7659,
        10938,
        1693,
        1458,
    ],
}


def learner(name: str, **settings: Any) -> OnlineLearner:
    rule, division = RULES[name]
    cell = {"cell": LeakyTanh(0.3)} if name == "leaky" else {}
    shape = {**cell, "bias_scale": 0.3, "spectral_radius": 1.2, "target_delay": DELAY, "seed": 1}
    return OnlineLearner(2, 7, 1, **{"rule": rule, "number": Fixed(division=division), **shape, **settings})


def shifted(stages: int, taps: tuple[int, ...], clocks: int) -> list[int]:
    """Return every so many-th word of a shift register that begins with 1."""
    state, found = 1, []
    for k in range(clocks * (2**stages - 1)):
        state = (state << 1 | sum(state >> (tap - 1) & 1 for tap in taps) % 2) & 2**stages - 1
        if k % clocks == clocks - 1:
            found.append(state)
    return found


def naive(name: str, number: type) -> NaiveFixed:
    rule, division = RULES[name]
    start = {key: value.tolist() for key, value in learner(name).integers.items()}
    sigma = rule.sigma * 2**16
    register = shifted(12, (12, 6, 4, 1), 11) if isinstance(rule.noise, LFSR) else None
    most = len(register) if register else 65536
    scale = round(sigma / math.sqrt((most**2 - 1) / 3) * 2**24)
    settings: dict[str, Any] = {"seed": 1, "delay": DELAY, "num": number, "register": register}
    settings["leak"] = round(0.3 * 2**15) if name == "leaky" else None
    settings["division"] = "power of two" if isinstance(division, PowerOfTwo) else None
    if isinstance(rule, ANP):
        settings["floor"] = round(rule.floor * sigma * sigma * 2**20)
    else:
        settings["variance"] = round(sigma * sigma)
    return NaiveFixed(
        start["A"], start["R"], start["b"], type(rule).__name__, (rule.lr_hidden, rule.lr_readout), scale, **settings
    )


def whole(value: float, fraction: int) -> int:
    return math.floor(value * 2**fraction + 0.5)


def judged(name: str, number: type) -> tuple[list[Any], NaiveFixed]:
    judge, outputs = naive(name, number), []
    for u, y in zip(U, Y[:, 0], strict=True):
        target = None if math.isnan(y) else whole(y, 16)
        outputs.append(judge.step([whole(v, 12) for v in u], target))
    return outputs, judge


@pytest.mark.parametrize("name", RULES)
def test_the_engine_is_the_arithmetic_of_the_document(name: str) -> None:
    engine = learner(name)
    start = {key: value.copy() for key, value in engine.integers.items()}
    predictions = engine.run(U, Y).predictions[:, 0] * 2**16
    for number in (int, float):
        outputs, judge = judged(name, number)
        assert predictions.tolist() == outputs
        weights = {"A": judge.A, "R": judge.R, "b": judge.b, "B": [judge.B], "c": [judge.c]}
        for key, weight in weights.items():
            assert engine.integers[key].tolist() == weight, key
        found = engine.report()
        assert (found["updates"], found["lost"]) == (judge.updates, judge.lost)
        assert 0 < found["lost"] < found["updates"]
    assert all((engine.integers[key] != start[key]).any() for key in start)
    golden = [*(int(y) for y in predictions[-6:]), *engine.integers["R"][0].tolist(), *engine.integers["B"][0].tolist()]
    assert golden == list(GOLDEN[name])


def test_no_float_is_touched_from_the_quantised_input_to_the_written_weight() -> None:
    def floats_in(compiled: Any, *args: Any) -> list[str]:
        entry.specialised(compiled, *args)
        (code,) = compiled.inspect_llvm().values()
        return [line for line in code.splitlines() if re.search(r"\b(double|float)\b", line)]

    engine = learner("ANP")
    fresh = entry._build.__wrapped__(0, "", False)  # what comes from the cache cannot be looked at
    assert not floats_in(fresh.run, engine._held, Held(example(engine._inputs, engine._targets)))
    real = OnlineLearner(2, 7, 1)
    assert floats_in(fresh.refresh, real._held)  # the twin: where there are floats, they are found


def test_steps_runs_and_resumed_runs_agree(tmp_path: Path) -> None:
    whole_run, stepped, cut = learner("ANP"), learner("ANP"), learner("ANP")
    trace = whole_run.run(U, Y)
    results = [stepped.step(u, y) for u, y in zip(U, Y, strict=True)]
    assert np.array_equal(trace.losses, [result.loss for result in results], equal_nan=True)
    assert np.array_equal(trace.predictions, [result.prediction for result in results])
    cut.run(U[:123], Y[:123])
    cut.save(tmp_path / "cut")
    resumed = OnlineLearner.load(tmp_path / "cut")
    rest = resumed.run(U[123:], Y[123:])
    assert np.array_equal(trace.noisy_losses[123:], rest.noisy_losses, equal_nan=True)
    for other in (stepped, resumed):
        assert all(np.array_equal(other.integers[name], value) for name, value in whole_run.integers.items())
        assert other.report() == whole_run.report()
    expected = resumed.predict(U[0])
    assert np.array_equal(resumed.predict(U[0]), expected)
    assert np.array_equal(resumed.step(U[0]).prediction, expected)


def test_weights_come_and_go_as_floats_that_are_exact() -> None:
    engine = learner("ANP")
    R = engine.weights["R"] + 2**-12
    engine.set_weights(R=R)
    assert np.array_equal(engine.weights["R"], R)
    assert np.array_equal(engine.integers["R"], R * 2**12)
    engine.set_weights(R=np.full((7, 7), 100.0))
    assert (engine.integers["R"] == 32767).all()


def test_memory_is_that_of_the_integers() -> None:
    memory = learner("ANP").memory()
    assert memory["weights"] == 2 * (7 * 7 + 3 * 7 + 8)
    assert sum(learner("ANP", number=Fixed(weights=Int8(5))).memory().values()) < sum(memory.values())


@pytest.mark.parametrize("readout", [Int8(4), Int16(12)], ids=str)
@pytest.mark.parametrize("weights", [Int8(4), Int16(12)], ids=str)
def test_weights_of_either_width_learn(weights: Any, readout: Any) -> None:
    engine = learner("ANP", number=Fixed(weights=weights, readout=readout))
    before = {name: values.copy() for name, values in engine.integers.items()}
    engine.run(U, Y)
    for name, width in (("R", weights), ("B", readout)):
        assert engine.integers[name].dtype == (np.int8 if isinstance(width, Int8) else np.int16)
        assert (engine.integers[name] != before[name]).any()


def test_the_table_is_tanh() -> None:
    """Half a step of the table's values, and the error of a chord of 1/32: at most ``max |tanh''| / 8 / 32^2``."""
    cell = integer_parts.IntegerTanh(16, 0, 32767)
    drives = 97 * np.arange(-6200, 6201)
    values = np.array([integer_parts._tanh(cell, None, 0, int(a)) for a in drives])
    exact = np.tanh(drives / 2**16) * 2**15
    assert abs(values - exact).max() <= 1.0 + 0.77 / 8 / 32**2 * 2**15 + 1.0
    assert (values == -values[::-1]).all()
    assert (np.diff(values) >= 0).all()
    assert integer_parts.TABLE.tolist() == TABLE


@pytest.mark.parametrize(
    "source", [integer_parts.Gaussian(), integer_parts.Rademacher(), integer_parts.Uniform()], ids=str
)
def test_integer_noise_has_mean_0_and_the_spread_that_is_asked_for(source: Any) -> None:
    engine = learner("ANP", rule=ANP(sigma=2**-8, noise=source))
    scale = engine._held.value[-1].rule.scale
    with np.errstate(over="ignore"):
        base = integer_parts.noise.key(3, 0, 0, 0, 0)
        draws = [
            int(integer_parts.integer_draw(source, integer_parts.noise.site(base, k), scale)) for k in range(20_000)
        ]
    assert abs(np.mean(draws)) < 5 * 256 / math.sqrt(len(draws))
    assert abs(np.std(draws) - 256) < 5 * 256 / math.sqrt(len(draws))


def halves(words: Any) -> tuple[Any, Any]:
    """Return the lower and the upper 16 bits, as the kernels hold them."""
    return (np.asarray(words) & 0xFFFF).astype(np.uint16).view(np.int16), (np.asarray(words) >> 16).astype(np.int16)


@compiled(**LOOP)
def _change(rows: Any, others: Any, c: Any, pre: Any, low: Any, high: Any, words: Any, bits: Any, bound: Any) -> Any:
    a, b = others[0], others[1]
    pair = (words[0, 0], words[1, 0]), (words[0, 1], words[1, 1])
    return wide.change_and_sum((rows[0], rows[1]), (a, b), (c[0], c[1]), pre, low, high, pair, bits, bound)


@compiled(**LOOP)
def _sums(w: Any, v: Any, others: Any) -> Any:
    return wide.sums((w, v), (others[0], others[1]))


def change(rows: Any, c: Any, pre: Any, own: Any, words: Any, bits: int, bound: int, others: Any) -> Any:
    """Take ``c_i pre`` off two rows, rounded by the words `own` of the rows and `words` of the columns."""
    return _change(rows, others, np.array(c, np.int16), pre, *halves(words), np.array(halves(own)), bits, bound)


def test_rounding_by_chance_has_no_bias_and_stays_between_the_neighbours() -> None:
    rng = np.random.default_rng(0)
    draws, bound = 4000, 32767
    others = np.ones((2, draws), np.int16)
    for bits, before in ((10, 300), (18, 30_000)):
        words, own = rng.integers(0, 2**bits, draws), rng.integers(0, 2**bits, 2)
        rows = np.zeros((2, draws), np.int16)
        change(rows, (-7, 7), np.full(draws, before, np.int16), own, words, bits, bound, others)
        for row, exact in zip(rows, (7 * before / 2**bits, -7 * before / 2**bits), strict=True):
            assert set(row.tolist()) == {math.floor(exact), math.ceil(exact)}
            assert abs(row.mean() - exact) < 5 * 0.5 / math.sqrt(draws)
    words = words & 1023
    rows[:] = [[32760], [-32760]]
    change(rows, (-32767, 32767), np.full(draws, 32767, np.int16), (0, 0), words, 10, bound, others)
    assert rows[:, 0].tolist() == [32767, -32767]
    assert (rows == rows[:, :1]).all()


SIZES = st.one_of(st.integers(1, 100), st.integers(wide.CHUNK - 2, 2 * wide.CHUNK + 40))


@given(bits=st.integers(0, 30), size=SIZES, narrow=st.booleans(), seed=st.integers(0, 2**16))
@given_settings(max_examples=60, deadline=None)
def test_rows_are_changed_and_summed_as_whole_numbers(bits: int, size: int, narrow: bool, seed: int) -> None:
    """Many numbers at a time are what they are one at a time: all sizes, all shifts, the largest numbers too."""
    rng = np.random.default_rng(seed)
    bound = 127 if narrow else 32767
    rows = rng.choice([-bound, *rng.integers(-bound, bound + 1, 3), bound], (2, size))
    rows = rows.astype(np.int8 if narrow else np.int16)
    pre = rng.choice([-32767, 0, *rng.integers(-32767, 32768, 5), 32767], size).astype(np.int16)
    others = rng.integers(-32767, 32768, (2, size)).astype(np.int16)
    c, own, words = rng.choice([-32767, -3, 9, 32767], 2), rng.integers(0, 2**bits, 2), rng.integers(0, 2**bits, size)
    whole = rows.tolist()
    found = change(rows, c, pre, own, words, bits, bound, others)
    for row, before, k, word in zip(rows, whole, c.tolist(), own.tolist(), strict=True):
        columns = zip(before, pre.tolist(), words.tolist(), strict=True)
        assert row.tolist() == [max(-bound, min(bound, w - ((k * x + (word ^ q)) >> bits))) for w, x, q in columns]
    assert list(found) == exact_sums(rows, others)


@compiled(**LOOP)
def _columns(matrix: Any, factors: Any, out: Any, shift: Any, top: Any) -> None:
    wide.sum_columns(matrix, factors, out, shift, top)


@given(
    st.integers(1, 100),
    st.integers(1, 40),
    st.integers(0, 30),
    st.sampled_from([1, 2**22, 2**31 - 1]),
    st.booleans(),
    st.integers(0, 2**16),
)
@given_settings(max_examples=60, deadline=None)
def test_columns_are_summed_as_whole_numbers(
    size: int, rows: int, shift: int, top: int, narrow: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    kind, bound = (np.int8, 127) if narrow else (np.int16, 32767)
    matrix = rng.choice([-bound, *rng.integers(-bound, bound + 1, 3), bound], (rows, size)).astype(kind)
    factors = rng.choice([-32767, *rng.integers(-32767, 32768, 3), 32767], rows).astype(np.int16)
    found = np.zeros(size, np.int32)
    _columns(matrix, factors, found, shift, top)
    exact = (sum(map(operator.mul, column, factors.tolist())) for column in matrix.T.tolist())
    assert found.tolist() == [max(-top, min(top, (2 * total + 2**shift) // 2 ** (shift + 1))) for total in exact]


@pytest.mark.parametrize("size", [1, 32, wide.CHUNK, 2 * wide.CHUNK + 33])
def test_no_sum_overflows(size: int) -> None:
    """Every product has the largest size; remainders modulo 256 are the largest, or the upper parts are."""
    for weight, first, second in ((32767, 32767, 255), (-32767, -32767, -32513), (127, -32767, -1), (-127, 255, -255)):
        rows = np.full((2, size), weight, np.int16 if abs(weight) > 127 else np.int8)
        others = np.array([[first], [second]], np.int16) * np.ones(size, np.int16)
        assert list(_sums(rows[0], -rows[1], others)) == exact_sums([rows[0], -rows[1]], others)


def exact_sums(rows: Any, others: Any) -> list[int]:
    """Return the products of all rows with all others, computed with Python's whole numbers."""
    return [sum(map(operator.mul, w.tolist(), a.tolist())) for w in rows for a in others]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"number": Fixed(weights=Int8(5, 9))}, "weights has 9 bits; Int8 can use 2 to 8"),
        ({"number": Fixed(weights=Int16(12, 17))}, "weights has 17 bits"),
        ({"number": Fixed(drives=Int32(16, 25))}, "drives has 25 bits"),
        ({"number": Fixed(activities=Int16(12))}, "tanh needs all but the sign"),
        ({"number": Fixed(accumulator=Int32(0))}, "a sum of 7 products of R can reach 2"),
        ({"streams": 20_000}, "can pass 64 bits"),
        ({"rule": ANP(sigma=1e-6)}, "below one step of the drives"),
        ({"rule": ANP(sigma=0.5)}, "integers need it below"),
        ({"rule": WP()}, "comes from a table of floats"),
        ({"cell": LeakSpectrum()}, "cell is LeakSpectrum"),
        ({"cell": LeakyTanh(1e-6)}, "use at least 2^-15"),
        ({"loss": SoftmaxCrossEntropy()}, "loss is SoftmaxCrossEntropy"),
        ({"readout": NLMS()}, "readout is NLMS"),
        ({"decorrelation": Decorrelation()}, "decorrelation is Decorrelation"),
        ({"trace": 0.5}, "trace is Eligibility"),
        ({"direct": True}, "direct=True cannot be had"),
        ({"bias": 0.5}, "it is True or False"),
    ],
    ids=str,
)
def test_what_integers_cannot_do_is_said_before_anything_runs(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        OnlineLearner(1, 7, 1, **{"number": Fixed(), **settings})


@pytest.mark.parametrize("number", ["int16", Fixed(weights=Int32(16)), Fixed(headroom=2.5)], ids=str)  # type: ignore[arg-type]
def test_what_is_no_format_is_refused(number: Any) -> None:
    with pytest.raises(TypeError, match=r"number is|Fixed: "):
        OnlineLearner(1, 7, 1, number=number)


def test_saturations_and_lost_signals_are_counted() -> None:
    quiet = learner("ANP")
    quiet.run(U[:50], Y[:50])
    assert quiet.report()["bound_drive"] == quiet.report()["bound_signal"] == quiet.report()["weights_at_bound"] == 0
    loud = learner("ANP", rule=ANP(lr_hidden=1e-3, lr_readout=0.05, sigma=2**-8), number=Fixed(headroom=0))
    loud.set_weights(R=np.full((7, 7), 9.0), B=np.full((1, 7), -9.0))
    assert loud.report()["weights_at_bound"] == 7 * 7 + 7
    loud.set_weights(R=np.full((7, 7), 7.9), B=np.full((1, 7), 7.9))
    loud.run(U[:50], Y[:50] + 90)
    assert loud.report()["bound_signal_readout"] > 0
    assert loud.report()["lost_signals"] >= 0


@pytest.mark.parametrize(
    ("x", "d", "expected"),
    [
        (1000, 0, 1000),
        (1000, 4096, 0),
        (1000, 409, 900),
        (-1000, 409, -900),
        (1, 1, 0),
        (-1, 1, 0),
        (8388607, 1, 8386559),
    ],
)
def test_the_decay_of_loihi(x: int, d: int, expected: int) -> None:
    """By hand: ``1000 x 3687 / 4096 = 900.1``, ``8388607 x 4095 / 4096 = 8386559.0002``; towards zero on both sides."""
    assert integers.loihi_decay(x, d) == expected


@pytest.mark.parametrize(
    ("v", "dash", "expected"),
    [(1000, 4, 938), (15, 4, 14), (1, 4, 0), (0, 4, 0), (-1000, 4, -937), (-1, 4, 0), (32767, 15, 32766)],
)
def test_the_decay_of_xylo_and_its_linear_tail(v: int, dash: int, expected: int) -> None:
    """By hand: ``1000 - 62``; ``-1000 + 63``, because the shift goes down; below 16 the tail takes 1 a step."""
    assert integers.xylo_decay(v, dash) == expected
    steps = 0
    while v:
        v, steps = int(integers.xylo_decay(v, dash)), steps + 1
        assert steps < 10**6
