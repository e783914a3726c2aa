"""Recurrent networks that learn online, without gradients, one time step at a time.

Start with :class:`OnlineLearner`; ``python -m onlinernn --help`` is the same from the command line.
"""

from importlib.metadata import version

from onlinernn import substrates
from onlinernn.errors import CheckpointError, DivergenceError
from onlinernn.kernels.cells import LeakSpectrum, LeakyTanh, Tanh
from onlinernn.kernels.converters import (
    Lost,
    Mismatch,
    Nearest,
    Noise,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    TelegraphNoise,
    Truncate,
    TwinMismatch,
    Wrap,
)
from onlinernn.kernels.decorrelation import Decorrelation, Undecorrelated, Whitening
from onlinernn.kernels.devices import (
    Asymmetry,
    CountWrites,
    DeviceBounds,
    Drift,
    Leak,
    PhaseChange,
    SoftBounds,
    Stuck,
    WriteError,
    WriteNoise,
)
from onlinernn.kernels.effects import IDEAL, Substrate
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.losses import SoftmaxCrossEntropy, SquaredError
from onlinernn.kernels.noise import LFSR, Gaussian, Rademacher, RandomTelegraph, Recorded, Uniform
from onlinernn.kernels.number import Division, Fixed, Int8, Int16, Int32, Int64, PowerOfTwo
from onlinernn.kernels.pulses import PulsedUpdate
from onlinernn.kernels.readouts import NLMS, RLS, Perturbed
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.schedules import Constant, Cosine, InverseTime
from onlinernn.kernels.window import WindowedNP
from onlinernn.learner import OnlineLearner
from onlinernn.referee import Referee
from onlinernn.results import StepResult, Trace

__version__ = version("onlinernn")

__all__ = [
    "ANP",
    "IDEAL",
    "LFSR",
    "NLMS",
    "NP",
    "RLS",
    "WP",
    "Asymmetry",
    "CheckpointError",
    "Constant",
    "Cosine",
    "CountWrites",
    "Decorrelation",
    "DeviceBounds",
    "DivergenceError",
    "Division",
    "Drift",
    "Fixed",
    "Gaussian",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "InverseTime",
    "Leak",
    "LeakSpectrum",
    "LeakyTanh",
    "LearnedFeedback",
    "Lost",
    "Mismatch",
    "Nearest",
    "Noise",
    "OnlineLearner",
    "Perturbed",
    "PhaseChange",
    "PowerOfTwo",
    "PulsedUpdate",
    "Quantise",
    "Rademacher",
    "RandomTelegraph",
    "Recorded",
    "Referee",
    "Saturate",
    "SoftBounds",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "StepResult",
    "Stochastic",
    "StochasticShared",
    "Stuck",
    "Substrate",
    "Tanh",
    "TelegraphNoise",
    "Trace",
    "Truncate",
    "TwinMismatch",
    "Undecorrelated",
    "Uniform",
    "Whitening",
    "WindowedNP",
    "Wrap",
    "WriteError",
    "WriteNoise",
    "substrates",
]
