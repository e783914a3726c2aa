"""A learner on a substrate: what the chains do to it, and that without effects it is the learner as it was."""

import numpy as np
import pytest
from numba import config

from onlinernn import (
    ANP,
    IDEAL,
    NLMS,
    WP,
    CheckpointError,
    CountWrites,
    DeviceBounds,
    Drift,
    Leak,
    Lost,
    Mismatch,
    Nearest,
    OnlineLearner,
    PulsedUpdate,
    Quantise,
    Saturate,
    SoftBounds,
    Stochastic,
    StochasticShared,
    Stuck,
    Substrate,
    TelegraphNoise,
    TwinMismatch,
    Wrap,
    checkpoint,
)
from onlinernn.accounts import warnings
from onlinernn.hardware import canonical_substrate
from onlinernn.kernels.layout import OPEN

U = np.sin(0.3 * np.arange(60))[:, None]
GRID = 2.0**-8
FEW_BITS = Substrate(
    read=(Quantise(2.0**-4),),
    write=(Quantise(GRID, Stochastic()), Saturate(-1.0, 1.0)),
    node=(Quantise(2.0**-10),),
    scale_readout=2.0,
)


def run(substrate=None, hidden=12, **settings):
    given = {} if substrate is None else {"substrate": substrate}
    learner = OnlineLearner(1, hidden, 1, rule=ANP(1e-3, 0.02), dtype=np.float64, seed=3, **given, **settings)
    return learner, learner.run(U[:-1], U[1:])


def test_a_substrate_without_effects_is_ideal():
    ideal, trace = run()
    device, same = run(Substrate())
    np.testing.assert_allclose(same.predictions, trace.predictions, rtol=1e-9, atol=1e-12)
    for name, weight in ideal.weights.items():
        np.testing.assert_allclose(device.weights[name], weight, rtol=1e-9, atol=1e-12)


@pytest.mark.skipif(config.DISABLE_JIT, reason="tells compiled functions apart")
def test_the_ideal_substrate_is_no_other_code():
    """It costs nothing: both call the same compiled function, which a substrate with effects does not."""
    (without, _), (ideal, _), (device, _) = run(), run(IDEAL), run(FEW_BITS)
    assert ideal._run is without._run
    assert device._run is not without._run


def test_written_weights_lie_on_the_grid():
    learner, trace = run(FEW_BITS)
    B = learner.weights["B"] / FEW_BITS.scale_readout
    assert np.array_equal(B, np.rint(B / GRID) * GRID)
    assert np.any(B != 0)
    assert np.abs(trace.predictions - run()[1].predictions).max() > 1e-3


def test_a_saved_substrate_goes_on_bit_for_bit(tmp_path):
    learner, _ = run(FEW_BITS)
    learner.save(tmp_path / "learner")
    again = OnlineLearner.load(tmp_path / "learner")
    assert again.spec.substrate == FEW_BITS
    assert again.run(U[:-1], U[1:]).predictions.tobytes() == learner.run(U[:-1], U[1:]).predictions.tobytes()


def test_weights_that_were_set_are_written_before_anybody_looks():
    weights = {"R": np.full((12, 12), 9.3 * GRID), "B": np.full((1, 12), 0.4)}
    at_once, read, copied, reset = (run(FEW_BITS)[0] for _ in range(4))
    for learner in (at_once, read, copied, reset):
        learner.set_weights(**weights)
    reset.reset()
    for name, weight in read.weights.items():
        assert np.array_equal(weight, reset.weights[name])
    assert set(np.unique(read.weights["R"])) == {9 * GRID, 10 * GRID}  # by chance
    predictions = at_once.run(U[:-1], U[1:]).predictions
    assert read.run(U[:-1], U[1:]).predictions.tobytes() == predictions.tobytes()
    assert copied.clone().run(U[:-1], U[1:]).predictions.tobytes() == predictions.tobytes()
    assert np.abs(reset.run(U[:-1], U[1:]).predictions - predictions).max() > 1e-3  # the twin: it starts elsewhere


def test_weights_set_between_forward_and_feedback_are_written_too():
    learner, _ = run(FEW_BITS)
    learner._tally[OPEN] = 1  # as `forward` does, which it would take ten seconds to compile
    learner.set_weights(R=np.full((12, 12), 9.3 * GRID))
    learner._tally[OPEN] = 0
    assert set(np.unique(learner.weights["R"])) == {9 * GRID, 10 * GRID}


