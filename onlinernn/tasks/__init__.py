"""Tasks: where the streams come from that a network learns on. One file a task; NumPy and the standard library only."""

from onlinernn.tasks.bits import Recall, xor
from onlinernn.tasks.changing import Drifting, switching
from onlinernn.tasks.copy_memory import CopyMemory
from onlinernn.tasks.csv import CsvTask
from onlinernn.tasks.delay_line import DelayLine
from onlinernn.tasks.derived import DerivedTask
from onlinernn.tasks.mackey_glass import MackeyGlass
from onlinernn.tasks.noise import NoisyTargets, WhiteNoise
from onlinernn.tasks.settled import Settled
from onlinernn.tasks.stream import Standardiser, Stream, Task, target_variance
from onlinernn.tasks.table import Gaps, Table, read_table
from onlinernn.tasks.weather import weather

__all__ = [
    "CopyMemory",
    "CsvTask",
    "DelayLine",
    "DerivedTask",
    "Drifting",
    "Gaps",
    "MackeyGlass",
    "NoisyTargets",
    "Recall",
    "Settled",
    "Standardiser",
    "Stream",
    "Table",
    "Task",
    "WhiteNoise",
    "read_table",
    "switching",
    "target_variance",
    "weather",
    "xor",
]
