"""Two plain convolutional networks for digits, of the sizes that adversarial training is told of.

No norm mixes the pictures of a batch, so what an attack finds for one does not hang on the others.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 10


class SmallDigitNet(nn.Module):
    """Two convolutions that halve the grid, and a hidden layer (Wong, Rice and Kolter, 2020).

    Parameters
    ----------
    width : int
        Channels of the first convolution; the second has twice as many. Theirs is 16.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 4, stride=2, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.hidden = nn.Linear(2 * width * 7 * 7, 100)
        self.out = nn.Linear(100, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Turn pictures, shape (n, 1, 28, 28), into logits, shape (n, 10)."""
        x = F.relu(self.second(F.relu(self.first(x))))
        return self.out(F.relu(self.hidden(x.flatten(1))))


class MadryDigitNet(nn.Module):
    """Two convolutions of 5 × 5, each pooled, and a hidden layer of 1024 (Madry et al., 2018).

    Parameters
    ----------
    width : int
        Channels of the first convolution; the second has twice as many. Theirs is 32.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 5, padding=2)
        self.second = nn.Conv2d(width, 2 * width, 5, padding=2)
        self.hidden = nn.Linear(2 * width * 7 * 7, 1024)
        self.out = nn.Linear(1024, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Turn pictures, shape (n, 1, 28, 28), into logits, shape (n, 10)."""
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = F.max_pool2d(F.relu(self.second(x)), 2)
        return self.out(F.relu(self.hidden(x.flatten(1))))