@pytest.mark.parametrize("hidden", [12, 13])
def test_many_bits_are_floating_point(hidden):
    """The grids of FEW_BITS, but fine ones: what is left is that they are not quite the same numbers.

    Rows are written two at a time, and the last of an odd number alone.
    """
    fine = FEW_BITS._replace(
        read=(Quantise(2.0**-48),),
        write=(Quantise(2.0**-48, Stochastic()), Saturate(-8.0, 8.0)),
        node=(Quantise(2.0**-48),),
    )
    (ideal, trace), (device, same) = run(hidden=hidden), run(fine, hidden)
    np.testing.assert_allclose(same.predictions, trace.predictions, atol=1e-9)
    np.testing.assert_allclose(device.weights["R"], ideal.weights["R"], atol=1e-9)
    assert np.abs(run(FEW_BITS, hidden)[1].predictions - trace.predictions).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda effect: effect["fields"].update(colour=1.0), "does not fit this version: .*colour"),
        (lambda effect: effect.update(part="onlinernn.kernels.converters.Tint"), "the part .*Tint, which is not reg"),
        (lambda effect: effect["fields"].update(step=-1.0), "does not fit this version: .*step is -1"),
    ],
)
def test_a_substrate_of_another_version_is_one_clear_error(change, words, tmp_path):
    learner, _ = run(FEW_BITS)
    learner.save(tmp_path / "learner")
    header, arrays = checkpoint.read(tmp_path / "learner")
    (effect,) = header["parts"]["substrate"]["fields"]["read"]
    change(effect)
    checkpoint.write(tmp_path / "learner", header, arrays)
    with pytest.raises(CheckpointError, match=words):
        OnlineLearner.load(tmp_path / "learner")


@pytest.mark.parametrize(
    ("substrate", "words"),
    [
        (Substrate(read=Quantise(0.1)), "it must be a tuple"),
        (Substrate(node=(3,)), "effect is 3"),
        (Substrate(node=(Quantise(0.0),)), "step is 0; it must be greater than 0"),
        (Substrate(scale_input=3.0), "scale_input is 3.0; it must be a power of two"),
        ("loihi", "substrate is 'loihi'"),
        (Substrate(read=(Saturate(1.0, 1.0),)), "low must be below high"),
        (Substrate(write=(SoftBounds(0.5, 1.0),)), "0 must lie between them"),
        (Substrate(write=(Stuck(0.1, 1.0, -1.0),)), "low must not exceed high"),
        (Substrate(read=(Mismatch(gain=-0.1),)), "gain is -0.1; it must be at least 0"),
        (Substrate(write=(Mismatch(gain=0.1),)), "write: Mismatch would multiply the state again at every write"),
        (Substrate(write=(Lost(0.1),)), "write: Lost would set what is stored to 0"),
        (Substrate(write=(Quantise(4.0), Saturate(-1.0, 1.0))), "coarser than the whole range"),
        (Substrate(write=(Quantise(2.0**-60), Saturate(-1.0, 1.0))), "float64 carries 53"),
        (Substrate(write=(Quantise(2.0**-52, Stochastic()), Saturate(-1.0, 1.0))), "float64 carries 51 by chance"),
        (Substrate(write=(Saturate(-1.0, 0.0), Saturate(0.5, 1.0))), "the ranges of a chain must overlap"),
        (Substrate(node=(PulsedUpdate(0.1),)), "node: PulsedUpdate does nothing there; it belongs in the chain write"),
        (Substrate(read=(Leak(10.0),)), "read: Leak does nothing there; it belongs in the chain write"),
        (Substrate(read=(CountWrites(),)), "read: CountWrites does nothing there; it belongs in the chain write"),
        (Substrate(drive=(Drift(0.1),)), "drive: Drift does nothing there; it belongs in the chain read"),
        (Substrate(write=(TelegraphNoise(0.1, 0.1, 0.1),)), "TelegraphNoise would add its mean at every write"),
        (Substrate(write=(TwinMismatch(0.1),)), "write: TwinMismatch finds one state for all copies there"),
        (Substrate(input=(TwinMismatch(0.1),)), "input: TwinMismatch finds one converter for all copies"),
        (Substrate(feedback=(TwinMismatch(0.1),)), "feedback: TwinMismatch finds one line for all copies"),
        (Substrate(node=(Quantise(0.5),)), "sigma is 0.01, and the chain node rounds to 0.5"),
        (Substrate(output=(Quantise(0.5),)), "sigma is 0.01, and the chain output rounds to 0.5"),
    ],
)
def test_bad_substrates_are_refused(substrate, words):
    with pytest.raises((TypeError, ValueError), match=words):
        run(substrate)


@pytest.mark.parametrize("chain", ["input", "read", "drive", "node", "output", "feedback"])
def test_noise_and_mismatch_of_devices_stand_where_they_mean_something(chain):
    effects = (TelegraphNoise(0.1, 0.1, 0.1), Mismatch(0.1))
    effects += () if chain in ("input", "feedback") else (TwinMismatch(0.1),)
    assert getattr(canonical_substrate(Substrate(**{chain: effects})), chain) == effects


