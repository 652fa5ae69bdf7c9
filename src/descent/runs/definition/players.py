"""What runs share in which a policy learns to play from pictures."""

from __future__ import annotations

import math

from descent.runs.definition.declaration import Needs
from descent.training.ppo.settings import PpoSettings

BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and Adam's two means, in float32
WEIGHTS = {84: 1_700_000, 16: 270_000}  # of our networks, by the side of a picture
KEPT_OF_A_PIXEL = 40  # bytes, for the backward pass: itself in float32, and what layers make of it
OF_AN_ENVIRONMENT = 200_000  # bytes of what it is in, as text


def needs_of(settings: PpoSettings, shape: tuple[int, ...]) -> Needs:
    """Estimate memory and disk: the weights, what is lived through, and what is learned from.

    Parameters
    ----------
    settings : PpoSettings
    shape : tuple of int
        Of an observation: channels, height, width.
    """
    pixels = math.prod(shape)
    weights = WEIGHTS[shape[-1]]
    lived = settings.moments * pixels
    learned = (settings.rows + settings.environments) * pixels * KEPT_OF_A_PIXEL
    # What all processes lived through is held three times while it is put together.
    memory = weights * BYTES_OF_A_WEIGHT + 3 * lived + learned
    left = settings.environments * OF_AN_ENVIRONMENT
    return Needs(memory=memory, checkpoint=weights * 12 + lived + left)
