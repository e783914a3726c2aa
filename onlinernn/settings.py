"""Settings: every number that the tables of one task need, and the tuned defaults in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar, get_args

RuleName = Literal["anp", "np", "wp"]
TaskName = Literal["mackey-glass", "copy", "weather", "csv"]
RULES: tuple[RuleName, ...] = get_args(RuleName)
TASKS: tuple[TaskName, ...] = get_args(TaskName)
ProbeName = Literal["mackey-glass", "recall", "xor", "weather", "copy", "csv", "drifting", "switching"]
PROBES: tuple[ProbeName, ...] = get_args(ProbeName)
ReadoutName = Literal["nlms", "rls"]
READOUTS: tuple[ReadoutName, ...] = get_args(ReadoutName)


@dataclass(frozen=True)
class Settings:
    """What all methods of one table share, and the rates of each.

    Attributes
    ----------
    rule : {"anp", "np", "wp"}
        The perturbation rule.
    hidden : int
        Hidden units n.
    epochs : int
        Passes over the training stream, of all methods but one.
    epochs_bptt : int
        Passes of the control that carries credit through time.
    lr_hidden, lr_readout : float
        Learning rates of the rule, for A, R, b and for B, c.
    sigma : float
        Standard deviation of its perturbation.
    decorrelation : float
        Learning rate of D; 0: no decorrelation.
    leak : float
        Share of the new value in a cell, in (0, 1]; 1: plain tanh.
    resync : int or None
        Steps after which the noisy copy is set back to the clean one; 0: never; None: as suits the rule.
    spectral_radius, input_scale : float
        Of the initial R, and of the initial A.
    lr_one_step, lr_bptt : float
        Adam's rates in the controls that follow a gradient, at the start; they fall to 0 over the run.
    window : int
        Steps over which the control that carries credit through time unrolls the network.
    dtype : {"float32", "float64"}
        Arithmetic of all networks.
    substrate : str
        Name of a hardware preset, or of a file with one; "": none.
    by_preset : bool
        Whether rule, decorrelation and readout are the preset's own, and not those named here; `lr_hidden` and `sigma`
        are those of its rule, and the network is the one that presets are tuned with.
    washout : int
        First steps of the test stream that are not scored, while the activity settles.
    """

    rule: RuleName = "anp"
    hidden: int = 100
    epochs: int = 20
    epochs_bptt: int = 60
    lr_hidden: float = 1e-5
    lr_readout: float = 1e-2
    sigma: float = 1e-2
    decorrelation: float = 0.0
    leak: float = 1.0
    resync: int | None = 0
    spectral_radius: float = 0.9
    input_scale: float = 1.0
    lr_one_step: float = 1e-3
    lr_bptt: float = 1e-3
    window: int = 50
    dtype: str = "float32"
    substrate: str = ""
    by_preset: bool = False
    washout: int = 0


# How these were chosen: on TRAINING data alone, never on a stream that a result is reported on. Mackey-Glass and copy
# memory: seeds 100 to 102, where default runs report 0, 1, 2. Weather: fitted to the first 28,000 training rows and
# scored on the other 5,600, 1 hour ahead ("near") and 24 and 48 hours ahead ("far"). Coarse grids in half decades at
# 100 units, one to three seeds, the frozen-test error, in this order: leak, input scale and readout rate of ANP for a
# FROZEN reservoir within 5 % of the best; on that network the rates of each rule (sigma was tried for ANP on
# Mackey-Glass: 0.01 and 0.001 do not differ); on it Adam's rate of each gradient control. On copy memory nothing beats
# the floor that knows the phase.
# True BPTT, with clipping and a rate that falls to 0, was tried in 12 settings or more on Mackey-Glass and on the
# weather 1, 24 and 48 hours ahead: rates 3e-4 to 3e-3 (1e-3 to 1e-2 on Mackey-Glass, 1e-4 too for "far"), 5 to 30
# epochs (20 to 60 on Mackey-Glass), windows of 20 and 50 steps (100 in places), all with seed 100, the best few with
# one or two more. It gains from epochs long after the online rules stop gaining, hence epochs of its own. 24 and 48
# hours share one choice, within 1 % of the best for each. On copy memory only three rates (1e-3 to 1e-2) and 40 or 200
# epochs were tried, with one seed and a whole sequence as the window: all end within 2 % of the floor that knows the
# phase.
_Tuned = Literal["mackey-glass", "copy", "near", "far"]
_TASKS: dict[_Tuned, dict[str, Any]] = {
    "mackey-glass": {
        "epochs": 20,
        "leak": 0.2,
        "input_scale": 6.0,
        "lr_one_step": 3e-4,
        "lr_bptt": 1e-2,
        "epochs_bptt": 60,
    },
    "copy": {"epochs": 40, "leak": 1.0, "input_scale": 1.0, "lr_one_step": 3e-4, "lr_bptt": 3e-3, "epochs_bptt": 200},
    "near": {"epochs": 5, "leak": 1.0, "input_scale": 1.0, "lr_one_step": 3e-5, "lr_bptt": 3e-3, "epochs_bptt": 30},
    "far": {"epochs": 5, "leak": 0.5, "input_scale": 1.0, "lr_one_step": 1e-4, "lr_bptt": 1e-4, "epochs_bptt": 30},
}
_RULES: dict[tuple[_Tuned, RuleName], dict[str, Any]] = {
    ("mackey-glass", "anp"): {"lr_hidden": 3e-4, "lr_readout": 3e-3, "sigma": 1e-2},
    ("mackey-glass", "np"): {"lr_hidden": 3e-4, "lr_readout": 3e-3, "sigma": 1e-2, "resync": 1},
    ("mackey-glass", "wp"): {"lr_hidden": 3e-4, "lr_readout": 1e-3, "sigma": 1e-3, "resync": 1},
    ("copy", "anp"): {"lr_hidden": 1e-5, "lr_readout": 1e-4, "sigma": 1e-2},
    ("copy", "np"): {"lr_hidden": 1e-5, "lr_readout": 1e-4, "sigma": 1e-2},
    ("copy", "wp"): {"lr_hidden": 1e-6, "lr_readout": 3e-5, "sigma": 1e-3},
    ("near", "anp"): {"lr_hidden": 1e-4, "lr_readout": 1e-3, "sigma": 1e-2},
    ("near", "np"): {"lr_hidden": 1e-4, "lr_readout": 3e-4, "sigma": 1e-2},
    ("near", "wp"): {"lr_hidden": 1e-5, "lr_readout": 1e-4, "sigma": 1e-3},
    ("far", "anp"): {"lr_hidden": 1e-5, "lr_readout": 1e-4, "sigma": 1e-2},
    ("far", "np"): {"lr_hidden": 1e-5, "lr_readout": 1e-4, "sigma": 1e-2},
    ("far", "wp"): {"lr_hidden": 1e-5, "lr_readout": 3e-5, "sigma": 1e-3},
}
NEAR = 6
"""Rows ahead up to which a forecast from a file gets the rates of a near one."""


def defaults(task: TaskName, rule: RuleName = "anp", horizon: int = 1) -> Settings:
    """Return the settings tuned for a task and a rule; those of the weather serve any other CSV file.

    Parameters
    ----------
    task : {"mackey-glass", "copy", "weather", "csv"}
        The task.
    rule : {"anp", "np", "wp"}
        The rule.
    horizon : int
        Rows ahead, for a task from a file.

    Examples
    --------
    >>> defaults("mackey-glass").hidden
    100
    """
    tuned = _tuned(task, horizon)
    return replace(Settings(rule=rule), **_TASKS[tuned], **_RULES[tuned, rule])


def _tuned(task: TaskName, horizon: int) -> _Tuned:
    if task == "mackey-glass" or task == "copy":
        return task
    return "near" if horizon <= NEAR else "far"


# On hardware: what the presets are tuned with (see their sources in onlinernn/substrates.py), which on the forecast is
# the network of a comparison, below, and so are the rates of its gradients. On files those stay as they are above.
_ON_HARDWARE: dict[_Tuned, dict[str, Any]] = {
    "mackey-glass": {"washout": 200, "lr_one_step": 1e-4, "lr_bptt": 3e-3, "epochs_bptt": 20},
    "copy": {},
    "near": {"epochs": 2, "washout": 200},
    "far": {"epochs": 2, "washout": 200},
}


def on_hardware(task: TaskName, horizon: int = 1) -> Settings:
    """Return the settings of a preset's own rule on a task; `lr_hidden` and `sigma` are still to come from the preset.

    Parameters
    ----------
    task : {"mackey-glass", "copy", "weather", "csv"}
        The task.
    horizon : int
        Rows ahead, for a task from a file.

    Examples
    --------
    >>> on_hardware("mackey-glass").hidden
    30
    """
    usual = replace(defaults(task, "anp", horizon), hidden=30, leak=1.0, resync=None, by_preset=True)
    return replace(usual, **_ON_HARDWARE[_tuned(task, horizon)])


@dataclass(frozen=True)
class Match:
    """What all methods of a comparison on one network share, and the rates of each.

    Attributes
    ----------
    hidden : int
        Hidden units n.
    leak : float
        Share of the new value in a cell, in (0, 1]; 1: plain tanh.
    slowest : float
        Above 0 the leaks are a spectrum from this one to 1, and ``leak`` is not used.
    readout : {"nlms", "rls"}
        What all learners read out with: NLMS on whitened activity, or RLS, in float64, on the activity as it is.
    ridge : float
        Strength of the regularisation of RLS, > 0.
    spectral_radius, input_scale : float
        Of the initial R; of the initial A and b.
    bias : float
        The constant that drives the biases.
    past : int
        Inputs that every network reads at a time, the present one included.
    washout : int
        First steps of the test stream that are not scored, while the activity settles.
    endless : bool
        True: rates stay as they are, for a stream that goes on changing. False: they fall as half a cosine.
    lr_anp, lr_np, lr_wp, lr_windowed : float
        Hidden rates of the perturbation rules. (Learned feedback has one default for all tasks.)
    lr_one_step, lr_k_step, lr_rflo, lr_bptt : float
        Adam's rates, at the start.
    window : int
        Steps over which BPTT unrolls the network.
    lags : int
        Steps back that the k-step gradient reaches, the present one included.
    dtype : {"float32", "float64"}
        Arithmetic of all networks.
    """

    hidden: int = 30
    leak: float = 1.0
    slowest: float = 0.0
    readout: ReadoutName = "nlms"
    ridge: float = 1.0
    spectral_radius: float = 0.9
    input_scale: float = 1.0
    bias: float = 0.3
    past: int = 1
    washout: int = 200
    endless: bool = False
    lr_anp: float = 1e-7
    lr_np: float = 1e-7
    lr_wp: float = 1e-7
    lr_windowed: float = 1e-6
    lr_one_step: float = 1e-4
    lr_k_step: float = 3e-4
    lr_rflo: float = 1e-4
    lr_bptt: float = 3e-3
    window: int = 50
    lags: int = 13
    dtype: str = "float32"


# How these were chosen: with seeds 100 to 107 (fewer for the slow ones), scored on ANOTHER TRAINING stream and never on
# a test stream, at 30 units, 20 passes of the forecast and 30 of each bit probe. The network (radius, input scale,
# bias, tanh without leak) is the same for all; on the forecast an input scale of 6 suits what trains the hidden layer,
# while the frozen control has about half the error at 3, where BPTT has a little more: --input-scale 3 shows it.
# True BPTT: 16 settings of rate (1e-3 to 1e-2), window (25 to 100) and schedule (constant, cosine) on the forecast, 12
# on each bit probe, where rates of 1e-3 and 3e-3 solve both at every window; a leak of 0.5 would take a fifth off its
# error on the forecast. The other gradients: 3 to 5 rates. ANP, NP, WP and WindowedNP: 4 to 10 rates, the copies of NP
# and WP set back after every step, which is better; on the forecast none of the four gains on the frozen control, and
# rates ten times these ruin it. Weather: the
# network and its readout were chosen for the frozen layer, fitted to the first 28,000 training rows and scored on the
# other 5,600, among 199 settings that read the present row and, after that, 36 that read 2 to 48 rows (1 to 1000 as
# ridge, 100 to 300 units); the gradients are not tuned on it. CSV files take what suits the weather; copy memory and
# the streams that change are not tuned.
_FILES: dict[str, Any] = {
    "hidden": 200,
    "past": 24,
    "slowest": 0.005,
    "readout": "rls",
    "dtype": "float64",
    "bias": 0.2,
    "input_scale": 0.17,
    "washout": 0,
    "lr_anp": 3e-9,
    "lr_np": 3e-9,
    "lr_wp": 1e-8,
    "lr_windowed": 3e-9,
    "lr_k_step": 1e-4,
}
_MATCHES: dict[ProbeName, dict[str, Any]] = {
    "mackey-glass": {
        "input_scale": 6.0,
        "lr_anp": 3e-9,
        "lr_np": 3e-9,
        "lr_wp": 1e-8,
        "lr_windowed": 3e-9,
        "lr_k_step": 1e-4,
        "lr_bptt": 3e-3,
        "window": 50,
    },
    "recall": {},
    "xor": {},
    "weather": _FILES,
    "copy": {"washout": 0},
    "csv": _FILES,
    "drifting": {"endless": True},
    "switching": {"endless": True},
}


def match(task: ProbeName, horizon: int = 1) -> Match:
    """Return the settings of a comparison on a task; those of the weather serve any other CSV file.

    Parameters
    ----------
    task : {"mackey-glass", "recall", "xor", "weather", "copy", "csv", "drifting", "switching"}
        The task.
    horizon : int
        Rows ahead, for a task from a file.

    Examples
    --------
    >>> match("mackey-glass").hidden
    30
    """
    far: dict[str, Any] = {"ridge": 100.0} if task in ("weather", "csv") and horizon > NEAR else {}
    return replace(Match(), **_MATCHES[task], **far)


_Some = TypeVar("_Some", Settings, Match)


def overridden(settings: _Some, **given: Any) -> _Some:
    """Return settings in which whatever is given, and not None, takes the place of the default.

    Parameters
    ----------
    settings : Settings or Match
        The defaults.
    **given
        Their fields; names that are none are left out.
    """
    known = {field.name for field in fields(settings)}
    return replace(settings, **{name: value for name, value in given.items() if name in known and value is not None})
