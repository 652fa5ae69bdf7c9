"""What research/03_training_at_scale is judged by.

Answers that talk to other processes run as threads that take turns (`training.links`), so that a
check is quick, repeatable and never hangs. The oracles are one process with everything, sums in
float64, and programs followed tick by tick. The kernel runs in Triton's interpreter.
"""

from .adam_kernel import adam_kernel
from .all_gather import all_gather
from .average_gradients import average_gradients
from .bandwidth_fraction import bandwidth_fraction
from .break_even_bytes import break_even_bytes
from .broadcast import broadcast
from .diagnose import diagnose
from .fewest_micro_batches import fewest_micro_batches
from .loss_scaler import LossScaler
from .parallel_pair import ParallelPair
from .pipeline_schedule import pipeline_schedule
from .reduce_scatter import reduce_scatter
from .shard import shard
from .smallest_scale import smallest_scale
from .zero_adam import ZeroAdam

__all__ = [
    "shard",
    "broadcast",
    "reduce_scatter",
    "all_gather",
    "break_even_bytes",
    "average_gradients",
    "diagnose",
    "smallest_scale",
    "LossScaler",
    "pipeline_schedule",
    "fewest_micro_batches",
    "ParallelPair",
    "ZeroAdam",
    "adam_kernel",
    "bandwidth_fraction",
]
