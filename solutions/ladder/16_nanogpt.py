# ---
# title: GPT, letter by letter
# subtitle: nanoGPT's model and training, piece by piece; how sure its published loss is; and what later ideas bring
# part: ladder
# hours: 5
# needs: [ladder/13_causal_transformer]
# teaches: [bits per character, fused attention, GPT-2's initialisation, residual stream growth, weight tying, parameter groups, warm-up and cosine, gradient clipping, gradient accumulation, standard error of an estimate, Newton–Schulz iteration, Muon, ablation]
# builds: bits per character, the encoder, fused attention, GPT-2's start, the parameter count, GPT, parameter groups, orthogonalisation, the schedule, clipping, accumulation, the estimate of the loss, the whole training
# number: validation loss 1.88 at nanoGPT's CPU setting and 1.4697 at its GPU setting, by the same estimate; then below it at the same number of tokens
# data: tiny Shakespeare
# run: nanogpt
# readings:
#   - {key: karpathy2022, where: "model.py and train.py, about 300 lines each: with this page behind you, you can read both from top to bottom", skip: "the loading of OpenAI's weights, until rung 17"}
#   - {key: radford2019, where: "section 2.3, 'Model': one paragraph with the start, the norms and the sizes", skip: "the results, for this page"}
#   - {key: dao2022, where: "sections 2 and 3.1: what the table of scores costs, and how to do without it", skip: "block-sparse attention, and the proofs"}
#   - {key: press2017, where: "sections 1 to 3: why one table may serve both ends", skip: "the translation results"}
#   - {key: pascanu2013, where: "section 3.2: clipping the norm, with the picture of the cliff", skip: "the analysis of vanishing gradients, which rung 10 has measured"}
#   - {key: jordan2024, where: "the definition, the choice of the coefficients, and which parameters are left to AdamW", skip: "the speed records"}
# recall:
#   - {q: "How many bits is a loss of one nat?", a: "1/ln 2 = 1.44. For characters the loss divided by ln 2 is the bits per character."}
#   - {q: "What does fused attention never store, and what does that save?", a: "The table of scores, T × T for each head. Memory grows like T instead of T²; the numbers are the same."}
#   - {q: "What does GPT-2 start with?", a: "Normal numbers of spread 0.02 in matrices and tables; the matrices that write into the residual stream at 0.02/√(2·layers); biases 0, gains 1."}
#   - {q: "Why √(2·layers)?", a: "2·layers independent terms are added to the stream, and their variances add. Divided by the root, the sum is as large for any depth."}
#   - {q: "Which parameters decay?", a: "Those with two axes or more. Gains and biases do not, and a tied table is in one group, once."}
#   - {q: "Clip by global norm: what is computed, what is changed?", a: "One norm over all gradients together. If it is above the limit, all gradients are multiplied by limit/norm; else nothing."}
#   - {q: "How do you accumulate gradients over unequal parts?", a: "Weigh each part's mean loss by its share of the rows, call backward on each, and clear only once."}
#   - {q: "Why does a function like F.dropout or fused attention need to be told the mode?", a: "A module has self.training; a function has not. A share handed over without asking the mode drops in evaluation too."}
#   - {q: "How sure is a mean of n batch losses?", a: "Its standard error is the spread of the batches divided by √n. Differences of less than about two of them say nothing."}
#   - {q: "What does Muon do to the momentum of a matrix?", a: "It makes all singular values about 1, by a few steps of X ← aX + bAX + cA²X with A = XXᵀ, and keeps the singular vectors."}
# ---

# %% [markdown]
# # GPT, letter by letter
#
# PLACEHOLDER
#

# %% tags=["setup"]
import json
import math
import time
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import chapter, check, hint, mine, progress, recorded, run
from descent.data import shakespeare
from descent.figures import COLOURS, plot_curves, titled, use_style
from descent.models.gpt import sample
from descent.study.catalog import course_root

chapter("ladder/16_nanogpt")
use_style()

