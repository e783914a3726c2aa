"""Recurrent networks that learn online, without gradients, one time step at a time.

Start with :class:`OnlineLearner`; ``python -m onlinernn --help`` is the same from the command line.
"""

from importlib.metadata import version

from onlinernn.errors import CheckpointError, DivergenceError
from onlinernn.kernels.cells import LeakSpectrum, LeakyTanh, Tanh
from onlinernn.kernels.decorrelation import Decorrelation, Undecorrelated, Whitening
from onlinernn.kernels.effects import (
    IDEAL,
    Nearest,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    Substrate,
    Truncate,
)
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.losses import SoftmaxCrossEntropy, SquaredError
from onlinernn.kernels.noise import Gaussian, Rademacher, Uniform
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
    "NLMS",
    "NP",
    "RLS",
    "WP",
    "CheckpointError",
    "Constant",
    "Cosine",
    "Decorrelation",
    "DivergenceError",
    "Gaussian",
    "InverseTime",
    "LeakSpectrum",
    "LeakyTanh",
    "LearnedFeedback",
    "Nearest",
    "OnlineLearner",
    "Perturbed",
    "Quantise",
    "Rademacher",
    "Referee",
    "Saturate",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "StepResult",
    "Stochastic",
    "StochasticShared",
    "Substrate",
    "Tanh",
    "Trace",
    "Truncate",
    "Undecorrelated",
    "Uniform",
    "Whitening",
    "WindowedNP",
]