def test_a_coarse_output_is_refused_only_where_outputs_are_perturbed():
    coarse = Substrate(output=(Quantise(0.5),))
    assert OnlineLearner(1, 3, 1, rule=ANP(), readout=NLMS(), substrate=coarse).spec.substrate == coarse
    assert OnlineLearner(1, 3, 1, rule=WP(), substrate=coarse).spec.substrate == coarse


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        (Stochastic(), lambda found: found["updates"]),
        (StochasticShared(), lambda found: 3 * 59),
        (Nearest(), lambda _: 0),
    ],
)
def test_random_numbers_that_writes_take_are_counted(rounding, wanted):
    """One for each update, or one for each of three arrays and 59 steps, or none."""
    found = run(Substrate(write=(Quantise(GRID, rounding), Saturate(-1.0, 1.0))))[0].report()
    assert found["random_numbers_writes"] == wanted(found)
    assert found["updates"] > 59 * 12 * 12


def test_the_writes_of_the_most_written_device_are_told():
    """The constant of the readout is written in all 59 steps; R is not in the first, nor A where the input is 0."""
    found = run(Substrate(write=(CountWrites(),)))[0].report()
    assert found["most_writes"] == 59
    assert 57 < found["writes_per_weight"] < 59
    assert found["writes"] == pytest.approx(found["writes_per_weight"] * found["weights"])


@pytest.mark.parametrize(
    ("write", "low", "high"),
    [
        ((Quantise(2.0**-6), Saturate(-0.25, 0.125)), -0.25, 0.125),
        ((Saturate(-0.25, 0.125), Quantise(2.0**-6)), -0.25, 0.125),
        ((DeviceBounds(-0.25, 0.125),), -0.25, 0.125),
        ((Leak(10.0), Saturate(-0.25, 0.125)), -0.25, 0.125),  # time takes all of them away from there
        ((Wrap(-4.0, 4.0),), -4.0, 4.0),
        ((SoftBounds(-0.1, 0.1),), -1e9, 1e9),  # approached, never reached
    ],
    ids=lambda value: "-".join(type(one).__name__ for one in value) if isinstance(value, tuple) else None,
)
def test_devices_that_stand_at_a_bound_are_counted(write, low, high):
    scale = 0.5
    substrate = Substrate(write=write, scale_input=scale, scale_recurrent=scale, scale_readout=scale)
    learner = run(substrate)[0]
    states = np.concatenate([weight.ravel() for weight in learner.weights.values()]) / scale
    found = learner.report()
    assert found["weights"] == states.size == 12 * 12 + 12 + 12 + 12 + 1
    assert found["weights_at_bound"] == np.count_nonzero((states <= low) | (states >= high))
    assert (0 < found["weights_at_bound"] < 150) == (high == 0.125 and not isinstance(write[0], Leak))


def test_each_device_stands_at_a_bound_of_its_own():
    """Driven far beyond it all of them do, at as many places; none does after half of the way back."""
    substrate = Substrate(write=(DeviceBounds(-1.0, 1.0, 0.3, 0.3),))
    learner = run(substrate)[0]
    learner.set_weights(**{name: np.full_like(weight, 99.0) for name, weight in learner.weights.items()})
    learner.predict(U[0])
    found = learner.report()
    assert found["weights_at_bound"] == found["weights"]
    assert np.unique(learner.weights["R"]).size > 100
    learner.set_weights(**{name: weight / 2 for name, weight in learner.weights.items()})
    assert learner.report()["weights_at_bound"] == 0


@pytest.mark.parametrize(("limit", "clipped"), [(0.6, True), (2.0, False)])
def test_inputs_and_activities_that_are_clipped_are_counted_and_warned_of(limit, clipped):
    """Of inputs those beyond the limit; of activities, some of each of two copies."""
    clip = (Saturate(-limit, limit),)
    found = run(Substrate(input=clip, node=clip), input_scale=3.0)[0].report()
    assert (found["inputs"], found["activities"]) == (59, 59 * 12 * 2)
    assert found["bound_input"] == np.count_nonzero(np.abs(U[:-1]) > limit)
    assert (0.05 * 59 * 12 * 2 < found["bound_node"] < 59 * 12 * 2) == clipped
    told = [line.split(": ")[0] for line in warnings(found)]
    share, of_node = 100 * found["bound_input"] / 59, 100 * found["bound_node"] / found["activities"]
    wanted = [f"{share:.0f} % of the inputs ran into a limit", f"{of_node:.0f} % of the activities ran into a limit"]
    assert [line for line in told if "of the" in line] == wanted * clipped