# %% exercise="bits_per_character"
def bits_per_character(loss: float, characters: float = 1.0) -> float:
    """Say a loss in bits for each character.

    Parameters
    ----------
    loss : mean surprise of a token, in nats
    characters : how many characters a token stands for, on average

    Returns
    -------
    a float, in bits for each character
    """
    ### BEGIN SOLUTION
    return loss / math.log(2) / characters
    ### END SOLUTION


# %% check="bits_per_character"
check(bits_per_character)

# %% exercise="encode"
def encode(text: str, characters: list[str]) -> Tensor:
    """Write a text as tokens.

    Parameters
    ----------
    text : may be empty
    characters : the alphabet, every character once; token i stands for characters[i]

    Returns
    -------
    int64 of shape (len(text),); for an empty text too

    Raises
    ------
    ValueError : a character of the text is not in the alphabet
    """
    ### BEGIN SOLUTION
    number = {character: i for i, character in enumerate(characters)}
    if unknown := set(text) - set(number):
        raise ValueError(f"not in the alphabet: {sorted(unknown)}")
    return torch.tensor([number[character] for character in text], dtype=torch.int64)
    ### END SOLUTION


# %% check="encode"
check(encode)

# %% exercise="Attention"
class Attention(nn.Module):
    """Causal self-attention with several heads, fused.

    Parameters
    ----------
    width : numbers for each token, C
    heads : number of heads; it divides width
    dropout : share of the attention weights, and of the outputs, that is dropped in training mode

    Attributes
    ----------
    queries_keys_values : nn.Linear, width → 3 · width, without bias: of its outputs the first `width`
        are the queries of all heads, then come the keys, then the values; head h has the numbers
        h · width/heads up to (h + 1) · width/heads of each
    projection : nn.Linear, width → width, without bias. There are no other parameters.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.heads, self.share = heads, dropout
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width, bias=False)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Attend by one call of F.scaled_dot_product_attention, causally: (batch, time, width) → the same."""
        ### BEGIN SOLUTION
        batch, time, width = x.shape
        split = (batch, time, self.heads, width // self.heads)
        parts = self.queries_keys_values(x).split(width, dim=-1)
        q, k, v = (part.reshape(split).transpose(1, 2) for part in parts)
        share = self.share if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=share, is_causal=True)
        return F.dropout(self.projection(mixed.transpose(1, 2).reshape(x.shape)), share)
        ### END SOLUTION


# %% check="Attention"
check(Attention)

