"""Parts with a fault each, for test_kit.py: what the checks have to catch. Run in plain Python: nothing is compiled."""

import random
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from onlinernn import SquaredError, Stream, Tanh
from onlinernn import checks
from onlinernn.kernels.cells import cell_step
from onlinernn.kernels.contracts import THREE_FACTOR, contract
from onlinernn.kernels.effects import effect
from onlinernn.kernels.losses import loss, loss_difference, output_error
from onlinernn.kernels.noise import draw
from onlinernn.kernels.rules import gain, node_noise
from onlinernn.kernels.schedules import factor
from onlinernn.kernels.updates import hidden_signal, lag, layer_signal
