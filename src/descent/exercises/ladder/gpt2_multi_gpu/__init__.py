"""What ladder/17_gpt2_multi_gpu is judged by.

Answers that talk to other processes run as threads that take turns (`training.links`), so that a
check is quick, repeatable and never hangs. The oracles are sums over all processes, one process
with the whole batch, and formulas worked out step by step.
"""

from .average_gradients import average_gradients
from .data_parallel import DataParallel
from .decode import decode
from .fewest_gpus import fewest_gpus
from .from_openai import from_openai
from .merge import merge
from .my_rows import my_rows
from .read_windows import read_windows
from .ring_all_reduce import ring_all_reduce
from .update_seconds import update_seconds
from .utilisation import utilisation

__all__ = [
    "decode",
    "merge",
    "read_windows",
    "my_rows",
    "ring_all_reduce",
    "average_gradients",
    "utilisation",
    "fewest_gpus",
    "update_seconds",
    "from_openai",
    "DataParallel",
]
