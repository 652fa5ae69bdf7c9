"""A small convolutional network whose one size is its width: what scaling is studied with."""

from __future__ import annotations

from torch import Tensor, nn

CLASSES = 10


class ScalingCNN(nn.Module):
    """Three layers: two convolutions of stride 2, and a linear one.

    Parameters
    ----------
    width : int
        Channels of the first layer; the second has twice as many. The computation for a picture
        grows about as its square.
    dropout : float
        Share of the features dropped after each of the first two layers, while training.
    """

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 3, stride=2, padding=1),  # to (width, 14, 14)
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),  # to (2 width, 7, 7)
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(2 * width * 7 * 7, CLASSES),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Score each class.

        Parameters
        ----------
        pictures : (batch, 1, 28, 28)

        Returns
        -------
        (batch, 10) logits
        """
        scores: Tensor = self.layers(pictures)
        return scores
