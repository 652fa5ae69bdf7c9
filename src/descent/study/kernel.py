"""A kernel of the Python that runs this, whatever kernels are registered on the machine."""

from __future__ import annotations

import sys

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager


class KernelOfThisPython(AsyncKernelManager):
    """Starts a kernel in this environment; a registered ``python3`` may be another Python."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The command that starts the kernel."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "--log-level=40"]
        argv += ["-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")
