"""The algorithms a perturbation rule is measured against, in plain NumPy and without automatic differentiation.

Gradients of the summed loss of a sequence: `bptt` (full), `tbptt` (truncated to windows of k steps), `one_step` (no
gradient crosses a step: what a per-step rule can at best estimate), `k_step` (every loss through the k steps before
it), `rtrl` (full, by forward accumulation); and `rflo`, a local stand-in for one.
`ReferenceLearner` trains with any of them, `SGD` or `Adam`, and decorrelation. It shares no code with the kernels.
"""

from onlinernn.reference.bptt import Gradient, bptt, one_step, tbptt
from onlinernn.reference.decorrelation import decorrelation_step
from onlinernn.reference.k_step import k_step
from onlinernn.reference.network import Network, Parameters, State
from onlinernn.reference.optimizers import SGD, Adam, Optimizer
from onlinernn.reference.rflo import rflo
from onlinernn.reference.rtrl import rtrl
from onlinernn.reference.trainer import ReferenceLearner, Trace

__all__ = [
    "SGD",
    "Adam",
    "Gradient",
    "Network",
    "Optimizer",
    "Parameters",
    "ReferenceLearner",
    "State",
    "Trace",
    "bptt",
    "decorrelation_step",
    "k_step",
    "one_step",
    "rflo",
    "rtrl",
    "tbptt",
]
