"""What ladder/14_fast_resnet is judged by.

The oracles are simulations that go tick by tick, torch's own counters, conversions and meta
device, exact fractions, and loops over single numbers.
"""

from .after_speedup import after_speedup
from .attainable import attainable
from .conv_cost import conv_cost
from .epoch_seconds import epoch_seconds
from .launch_timeline import launch_timeline
from .rounded import rounded
from .shift import shift
from .smallest_batch import smallest_batch
from .strides import strides
from .train_fast import train_fast

__all__ = [
    "after_speedup",
    "epoch_seconds",
    "shift",
    "strides",
    "conv_cost",
    "attainable",
    "smallest_batch",
    "rounded",
    "launch_timeline",
    "train_fast",
]
