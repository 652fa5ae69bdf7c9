"""ResNet-50 and its smaller relatives (He et al., 2016), as the ImageNet recipes train them.

Two changes since the paper are in every recipe: a bottleneck takes its stride in the 3 × 3
convolution, where nothing is skipped, and the last gain of a block begins at zero, so that a block
begins as the identity (Goyal et al., 2017).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

EXPANSION = 4  # a bottleneck's outputs for each channel inside


class Bottleneck(nn.Module):
    """1 × 1 down, 3 × 3, 1 × 1 up, and the input added.

    Parameters
    ----------
    inputs : int
        Channels that come in.
    width : int
        Channels of the 3 × 3 convolution; four times as many go out.
    stride : int
        Of the 3 × 3 convolution.
    """

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.conv_1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.norm_1 = nn.BatchNorm2d(width)
        self.conv_2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(width)
        self.conv_3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.norm_3 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm_3.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(project, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, H, W) to (batch, 4 × width, H / stride, W / stride)."""
        y = F.relu(self.norm_1(self.conv_1(x)))
        y = F.relu(self.norm_2(self.conv_2(y)))
        return F.relu(self.norm_3(self.conv_3(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """A residual network of bottlenecks.

    Parameters
    ----------
    classes : int
        Classes to score.
    blocks : tuple of int
        Bottlenecks in each stage; every stage but the first halves the side.
    width : int
        Channels inside the first stage's bottlenecks; each stage doubles them.
    """

    def __init__(self, classes: int, blocks: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        stages, inputs = [], width
        for stage, depth in enumerate(blocks):
            inside = width * 2**stage
            for block in range(depth):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(Bottleneck(inputs, inside, stride))
                inputs = EXPANSION * inside
        self.blocks = nn.Sequential(*stages)
        self.read_out = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures: Tensor) -> Tensor:
        """Score every class.

        Parameters
        ----------
        pictures : Tensor
            (batch, 3, H, W), normalised; any H and W from 32 on.

        Returns
        -------
        Tensor
            (batch, classes) logits.
        """
        x = F.relu(self.norm(self.stem(pictures)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        x = self.blocks(x).mean(dim=(2, 3))
        logits: Tensor = self.read_out(x)
        return logits


class ResNet50(ResNet):
    """The network of the published tables: 25 557 032 weights for 1000 classes."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__(classes, (3, 4, 6, 3), 64)
