"""A small convolutional network whose one size is its width: what scaling is studied with."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 10
SIDE = 14  # of the pictures, in pixels


class ScalingCNN(nn.Module):
    """Three layers: two convolutions, each followed by a pooling, and a linear one.

    Parameters
    ----------
    width : int
        Channels of the first layer; the second has twice as many. The computation for a picture
        grows about as its square.
    dropout : float
        Share of the features dropped before the linear layer, while training.
    """

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width * 3 * 3, CLASSES)

    def forward(self, pictures: Tensor) -> Tensor:
        """Score each class.

        Parameters
        ----------
        pictures : (batch, 1, 14, 14)

        Returns
        -------
        (batch, 10) logits
        """
        x = F.max_pool2d(self.first(pictures).relu(), 2)  # (batch, width, 7, 7)
        x = F.max_pool2d(self.second(x).relu(), 2)  # (batch, 2 width, 3, 3)
        scores: Tensor = self.head(self.dropout(x.flatten(1)))
        return scores