# %%
class Block(nn.Module):
    """Attention, then an MLP for each place, each after a norm and with a skip around it."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads, dropout)
        self.norm_2 = nn.LayerNorm(width, bias=False)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.projection = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.dropout(self.projection(F.gelu(self.expand(self.norm_2(x)))))


# %% exercise="initialise"
def initialise(model: nn.Module, layers: int) -> None:
    """Give every parameter of a model the start of GPT-2, in place.

    Parameters
    ----------
    model : made of nn.Linear, nn.Embedding and nn.LayerNorm, some of them without a bias. In
        model.named_parameters(), what has two axes is a matrix or a table; what has one axis and a
        name ending in "bias" is a bias; the other vectors are gains of norms.
    layers : number of its blocks, at least 1

    Matrices and tables: normal numbers around 0 with spread 0.02, but 0.02/√(2 · layers) where the
    name ends in "projection.weight". Biases 0, gains 1. The numbers come from torch's global generator,
    which is not seeded here. Nothing is returned.
    """
    ### BEGIN SOLUTION
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            spread = 0.02 / math.sqrt(2 * layers) if name.endswith("projection.weight") else 0.02
            nn.init.normal_(parameter, std=spread)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.ones_(parameter)
    ### END SOLUTION


# %% check="initialise"
check(initialise)

# %% exercise="parameter_count"
def parameter_count(vocabulary: int, context: int, width: int, layers: int, tied: bool = True) -> int:
    """Count the parameters of the model of this page, table of positions included.

    Parameters
    ----------
    vocabulary, context, width, layers : sizes of the model
    tied : whether the head is the token table, or a matrix of its own, width → vocabulary, without bias

    Returns
    -------
    a whole number
    """
    ### BEGIN SOLUTION
    block = 12 * width**2 + 2 * width
    tables = (vocabulary if tied else 2 * vocabulary) + context
    return tables * width + layers * block + width
    ### END SOLUTION


# %% check="parameter_count"
check(parameter_count)

# %% exercise="GPT"
class GPT(nn.Module):
    """A language model over tokens, as GPT-2 has it, without biases.

    Parameters
    ----------
    vocabulary : number of different tokens, V
    context : the most places it can read
    width, heads : as in Block
    layers : number of blocks, at least 1
    dropout : share dropped in training mode: of the sum of token and position, and in the blocks

    Attributes
    ----------
    tokens : nn.Embedding(vocabulary, width), which is the head as well
    positions : nn.Embedding(context, width)
    blocks : nn.ModuleList of `layers` different Blocks
    norm : nn.LayerNorm(width, bias=False). There are no other parameters.

    It starts as `initialise` says.
    """

    def __init__(
        self, vocabulary: int, context: int, width: int, heads: int, layers: int, dropout: float = 0.0
    ) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        initialise(self, layers)
        ### END SOLUTION

    def forward(self, tokens: Tensor) -> Tensor:
        """Score every token as the next one, at every place.

        Parameters
        ----------
        tokens : int64 of shape (batch, time), on whichever device the parameters are

        Returns
        -------
        logits of shape (batch, time, vocabulary); those at a place depend on it and on what is before

        Raises
        ------
        ValueError : time is more than the context
        """
        ### BEGIN SOLUTION
        time, context = tokens.shape[1], self.positions.num_embeddings
        if time > context:
            raise ValueError(f"{time} tokens are more than the context of {context}")
        places = torch.arange(time, device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(places))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.T
        ### END SOLUTION


# %% check="GPT"
check(GPT)

# %% exercise="parameter_groups"
def parameter_groups(model: nn.Module, decay: float) -> list[dict]:
    """Divide the parameters of a model into those that decay and those that do not.

    Parameters
    ----------
    model : two of its layers may share a parameter; a parameter with requires_grad False is left out
    decay : weight decay of the first group

    Returns
    -------
    two dictionaries, each with the keys "params", a list of the parameters themselves (it may be
    empty), and "weight_decay": first those with two axes or more, with `decay`; then all others, with 0.0.
    Every trained parameter is in one of them, once.
    """
    ### BEGIN SOLUTION
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.dim() >= 2]
    vectors = [parameter for parameter in trained if parameter.dim() < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    ### END SOLUTION


# %% check="parameter_groups"
check(parameter_groups)

# %% exercise="orthogonalise"
def orthogonalise(
    matrix: Tensor, steps: int = 5, coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315)
) -> Tensor:
    """Bring all singular values of a matrix near 1 and keep its singular vectors.

    Parameters
    ----------
    matrix : float, shape (rows, columns), either of them larger; not changed. It may be all zeros.
    steps : how many times the polynomial is applied
    coefficients : a, b and c of a·s + b·s³ + c·s⁵

    Returns
    -------
    the shape of matrix: the matrix, divided by its Frobenius norm, after `steps` steps of
    X ← aX + b(XXᵀ)X + c(XXᵀ)²X. Zeros stay zeros.
    """
    ### BEGIN SOLUTION
    a, b, c = coefficients
    x = matrix / (torch.linalg.norm(matrix) + 1e-12)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x
    ### END SOLUTION


# %% check="orthogonalise"
check(orthogonalise)

# %% exercise="learning_rate"
def learning_rate(step: int, steps: int, peak: float, least: float, warm_up: int) -> float:
    """Give the learning rate of a step: a straight rise, then half a cosine down.

    Parameters
    ----------
    step : counts from 0; it may be beyond the last
    steps : steps of the training, at least warm_up
    peak : the rate at step `warm_up`
    least : the rate from step `steps` on
    warm_up : steps before the peak, at least 0; step 0 has peak/(warm_up + 1)

    Returns
    -------
    a float
    """
    ### BEGIN SOLUTION
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    if step >= steps:
        return least
    share = (step - warm_up) / (steps - warm_up)
    return least + (peak - least) * 0.5 * (1 + math.cos(math.pi * share))
    ### END SOLUTION


# %% check="learning_rate"
check(learning_rate)

# %% exercise="clip_gradients"
def clip_gradients(parameters, largest: float) -> float:
    """Shorten the gradient of all parameters together, if it is longer than allowed.

    Parameters
    ----------
    parameters : any iterable of tensors, such as model.parameters(): it may be possible to walk through
        it only once. The gradients in `.grad` are changed; a parameter whose `.grad` is None is
        passed over.
    largest : the norm allowed, above 0

    Returns
    -------
    the norm before clipping, the root of the sum of squares of all gradients: a Python float.
    0.0 when there are no gradients.
    """
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if norm > largest:
        for gradient in gradients:
            gradient *= largest / norm
    return norm
    ### END SOLUTION


# %% check="clip_gradients"
check(clip_gradients)

# %% exercise="accumulate"
def accumulate(model: nn.Module, inputs: Tensor, targets: Tensor, parts: int) -> float:
    """Compute the gradient of a batch's mean loss, a part of the batch at a time.

    Parameters
    ----------
    model : maps int64 (rows, time) to logits (rows, time, vocabulary). Afterwards `.grad` of its
        parameters holds the gradient of the mean cross-entropy over the *whole* batch; what was in it
        before is cleared.
    inputs, targets : int64 of shape (batch, time)
    parts : into how many parts the batch is cut along its first dimension, at most `batch`. The sizes
        differ by at most 1, as torch.tensor_split makes them. The model reads a part at a time, and
        backward is called on each before the next is read.

    Returns
    -------
    the mean loss of the whole batch, in nats: a Python float
    """
    ### BEGIN SOLUTION
    model.zero_grad()
    total = 0.0
    for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True):
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten()) * (len(x) / len(inputs))
        loss.backward()
        total += loss.item()
    return total
    ### END SOLUTION


# %% check="accumulate"
check(accumulate)

# %% exercise="estimate_loss"
def estimate_loss(model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Estimate the loss of a text from some of its windows, and how sure that is.

    Parameters
    ----------
    model : maps int64 (rows, time) to logits (rows, time, vocabulary). It is evaluated in evaluation mode
        without recording gradients, and left in the mode in which it came.
    batches : at least two pairs (inputs, targets), int64 of shape (rows, time) each, all of one size

    Returns
    -------
    the mean of the batches' mean losses, in nats, and its standard error, which is the standard deviation of
    those losses (the one with n − 1) divided by √n: two Python floats
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    with torch.no_grad():
        losses = torch.stack([F.cross_entropy(model(x).flatten(0, 1), y.flatten()) for x, y in batches])
    model.train(was_training)
    return losses.mean().item(), losses.std().item() / math.sqrt(len(losses))
    ### END SOLUTION


# %% check="estimate_loss"
check(estimate_loss)

# %% exercise="train"
def train(
    model: nn.Module,
    batches: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    peak: float,
    least: float,
    warm_up: int,
    parts: int = 1,
    decay: float = 0.1,
    largest: float = 1.0,
) -> list[tuple[float, float]]:
    """Train a language model as nanoGPT does.

    Parameters
    ----------
    model : trained in place, in training mode, whichever mode it comes in
    batches : an iterator of pairs (inputs, targets); exactly one pair is taken for each step
    steps, peak, least, warm_up : of learning_rate
    parts : of accumulate
    decay : of parameter_groups
    largest : of clip_gradients

    Returns
    -------
    for each step a pair of Python floats: the loss of its batch before the step, and the norm of its
    gradient before clipping
    """
    ### BEGIN SOLUTION
    model.train()
    optimiser = torch.optim.AdamW(parameter_groups(model, decay), lr=peak, betas=(0.9, 0.99))
    curve = []
    for step in range(steps):
        inputs, targets = next(batches)
        loss = accumulate(model, inputs, targets, parts)
        norm = clip_gradients(model.parameters(), largest)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, peak, least, warm_up)
        optimiser.step()
        curve.append((loss, norm))
    return curve
    ### END SOLUTION


# %% check="train"
check(train)
