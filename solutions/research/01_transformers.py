# ---
# title: Transformers from first principles
# subtitle: Every piece of a decoder built for a reason, a task whose floor is known, and faults read off two rows of numbers
# part: research
# hours: 30
# needs: [ladder/11_word_mlp, ladder/12_sampling]
# teaches: [sinusoidal positions, self-attention, mask, decoder-only model, floor of the loss, causal mask, rotary positions, ALiBi, multi-query attention, KV cache, mixture of experts, balancing loss]
# builds: sinusoidal positions and the matrix that shifts them, attention with free widths, multi-head attention, the block, the decoder, the reversal task with its floor, accuracy by place, a diagnosis, blocks that do not overlap, the size of a leak, rotary positions, multi-query attention with a cache, routing to experts
# number: a reversed row at least 99 % right in its second half and at chance in its first, with the mean loss at its floor
# data: generated rows of digits; tiny Shakespeare
# run: word_shakespeare
# readings:
#   - {key: vaswani2017, where: "section 3, in the middle of this page: the whole architecture in four pages", skip: "sections 5 and 6 at first, and all that concerns the encoder"}
#   - {key: alammar2018, where: "the whole page, if section 3 of the paper was heavy going: the same pieces as drawings", skip: "the encoder's side"}
#   - {key: haviv2022, where: "the abstract and the introduction: what a causal mask tells a model that was given no positions", skip: "the probing experiments"}
#   - {key: su2021, where: "the formulation of the rotation and its properties", skip: "the experiments on Chinese data"}
#   - {key: press2022, where: "the first half: what goes wrong beyond the length of training, and the bias that helps", skip: "the appendices"}
#   - {key: shazeer2019, where: "all of it: nine pages of code and counting", skip: "the tables of translation scores"}
#   - {key: fedus2022, where: "section 2, on routing and its balancing loss", skip: "what follows on very large machines, until research chapter 3"}
# sections:
#   - {id: task, heading: "A task with a known floor", for: "a loss that means something only beside the smallest one possible: the habit behind every check of a model", needs: [ladder/11#perplexity]}
#   - {id: positions, heading: "Time without a recurrence", for: "order as a vector that is added; rotary positions and the length a model can read rest on it", needs: [task, ladder/11#network]}
#   - {id: attention, heading: "Three widths", for: "which dimensions must agree and which are free, which multi-query attention and its cache exploit later", needs: [positions]}
#   - {id: block, heading: "Read section 3 now", for: "the residual stream, which research chapter 8 reads and every deep transformer needs", needs: [attention]}
#   - {id: decoder, heading: "The decoder", for: "the model that all experiments of the page train, and the real run too", needs: [block]}
#   - {id: reversal, heading: "Reversing a row", for: "a result judged by its floor and by place instead of by one mean", needs: [decoder, task, ladder/11#training]}
#   - {id: skips, heading: "What the skip carries", for: "the reason for residual connections as a number, at a depth of four", needs: [reversal]}
#   - {id: widths, heading: "How narrow can it be?", for: "what a query has to say and what a value has to carry, measured", needs: [reversal, attention]}
#   - {id: faults, heading: "Four models, one of them healthy", for: "diagnosis from evidence, for the day when your own loss looks wonderful", needs: [reversal]}
#   - {id: words, heading: "Words of Shakespeare", for: "text cut without loss, and each token predicted once: the data of the real run", needs: [decoder, ladder/11#vocabulary, ladder/12#generation]}
#   - {id: leak, heading: "A validation set that was read before", for: "splits that mean what they say, wherever examples overlap", needs: [words, ladder/11#split]}
#   - {id: rotary, heading: "Turning instead of adding", for: "the positions of most of today's language models", needs: [positions, attention]}
#   - {id: cache, heading: "One key for all heads", for: "writing a token at a time at a price that can be paid", needs: [attention, decoder, ladder/12#generation]}
#   - {id: experts, heading: "Experts, and who gets the work", for: "models with more parameters than a token pays for; expert parallelism of research chapter 3", needs: [block]}
# recall:
#   - {id: shift_is_linear, section: positions, transfer: false, q: "Why sines *and* cosines of the same rate in a position code?", a: "The pair at $p + k$ is the pair at $p$ turned by a fixed angle. So one matrix, the same for every $p$, moves the code on by $k$ places."}
#   - {id: widths_agree, section: attention, transfer: false, q: "Which of the widths of $Q$, $K$ and $V$ must agree, and which numbers of rows?", a: "$Q$ and $K$ have the same width, for their dot product. $K$ and $V$ have the same number of rows, one a place that is looked at. $V$'s width and $Q$'s rows are free."}
#   - {id: hidden_row, section: attention, transfer: true, q: "In a batch of texts padded to one length, a padded query may look at nothing. What does a plain masked softmax return there, and what then happens to the mean loss?", a: "NaN: $0/0$. The mean over the batch is NaN too, and so is every gradient, unless such rows are set to 0."}
#   - {id: skip_lost, section: skips, transfer: true, q: "Somebody removes the skip around the attention of one block in the middle of a deep model. What can the block after it no longer read?", a: "The place's own token and all earlier results, save for what this attention's values happen to carry along."}
#   - {id: floor_of_copy, section: reversal, transfer: true, q: "A model reads a start token and eight random letters of an alphabet of 26, and then writes the same eight again. What is its lowest mean loss over the sixteen places?", a: "$\\tfrac12 \\ln 26 = 1.63$: eight places cost $\\ln 26$ each, eight cost nothing."}
#   - {id: too_good, section: faults, transfer: true, q: "On that task a model's mean loss is 0.02. With the future cut off it stays 0.02. Which of the two is broken: mask or targets?", a: "The targets. A peeping mask is of no use once nothing is there to be seen; a target that is the input itself still is."}
#   - {id: stride_half, section: leak, transfer: true, q: "Windows of 100 tokens start every 10 tokens and are split at random, half and half. Roughly what part of the validation targets was trained on?", a: "Each token is in ten windows. That all nine others are in validation has a chance of $2^{-9}$, so 99.8 %."}
#   - {id: rotary_cache, section: rotary, transfer: true, q: "A cache keeps rotated keys. A new query arrives at place 700. By which angles must the old keys be turned again?", a: "By none. The dot product depends on the difference of the two angles, and each key keeps the angle of its own place."}
#   - {id: cache_size, section: cache, transfer: true, q: "12 layers, 8 heads of 64 numbers, a context of 2 000. How many numbers does the cache of one text hold, and with one key and value for all heads?", a: "$2 \\cdot 12 \\cdot 8 \\cdot 64 \\cdot 2000 = 24.6$ million; an eighth of it, 3.1 million."}
#   - {id: balanced_loss, section: experts, transfer: false, q: "What is the balancing loss $E \\sum_e f_e P_e$ when the work is spread evenly, and through which factor does its gradient flow?", a: "1. Through $P$, the mean probabilities; the shares $f$ are counts, which have no gradient."}
# predictions:
#   - {id: no_skip, ask: "Four layers without the skips around attention, 150 steps: how right is the second half on average?", choices: ["as right as with them", "between a fifth and two thirds", "at chance, one in ten"], because: "A place's own token and its position must pass through four attentions in a row. With skips, the layers that are not needed can stay out of the way."}
#   - {id: short_view, ask: "The mask lets a place see itself and the two before it. How many of the six places of the second half end at least 95 % right? (One layer.)", within: 0.4, because: "The symbol wanted lies 0, 2, 4, … places back. A view of two places back reaches the first two of them."}
#   - {id: own_token_hidden, ask: "The mask hides a place from itself and leaves all earlier ones open. How many of the six end at least 95 % right?", within: 0.4, because: "Only the first of the six needs its own token, and the skip around the attention carries that past the mask."}
#   - {id: honest_loss, ask: "On windows of a text that the model has never met, what does its loss do from the first measurement to the last?", choices: ["falls with the other two", "falls, but less than half as much", "rises"], because: "The model learns its small text by heart. Overlapping windows are the same text, so they go along; new text does not."}
# written:
#   - {id: without_recurrence, ask: "A recurrent network reads one token after another. How does a transformer manage order and time, in training and in writing, without doing so?", rubric: ["attention treats its inputs as a set; order enters by position codes (added, turned, or a bias)", "the causal mask plays the part of time: each place sees only what came before", "in training all places are computed at once, because the true earlier tokens are given", "in writing one token follows another, but the past is looked up (cached) and not squeezed into one state"], answer: "Attention treats its inputs as a set, so order has to be put in: a code that is added to the token, a rotation of queries and keys, or a bias by distance. The causal mask plays the part of time, since each place sees only what came before. In training the true earlier tokens are known, so all places are computed at once. In writing one token follows another, but the past is looked up in full, from a cache, and not squeezed into one state of fixed size."}
#   - {id: dimensions, ask: "What are the dimensions of $Q$, $K$ and $V$, for $T$ queries and $S$ keys, and why? Which may differ?", rubric: ["Q is (T, d_k), K is (S, d_k), V is (S, d_v)", "queries and keys are compared by a dot product, so they share d_k", "every key has one value, so K and V share S", "d_v is free: the output is (T, d_v) and a projection brings it back to the model's width", "T and S may differ, as with a cache or an encoder"], answer: "$Q$ is $(T, d_k)$, $K$ is $(S, d_k)$ and $V$ is $(S, d_v)$. Queries and keys meet in a dot product, so they share $d_k$. Every key hands over one value, so $K$ and $V$ share $S$. $d_v$ is free: the output is $(T, d_v)$, and the last projection brings it back to the model's width. $T$ and $S$ differ when one new token looks at a cache, or a decoder at an encoder."}
#   - {id: skips_around, ask: "Why do the skips go around the attention and the MLP, and not around the whole model or nothing?", rubric: ["a place's own content survives: attention replaces it by a mean of others otherwise", "each branch only has to add a correction, and may stay near zero", "gradients reach early layers along the sum", "around each branch and not the whole, so that later branches read what earlier ones wrote"], answer: "Attention replaces what a place holds by a mean of values; the skip keeps the place's own content beside it. Each branch then only adds a correction and may stay near zero where it is not needed. Gradients reach the early layers along the sum. And the skip goes around each branch, not around the whole, so that every branch reads what the earlier ones have written."}
#   - {id: what_is_a_mask, ask: "What is a mask, where in the computation does it act, and what are two wrong ones and their symptoms?", rubric: ["a table that says which query may look at which key", "acts on the scores before the softmax, as minus infinity, so that the weights still add up to 1", "one that shows the future: a training loss far below the floor, gone when the future is cut off", "one that hides too much of the past: the places that need what is hidden stay at chance"], answer: "A table that says which query may look at which key. It acts on the scores before the softmax, as minus infinity, so that the remaining weights still add up to 1. A mask that shows the future gives a loss far below the floor, which is gone when the future is cut off. One that hides too much of the past leaves at chance exactly the places that need what is hidden, and the others untouched."}
# ---

# %% [markdown]
# # Transformers from first principles
#
# At the end of the first half of this page you will have four models, trained alike on one small task. By
# their loss, the best two are worthless and the third best is the only healthy one. You will know it from two
# rows of numbers for each, before you are told what was done to them.
#
# Such certainty has a price. You must know what the task allows, and why each piece of the
# model is there. So we build the model of {cite:t}`vaswani2017` from questions. How does a network know
# what came when, if it has no recurrence? Which dimensions must agree? What does a skip save? The second
# half takes the model to Shakespeare, and then changes it as the years after 2017 did, each change with its
# measured effect.
#
# **You need** [rung 11](../ladder/11_word_mlp.ipynb) (words, losses, splits) and
# [rung 12](../ladder/12_sampling.ipynb) (sampling). If attention is new to you,
# [rung 13](../ladder/13_causal_transformer.ipynb) is the gentle way in. **You will have** a decoder with free
# widths, a task with a known floor, and five later ideas built. **It takes** about thirty hours with the
# readings and the real run; the page alone about eight.

# %% tags=["setup"]
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import chapter, check, commit, hint, measured, outcome, progress, recall, run, write
from descent.data import shakespeare
from descent.figures import COLOURS, attention_map_figure, plot_curves, titled, use_style

chapter("research/01_transformers")
use_style()

# %% [markdown]
# ## A task with a known floor
#
# A row of $n$ random symbols, and then the same row backwards. Our thread is the row $[3, 1, 4]$ of the ten
# digits:
#
# $$ \underbrace{10}_{\text{start}},\; \underbrace{3,\, 1,\, 4}_{\text{the row}},\;
#    \underbrace{4,\, 1,\, 3}_{\text{backwards}}. $$
#
# A language model reads it from the left and predicts, at every place, the next symbol. The start token, a
# number of its own (here 10, the first that is no digit), gives it something to read before the first
# prediction. So there are $2n$ places, counted from 0:
#
# | place | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | input | 10 | 3 | 1 | 4 | 4 | 1 |
# | target | 3 | 1 | 4 | 4 | 1 | 3 |
#
# The first three targets are random: nothing that stands before them tells. From place $n$ on, each target
# *follows* from the inputs. The task is small, and it is honest about memory: place 5 needs what place 1
# read.

# %% exercise="reversal_batch"
def reversal_batch(rows: Tensor, vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    """Make inputs and targets of the reversal task.

    Parameters
    ----------
    rows : int64 of shape (batch, n), n at least 1: symbols from 0 to vocabulary − 1
    vocabulary : number of symbols; the start token is the number `vocabulary`

    Returns
    -------
    inputs, targets : int64 of shape (batch, 2n) each. The whole sequence is the start token, the
        row, the row backwards; targets[:, t] is what follows inputs[:, t] in it.
    follows : bool of shape (2n,), True at the places whose target follows from the inputs up to
        there, whatever the row
    """
    ### BEGIN SOLUTION
    batch, n = rows.shape
    start = rows.new_full((batch, 1), vocabulary)
    whole = torch.cat([start, rows, rows.flip(1)], dim=1)
    return whole[:, :-1], whole[:, 1:], torch.arange(2 * n) >= n
    ### END SOLUTION


# %% check="reversal_batch"
check(reversal_batch)

# %% [markdown]
# What is the best that *any* model can do? At a random target of $V$ equally likely symbols the least
# possible mean loss is $\ln V$. At a target that follows, it is 0. The mean over all places is the **floor of
# the loss**. It belongs to the task, not to a model, and it is worth computing before you train anything.
#
# The floor depends on details. Without a start token, the sequence begins with the row itself: how many places are there
# then, and at how many is the target random? Some people put a separator between the row and its reverse,
# which has to be predicted as well. (All rows have the same length, so a model can count.) By hand for
# $n = 3$, $V = 10$: with a start token and no separator, three of six places cost $\ln 10 = 2.303$, and the
# floor is $1.151$.

# %% exercise="reversal_floor"
def reversal_floor(n: int, vocabulary: int, start: bool, separator: bool) -> float:
    """Compute the smallest possible mean loss of the reversal task.

    Parameters
    ----------
    n : symbols in a row, at least 1; known to the model
    vocabulary : number of symbols, all equally likely; at least 1
    start : whether the sequence begins with a start token, which is never a target
    separator : whether a separator stands between the row and its reverse

    Returns
    -------
    nats, a mean over all places of the sequence but the last: each predicts the one after it
    """
    ### BEGIN SOLUTION
    random = n if start else n - 1
    places = 2 * n - 1 + start + separator
    return random * math.log(vocabulary) / places
    ### END SOLUTION


# %% check="reversal_floor"
check(reversal_floor)

# %% [markdown]
# ## Time without a recurrence
#
# A recurrent network knows what came when, because it reads in order. Attention will look at all places at
# once, as a set. Order has to be put into what it looks at: to the vector of the token we add a vector of
# the *place*. The **sinusoidal positions** of {cite:t}`vaswani2017` are fixed ones. For a width $C$, the
# numbers come in pairs $i = 0, \dots, C/2 - 1$, each with a rate of its own,
#
# $$ r_i = 10000^{-2i/C}, \qquad \text{code}(p)_{2i} = \sin(p\, r_i), \qquad \text{code}(p)_{2i+1} = \cos(p\, r_i). $$
#
# By hand, $C = 4$: the rates are $1$ and $0.01$, and the code of place 3 is
# $[\sin 3, \cos 3, \sin 0.03, \cos 0.03] = [0.141, -0.990, 0.030, 1.000]$. A fast pair tells neighbours apart; a
# slow one tells the beginning from the end.

# %% exercise="sinusoidal_positions"
def sinusoidal_positions(places: Tensor, width: int) -> Tensor:
    """Compute the sinusoidal codes of some places.

    Parameters
    ----------
    places : of shape (T,), whole numbers or fractions, in any order; they may be negative
    width : numbers in a code, even

    Returns
    -------
    float32 of shape (T, width), sines at the even places of a code and cosines at the odd ones
    """
    ### BEGIN SOLUTION
    rates = 10000.0 ** (-torch.arange(0, width, 2, device=places.device) / width)
    angles = places[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    ### END SOLUTION


# %% check="sinusoidal_positions"
check(sinusoidal_positions)

# %% [markdown]
# Why *pairs*? A model should be able to ask for "the place two before mine" from any place. Queries and keys
# are linear functions of the input. So we want a matrix $M_k$ that turns the code of *every* place $p$ into
# that of $p + k$:
#
# $$ M_k\, \text{code}(p) = \text{code}(p + k). $$
#
# A single sine could not do it, for $\sin(p) = 0.5$ does not say whether the sine is rising or falling. With
# the cosine beside it, it does. Write down $\sin(a + b)$ and $\cos(a + b)$, and build the matrix.

# %% exercise="shift_matrix"
def shift_matrix(steps: float, width: int) -> Tensor:
    """Build the matrix that moves a sinusoidal code on by some places.

    Parameters
    ----------
    steps : places to move on; it may be 0, negative or a fraction
    width : numbers in a code, even

    Returns
    -------
    float32 of shape (width, width): times the code of any place p (a column of `width` numbers,
        as sinusoidal_positions makes it), it is the code of p + steps
    """
    ### BEGIN SOLUTION
    matrix = torch.zeros(width, width)
    for i in range(0, width, 2):
        angle = steps * 10000.0 ** (-i / width)
        sine, cosine = math.sin(angle), math.cos(angle)
        matrix[i, i], matrix[i, i + 1] = cosine, sine
        matrix[i + 1, i], matrix[i + 1, i + 1] = -sine, cosine
    return matrix
    ### END SOLUTION


# %% check="shift_matrix"
check(shift_matrix)

# %% tags=["hide-input"]
codes = sinusoidal_positions(torch.arange(60), 64)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
image = left.imshow(codes.T, aspect="auto", vmin=-1, vmax=1)
left.set(title="Sixty codes, fast pairs on top", xlabel="place", ylabel="number in the code")
left.grid(False)
fig.colorbar(image, ax=left)
for place, colour in ((10, "blue"), (30, "orange"), (50, "green")):
    right.plot(codes @ codes[place], color=COLOURS[colour])
    right.text(place, 33, str(place), color=COLOURS[colour], ha="center")
right.set(title="Dot products with three of them", xlabel="place", ylabel="dot product", ylim=(0, 36))
plt.show()

# %% [markdown]
# The three curves on the right are one curve, moved: the dot product of two codes depends on their distance
# alone. That is the shift matrix at work. It is a rotation, and rotations keep dot products.

# %% recall="positions"
recall("positions")

# %% [markdown]
# ## Three widths
#
# Each place asks a question, the **query**. It compares it with the **key** of every place and takes home a
# mean of their **values**, weighted by the softmax of the scores. With $T$ queries and $S$ keys,
#
# $$ \text{scores} = \frac{Q K^\top}{\sqrt{d_k}}, \qquad
#    \underbrace{Q}_{(T,\, d_k)},\quad \underbrace{K}_{(S,\, d_k)},\quad \underbrace{V}_{(S,\, d_v)},\quad
#    \underbrace{\text{scores}}_{(T,\, S)},\quad \underbrace{\text{output}}_{(T,\, d_v)}. $$
#
# A query and a key meet in a dot product, so they share $d_k$. A key and its value belong to one place, so
# they share $S$. Nothing else has to agree: not $d_v$ with $d_k$, not $T$ with $S$. The root keeps the
# scores from growing with $d_k$, as $d_k$ random terms add up to something of size $\sqrt{d_k}$.
#
# By hand, $d_k = 1$ and $d_v = 2$: a query $[1]$, keys $[0]$ and $[\ln 3]$, values $[4, 0]$ and $[0, 8]$. The
# weights are $\tfrac14$ and $\tfrac34$, and the output is $[1, 6]$.
#
# A **mask** says which query may look at which key. Hidden scores become $-\infty$ before the softmax, so
# that their weights are 0 and the others add up to 1. One case is left: a query that may look at *nothing*,
# such as the padding of a short text. The softmax of nothing but $-\infty$ is $0/0$. One NaN there becomes a
# NaN in every weight of the model at the next step. Such a query should bring home nothing: zeros.

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(10, 4.6))
row = ["10", "3", "1", "4", "4", "1"]
targets_shown = ["3", "1", "4", "4", "1", "3"]
for t, (given, wanted) in enumerate(zip(row, targets_shown, strict=True)):
    ax.text(t, 0, given, ha="center", va="center", bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": COLOURS["blue"]})
    ax.text(t, 2.1, wanted, ha="center", va="center", color=COLOURS["orange"] if t > 2 else COLOURS["grey"],
            bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": COLOURS["orange"] if t > 2 else COLOURS["grey"]})
    ax.text(t, -0.45, f"place {t}", ha="center", fontsize=9, color=COLOURS["grey"])
    for s in range(t + 1):
        found = t > 2 and s == 6 - t
        ax.plot([s, t], [0.3, 1.8], color=COLOURS["orange"] if found else "#D1D5DB", lw=3 if found else 0.8, zorder=2 if found else 1)
ax.text(-0.6, 0, "inputs", ha="right", va="center")
ax.text(-0.6, 2.1, "targets", ha="right", va="center")
steps_shown = ["tokens (B, T)", "x = token + place (B, T, C)", "Q, K (B, h, T, d_k)   V (B, h, T, d_v)", "weights (B, h, T, T)", "heads (B, h, T, d_v)", "joined (B, T, h·d_v)", "out (B, T, C)", "logits (B, T, V)"]
for i, words_shown in enumerate(steps_shown):
    ax.text(7.2, 2.3 - 0.4 * i, words_shown, va="center", fontsize=10)
    if i:
        ax.annotate("", (7.0, 2.3 - 0.4 * i), (7.0, 2.7 - 0.4 * i), arrowprops={"arrowstyle": "->", "color": COLOURS["grey"]})
ax.set(xlim=(-1.6, 11), ylim=(-0.8, 2.6), title="Grey: what the mask allows. Orange: the one place that each answer needs")
ax.axis("off")
plt.show()

# %% exercise="attention"
def attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, with widths that may differ and queries that may see nothing.

    Parameters
    ----------
    queries : shape (…, T, d_k); the dots stand for any batch dimensions, or none
    keys : shape (…, S, d_k)
    values : shape (…, S, d_v)
    mask : bool, of shape (T, S) or one that broadcasts to (…, T, S); True where the query may
        look at the key. A row may be False throughout.

    Returns
    -------
    output : shape (…, T, d_v)
    weights : shape (…, T, S): 0 where the mask is False, and every row adds up to 1, save the
        rows that may look at nothing. Those are 0 throughout, and so is their output. No gradient
        is NaN.
    """
    ### BEGIN SOLUTION
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
    weights = weights.masked_fill(~mask, 0.0)
    return weights @ values, weights
    ### END SOLUTION


# %% check="attention"
check(attention)

# %% [markdown]
# In **self-attention** queries, keys and values are made of the same $x$, by three matrices; a fourth brings
# the heads' results back to the model's width $C$. Each of $h$ heads has its own part of each matrix. In most
# code $d_k = d_v = C/h$, which hides what is free. Keep them apart:
#
# $$ W_Q, W_K: C \to h\, d_k, \qquad W_V: C \to h\, d_v, \qquad W_O: h\, d_v \to C, $$
#
# together $2 C h\,(d_k + d_v)$ numbers. Head 0 has the first $d_k$ (or $d_v$) outputs of its matrix, head 1
# the next ones.

# %% exercise="MultiHeadAttention"
class MultiHeadAttention(nn.Module):
    """Self-attention with several heads and free widths.

    Parameters
    ----------
    width : numbers for each place, C
    heads : number of heads, h
    key_width, value_width : numbers in a head's query and key, and in its value

    Attributes
    ----------
    query, key : nn.Linear, width → heads · key_width, without bias
    value : nn.Linear, width → heads · value_width, without bias
    out : nn.Linear, heads · value_width → width, without bias. There are no other parameters.
    weights : the attention weights of the last call, detached from the gradient,
        shape (batch, heads, time, time)
    """

    def __init__(self, width: int, heads: int, key_width: int, value_width: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, heads * key_width, bias=False)
        self.key = nn.Linear(width, heads * key_width, bias=False)
        self.value = nn.Linear(width, heads * value_width, bias=False)
        self.out = nn.Linear(heads * value_width, width, bias=False)
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Let each place look where mask (time, time) allows: (batch, time, width) → the same."""
        ### BEGIN SOLUTION
        projected = (self.query(x), self.key(x), self.value(x))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in projected)
        mixed, weights = attention(q, k, v, mask)
        self.weights = weights.detach()
        return self.out(mixed.transpose(1, 2).flatten(2))
        ### END SOLUTION


# %% check="MultiHeadAttention"
check(MultiHeadAttention)

# %% recall="attention"
recall("attention")

# %% [markdown]
# ## Read section 3 now
#
# You have what you need to read section 3 of {cite:t}`vaswani2017` with profit. Read it now, then come back.
# Four pages, and two questions to hold against the text:
#
# - Where does the paper put the norm, before the branch or after the sum?
# - What does the paper take for $d_k$ and $d_v$, and does it say why they are equal?
#
# :::{admonition} What to have noticed
# :class: dropdown
# The norm comes after the sum. Nearly all later models, ours too, put it inside the branch instead, so that
# nothing but additions touches the stream. And $d_k = d_v = d_{\text{model}}/h$ is chosen so that all heads
# together cost what one wide head would. That is thrift, not necessity.
# :::
#
# The **block** adds two branches to the stream $x$: attention, in which places speak with each other, and a
# network of one hidden layer, in which each works alone.
#
# $$ x \leftarrow x + \text{attention}(\text{norm}_1(x)), \qquad x \leftarrow x + \text{mlp}(\text{norm}_2(x)). $$
#
# We will change the attention several times on this page. So the block does not make its own: it is handed
# one, and works with whatever takes $(x, \text{mask})$.

# %% exercise="Block"
class Block(nn.Module):
    """One block around any attention layer, pre-norm.

    Parameters
    ----------
    width : numbers for each place
    attention : a module that maps x (batch, time, width) and a mask to the shape of x

    Attributes
    ----------
    norm1, norm2 : nn.LayerNorm(width)
    attention : the module that was handed over
    mlp : nn.Sequential of nn.Linear(width, 4 · width), nn.GELU(), nn.Linear(4 · width, width)
    """

    def __init__(self, width: int, attention: nn.Module) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = attention
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Add both branches to x, unchanged itself: (batch, time, width) → the same."""
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))
        ### END SOLUTION


# %% check="Block"
check(Block)

# %% [markdown]
# ## The decoder
#
# The original had two halves, an encoder that reads and a decoder that writes. For a task with one stream of
# tokens the second half is enough: a **decoder-only model**. Two things on ours are worth a thought.
#
# Its positions are computed and not stored, so that it has no longest input. And its mask is an *argument*. By
# default it is the **causal mask**, $M_{ts}$ True for $s \le t$; but we shall want to hand it wrong ones.
#
# By hand, $V = 11$ tokens, width 32, 2 heads, 1 layer: the table has $11 \cdot 32$ numbers, the block
# $12 \cdot 32^2 + 9 \cdot 32$, the last norm $2 \cdot 32$, the head $33 \cdot 11$. That is $13\,355$.

# %% exercise="Decoder"
class Decoder(nn.Module):
    """A decoder-only transformer with sinusoidal positions.

    Parameters
    ----------
    vocabulary : number of tokens, V
    width : numbers for each place, even
    heads : number of heads; it divides width, and a head's queries, keys and values have
        width / heads numbers
    layers : number of blocks, at least 1

    Attributes
    ----------
    token : nn.Embedding(vocabulary, width)
    blocks : nn.ModuleList of `layers` different Blocks, each with a MultiHeadAttention of its own
    norm : nn.LayerNorm(width)
    head : nn.Linear(width, vocabulary). There are no other parameters.
    """

    def __init__(self, vocabulary: int, width: int, heads: int, layers: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        size = width // heads
        self.blocks = nn.ModuleList(
            Block(width, MultiHeadAttention(width, heads, size, size)) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)
        ### END SOLUTION

    def embed(self, tokens: Tensor) -> Tensor:
        """Token plus code of its place, from 0: int64 (batch, time) → (batch, time, width)."""
        ### BEGIN SOLUTION
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return self.token(tokens) + sinusoidal_positions(places, self.token.embedding_dim)
        ### END SOLUTION

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return logits (batch, time, vocabulary) for the token after each place.

        Every block gets the mask, bool of shape (time, time); None stands for the causal mask.
        """
        ### BEGIN SOLUTION
        time = tokens.shape[1]
        if mask is None:
            mask = torch.ones(time, time, dtype=torch.bool, device=tokens.device).tril()
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x))
        ### END SOLUTION


# %% check="Decoder"
check(Decoder)

# %% [markdown]
# ## Reversing a row
#
# Rows of six digits, one layer of width 32 with two heads. Fresh rows at every step, so there is nothing to
# learn by heart and no training set to overfit.

# %%
DIGITS, LENGTH, STEPS = 10, 6, 150


def rates_of(peak: float, steps: int, warm_up: int = 20) -> list[float]:
    """Up to `peak` in a straight line, flat, and down to almost nothing in the second half."""
    return [peak * min((s + 1) / warm_up, 1.0, max(0.02, 2 * (1 - s / steps))) for s in range(steps)]


def loss_of(model: nn.Module, inputs: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean loss over all places; targets of −100 do not count."""
    return F.cross_entropy(model(inputs, mask).flatten(0, 1), targets.flatten(), ignore_index=-100)


def fit(model: nn.Module, batches: Iterator[tuple[Tensor, Tensor]], rates: list[float],
        mask: Tensor | None = None, extra: Callable[[], Tensor] | None = None) -> list[float]:
    """Train in place, one step for each rate; `extra` is added to what is minimised, not to what is recorded."""
    optimiser, losses = torch.optim.AdamW(model.parameters(), weight_decay=0.01), []
    for rate in rates:
        inputs, targets = next(batches)
        loss = loss_of(model, inputs, targets, mask)
        losses.append(loss.item())
        optimiser.zero_grad()
        (loss if extra is None else loss + extra()).backward()
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
    return losses


def fresh_rows(seed: int, size: int = 128) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of the reversal task without end."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        rows = torch.randint(DIGITS, (size, LENGTH), generator=generator)
        yield reversal_batch(rows, DIGITS)[:2]


def new_decoder(layers: int = 1, seed: int = 0) -> Decoder:
    torch.manual_seed(seed)
    return Decoder(DIGITS + 1, width=32, heads=2, layers=layers)


healthy = new_decoder()
print(f"{sum(p.numel() for p in healthy.parameters())} parameters")
reversal_losses = fit(healthy, fresh_rows(0), rates_of(5e-3, STEPS))
floor = reversal_floor(LENGTH, DIGITS, start=True, separator=False)
held_out, held_targets = next(fresh_rows(99, size=2000))
with torch.no_grad():
    print(f"loss on {len(held_out)} new rows {loss_of(healthy, held_out, held_targets):.4f}, floor {floor:.4f}")

# %% [markdown]
# A loss just above its floor says that there is nothing left to gain. A loss *below* it would be a miracle,
# and miracles are faults. But a mean can hide much. So look at every place by itself, and look twice:
#
# - **whole**: the model reads all $2n$ inputs, and we ask how often the likeliest symbol at place $t$ is right;
# - **cut**: for place $t$ it reads only the inputs $0 \dots t$, as it would when writing.
#
# In a healthy model the two agree, since the mask hides the future anyway.

# %% exercise="position_accuracy"
def position_accuracy(model: nn.Module, inputs: Tensor, targets: Tensor, cut: bool) -> Tensor:
    """Measure, place by place, how often the likeliest token is the target.

    Parameters
    ----------
    model : maps int64 (batch, time) to logits (batch, time, vocabulary), for any time ≥ 1. It is
        asked in evaluation mode and without recording gradients; afterwards it is in the mode
        in which it came.
    inputs, targets : int64 of shape (batch, time)
    cut : False: the model reads all inputs at once. True: for place t it reads the inputs
        0 … t alone.

    Returns
    -------
    float32 of shape (time,), numbers from 0 to 1
    """
    ### BEGIN SOLUTION
    mode, time = model.training, inputs.shape[1]
    model.eval()
    with torch.no_grad():
        if cut:
            logits = torch.stack([model(inputs[:, : t + 1])[:, -1] for t in range(time)], dim=1)
        else:
            logits = model(inputs)
    model.train(mode)
    return (logits.argmax(-1) == targets).float().mean(0)
    ### END SOLUTION


# %% check="position_accuracy"
check(position_accuracy)

# %%
def as_row(accuracy: Tensor) -> str:
    return " ".join(f"{value:5.0%}" for value in accuracy.tolist())


print("place  " + " ".join(f"{t:5}" for t in range(2 * LENGTH)))
print("whole  " + as_row(position_accuracy(healthy, held_out, held_targets, cut=False)))
print("cut    " + as_row(position_accuracy(healthy, held_out, held_targets, cut=True)))
plot_curves({"loss": (range(STEPS), reversal_losses), "floor": ([0, STEPS - 1], [floor, floor])},
            xlabel="step", ylabel="loss (nats a symbol)", title="Down to the floor, and no further")
plt.show()

# %% [markdown]
# Chance in the first half, all right in the second: nothing else can be asked of a model of this task. And
# where does it look? Point at a place, or tap it, or use the arrow keys, and choose a head.

# %%
example, _, _ = reversal_batch(torch.tensor([[3, 1, 4, 7, 0, 9]]), DIGITS)
with torch.no_grad():
    healthy(example)
reversal_map = healthy.blocks[0].attention.weights
attention_map_figure(["start", *(str(s) for s in example[0, 1:].tolist())], reversal_map, start=9)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True)
names_of_places = ["start", *(str(s) for s in example[0, 1:].tolist())]
for head, ax in enumerate(axes):
    ax.imshow(reversal_map[0, head], vmin=0, vmax=1)
    ax.set(title=f"head {head + 1}", xlabel="the place it looks at", xticks=range(12), yticks=range(12))
    ax.set_xticklabels(names_of_places)
    ax.set_yticklabels(names_of_places)
    ax.grid(False)
axes[0].set_ylabel("the place that looks")
plt.show()
sought = torch.tensor([float(reversal_map[0, :, t, 2 * LENGTH - t].max()) for t in range(LENGTH, 2 * LENGTH)])
print("largest weight on the place that holds the answer, places 6 to 11: " + as_row(sought))

# %% [markdown]
# Place $t$ must look at place $2n - t$, so the weights lie along a line that falls the other way than the
# diagonal. The queries have learned a *mirror*, which no shift of fixed length is. In the upper half, where
# nothing can be known, both heads look at the start token: a softmax has to look somewhere.
#
# ## What the skip carries
#
# **Predict.** A deeper model, four layers, once as built and once without the skips around the attention (those
# around the MLPs stay). Both get 150 steps.

# %% predict="no_skip"
commit("no_skip", ..., sure=...)

# %%
class WithoutSkip(Block):
    """A block whose attention replaces the stream instead of adding to it."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


second_half = {}
for name, kind in {"with skips": Block, "without": WithoutSkip}.items():
    deep = new_decoder(layers=4)
    for block in deep.blocks:
        block.__class__ = kind
    fit(deep, fresh_rows(0), rates_of(5e-3, STEPS))
    accuracy = position_accuracy(deep, held_out, held_targets, cut=False)[LENGTH:]
    second_half[name] = accuracy.mean().item()
    print(f"{name:<10}  places 6 to 11: {as_row(accuracy)}   mean {accuracy.mean():.0%}")
share = second_half["without"]
fell_to = "as right as with them" if share > 0.95 else "at chance, one in ten" if share < 0.2 else "between a fifth and two thirds"

# %% outcome="no_skip"
outcome("no_skip", fell_to)

# %% [markdown]
# Four attentions in a row must each hand on what the next one needs. A place that wants to keep its own token
# has to look at itself, and then it sees nothing else. With the skip it keeps the token for nothing, and a layer
# with nothing to say adds nothing. That is the reason for the place of the skip: around each thing that would
# otherwise overwrite.

# %% recall="skips"
recall("skips")

# %% [markdown]
# ## How narrow can it be?
#
# Your attention has free widths, so ask what they are for. One head, one layer; first a narrow key with a
# wide value, then the other way round.

# %%
def one_head(key_width: int, value_width: int) -> Decoder:
    model = new_decoder()
    torch.manual_seed(0)
    model.blocks[0].attention = MultiHeadAttention(32, 1, key_width, value_width)
    return model


for key_width, value_width in ((1, 16), (4, 16), (16, 1), (16, 4)):
    narrow = one_head(key_width, value_width)
    fit(narrow, fresh_rows(0), rates_of(5e-3, STEPS))
    accuracy = position_accuracy(narrow, held_out, held_targets, cut=False)[LENGTH:]
    print(f"d_k = {key_width:2}, d_v = {value_width:2}: places 6 to 11 {as_row(accuracy)}")

# %% [markdown]
# A key of one number can be compared by size alone: a query favours the largest or the smallest. With a key
# of one number, two of the six places are lost. A value of one number must tell ten digits apart on a line. Four numbers are plenty
# for either. The two fail in different ways, because they do different work: **a key is an address, a value is
# a content**.
#
# ## Four models, one of them healthy
#
# Now masks that are wrong. Think of the table: place $t$ of the second half needs place $12 - t$.
#
# **Predict.** In one model a place sees itself and the two places before it. In another it sees all earlier
# places, but not itself. How many of the six places of the second half will each get right, in at least
# 95 of 100 rows?

# %% predict="short_view"
commit("short_view", ..., sure=...)

# %% predict="own_token_hidden"
commit("own_token_hidden", ..., sure=...)

# %%
everywhere = torch.ones(2 * LENGTH, 2 * LENGTH, dtype=torch.bool)
right_places = {}
for name, mask in {"itself and two before": everywhere.tril() & everywhere.triu(-2),
                   "all before, not itself": everywhere.tril(-1)}.items():
    masked = new_decoder()
    fit(masked, fresh_rows(0), rates_of(5e-3, STEPS), mask)
    asked = lambda x, model=masked, mask=mask: model(x, mask)  # noqa: E731
    with torch.no_grad():
        accuracy = (asked(held_out).argmax(-1) == held_targets).float().mean(0)
    right_places[name] = int((accuracy[LENGTH:] >= 0.95).sum())
    print(f"{name:<24} {as_row(accuracy)}")

# %% outcome="short_view"
outcome("short_view", right_places["itself and two before"])

# %% outcome="own_token_hidden"
outcome("own_token_hidden", right_places["all before, not itself"])

# %% [markdown]
# The wrong mask breaks exactly the places whose answer it hides, and no others. And a strict mask breaks
# nothing here. The only place that needs its own token is the first of the second half, and the skip brings
# it past the attention. The very first place may look at nothing at all: your zeros took care of it.
#
# Now four models, trained for 150 steps each. Something was done to three of them: to the mask, or to the
# targets, or to the training. The cell that does it is folded. Do not open it yet.

# %% tags=["hide-input"]
class Masked(nn.Module):
    """A model with a mask of its own, cut down to the length of what it reads."""

    def __init__(self, model: nn.Module, mask: Tensor) -> None:
        super().__init__()
        self.model, self.mask = model, mask

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        time = tokens.shape[1]
        return self.model(tokens, self.mask[:time, :time])


def secretly(name: str) -> tuple[nn.Module, Callable[[tuple[Tensor, Tensor]], tuple[Tensor, Tensor]]]:
    """The model called `name`, and what was done to its data."""
    masks = {"A": everywhere, "C": everywhere.tril() & everywhere.triu(-4)}
    model = Masked(new_decoder(), masks.get(name, everywhere.tril()))
    return model, (lambda pair: (pair[0], pair[0])) if name == "B" else (lambda pair: pair)


evidence = {}
for name in "ABCD":
    suspect, tampered = secretly(name)
    fit(suspect, map(tampered, fresh_rows(0)), rates_of(5e-3, STEPS))
    seen, wanted = tampered((held_out, held_targets))
    with torch.no_grad():
        suspect_loss = loss_of(suspect, seen, wanted).item()
    evidence[name] = [position_accuracy(suspect, seen, wanted, cut=cut) for cut in (False, True)]
    print(f"model {name}: loss {suspect_loss:.3f}   (floor {floor:.3f})")
    print(f"   whole {as_row(evidence[name][0])}\n   cut   {as_row(evidence[name][1])}")

# %% [markdown]
# Write the reasoning down as a function. It gets the two rows and the number of symbols, and names one of five
# verdicts. The rows are measured on samples, so chance is only *near* $1/V$. A place **counts as right** from
# 0.9 on, and as **at chance** when it lies within 0.06 of $1/V$.
# The first half of a row is all right or all at chance.

# %% exercise="name_the_fault"
def name_the_fault(whole: list[float], cut: list[float], vocabulary: int) -> str:
    """Tell from accuracies what is wrong with a model of the reversal task.

    Parameters
    ----------
    whole : accuracies of the 2n places, n at least 2, when the model reads all inputs
    cut : the same when, for each place, it reads the inputs up to there alone
    vocabulary : number of symbols, V, at least 5

    Returns
    -------
    one of these:
        "targets not shifted": the first half is right, and stays right when cut
        "sees the future": the first half is right, but at chance when cut
        "hides the past": the first half is at chance; in the second some places are right and
            some are not, when cut
        "not trained": the first half is at chance, and no place of the second is right, when cut
        "healthy": the first half is at chance, and all of the second is right, when cut
    """
    ### BEGIN SOLUTION
    n = len(whole) // 2
    right = [accuracy >= 0.9 for accuracy in cut[n:]]
    if min(whole[:n]) >= 0.9:
        return "targets not shifted" if min(cut[:n]) >= 0.9 else "sees the future"
    if all(right):
        return "healthy"
    return "hides the past" if any(right) else "not trained"
    ### END SOLUTION


# %% check="name_the_fault"
check(name_the_fault)

# %%
for name, (whole, cut) in evidence.items():
    print(f"model {name}: {name_the_fault(whole.tolist(), cut.tolist(), DIGITS)}")

# %% [markdown]
# Now open the folded cell and compare. Two of the four have a loss near zero, where the floor is more than a
# nat higher. That alone condemns them. *Which* fault it is, only the second row says. A model that peeps goes
# blind when the future is cut off. One that was asked for its own input does not.

# %% recall="faults"
recall("faults")

# %% [markdown]
# ## Words of Shakespeare
#
# From digits to text. The [curriculum](https://github.com/jacobhilton/deep_learning_curriculum) that these
# chapters follow asks for pieces cut at word boundaries, by `re.split(r"\b", …)`. The spaces and marks between words are pieces of their own, so nothing is lost. The
# vocabulary is counted on the first nine tenths of the text; everything rarer becomes `<unk>`.

# %%
VOCABULARY, CONTEXT = 2000, 31
text = shakespeare()
pieces = [piece for piece in re.split(r"\b", text.text) if piece]
print(f"{text.source}: {len(pieces)} pieces, joined again equal to the text: {''.join(pieces) == text.text}")
print(pieces[:12], f"and {sum(piece == ' ' for piece in pieces) / len(pieces):.0%} of all pieces are a single space")
named = [bool(re.match(r"\w", piece)) for piece in pieces]
print(f"of the pieces at even places {np.mean(named[::2]):.0%} are words, at odd places {np.mean(named[1::2]):.0%}")
cut_at = len(pieces) * 9 // 10
words = ["<unk>", *(piece for piece, _ in Counter(pieces[:cut_at]).most_common(VOCABULARY - 1))]
VOCABULARY = len(words)
number = {word: i for i, word in enumerate(words)}
tokens = torch.tensor([number.get(piece, 0) for piece in pieces])
train_tokens, valid_tokens = tokens[:cut_at], tokens[cut_at:]
print(f"<unk>: {(train_tokens == 0).float().mean():.1%} of the training part, {(valid_tokens == 0).float().mean():.1%} of the rest")

# %% [markdown]
# Words and separators take strict turns. In blocks of an *even* length all words would stand at even places,
# and a model could learn that instead of the text. So `CONTEXT` is odd.
#
# The curriculum also asks for sequences that **do not overlap**. Cut the text into blocks of $N$ predictions: block
# 0 reads the tokens $0 \dots N-1$ and predicts $1 \dots N$, and block 1 reads on at token $N$. So every token
# but the first is predicted exactly once.
#
# The last block is short. Thrown away, its text is lost; padded with a real token, the model would be asked
# to predict padding. So the inputs are filled up with 0 and the *targets* with $-100$, the number that
# `F.cross_entropy` leaves out. By hand, tokens $[3, 1, 4, 1, 5, 9]$ and $N = 3$: five predictions, in
# inputs $[[3, 1, 4], [1, 5, 0]]$ and targets $[[1, 4, 1], [5, 9, -100]]$.

# %% exercise="training_blocks"
def training_blocks(tokens: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut a text into blocks that do not overlap, each token but the first predicted once.

    Parameters
    ----------
    tokens : int64 of shape (n,), n at least 2; it is left as it is
    length : predictions in a block, at least 1

    Returns
    -------
    inputs, targets : int64 of shape (blocks, length) each, in the order of the text, with as few
        blocks as will do. Where the last block has nothing to predict, its inputs are 0 and its
        targets −100.
    """
    ### BEGIN SOLUTION
    predictions = len(tokens) - 1
    missing = -predictions % length
    inputs = F.pad(tokens[:-1], (0, missing))
    targets = F.pad(tokens[1:], (0, missing), value=-100)
    return inputs.view(-1, length), targets.view(-1, length)
    ### END SOLUTION


# %% check="training_blocks"
check(training_blocks)

# %%
def shuffled(inputs: Tensor, targets: Tensor, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of blocks, pass after pass, each pass in a new order."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        for chosen in torch.randperm(len(inputs), generator=generator).split(size):
            yield inputs[chosen], targets[chosen]


def mean_loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """The mean loss over all places that count, in batches."""
    total, count = 0.0, 0
    with torch.no_grad():
        for some, wanted in zip(inputs.split(64), targets.split(64), strict=True):
            counted = int((wanted != -100).sum())
            total += loss_of(model, some, wanted).item() * counted
            count += counted
    return total / count


train_blocks, valid_blocks = training_blocks(train_tokens, CONTEXT), training_blocks(valid_tokens, CONTEXT)
some_valid = (valid_blocks[0][:300], valid_blocks[1][:300])
frequencies = torch.bincount(train_tokens, minlength=VOCABULARY) / len(train_tokens)
unigram = -frequencies.clamp(min=1e-9)[some_valid[1]].log().mean()
torch.manual_seed(0)
writer = Decoder(VOCABULARY, width=64, heads=4, layers=2)
writer_losses = fit(writer, shuffled(*train_blocks, 32, seed=0), rates_of(5e-3, 200))
print(f"{len(train_blocks[0])} blocks; 200 steps read {200 * 32 / len(train_blocks[0]):.0%} of them, each once")
print(f"training loss of the last 20 steps {np.mean(writer_losses[-20:]):.2f}, validation loss {mean_loss(writer, *some_valid):.2f}; "
      f"a model that knows only how frequent each piece is: {unigram:.2f}")

# %% [markdown]
# The loss is in nats a *piece*, and many pieces are easy single spaces. Different cuts of a text can be compared
# in nats a *character* alone.
#
# A sample, as [rung 12](../ladder/12_sampling.ipynb) would draw it:

# %%
def write_on(model: nn.Module, prompt: list[str], count: int, seed: int) -> str:
    """Continue a prompt, one sampled piece at a time; <unk> is never written."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.tensor([[number.get(piece, 0) for piece in prompt]])
    with torch.no_grad():
        for _ in range(count):
            logits = model(ids[:, -CONTEXT:])[0, -1]
            logits[0] = -math.inf
            ids = torch.cat([ids, torch.multinomial((logits / 0.8).softmax(0), 1, generator=generator)[None]], 1)
    return "".join(words[i] for i in ids[0])


print(write_on(writer, ["First", " ", "Citizen", ":\n"], 60, seed=3))

# %% [markdown]
# The real run trains your `Decoder` on all of the text, for as long as your machine can bear, with the
# validation loss beside the training loss. It takes the class from this notebook and checks it once more.

# %% tags=["real-run"]
run("word_shakespeare", model="mine")

# %% [markdown]
# ## A validation set that was read before
#
# Why should sequences not overlap? One public solution used them all the same: windows from every
# place of the text, and no validation set. Suppose somebody adds one afterwards, by putting a random fifth of
# the *windows* aside. It looks like a proper split.
#
# A window that starts at $s$ predicts the tokens $s + 1, \dots, s + N$. Its neighbours predict nearly the same
# ones. So ask: of all predictions in the validation windows, how many have a target place that was a target
# in a training window too? By hand, $N = 3$: training windows at $0$ and $6$ cover the places $1, 2, 3$ and
# $7, 8, 9$. Validation windows at $2$ and $3$ predict $3, 4, 5$ and $4, 5, 6$: one of six.

# %% exercise="leaked_fraction"
def leaked_fraction(train_starts: list[int], valid_starts: list[int], length: int) -> float:
    """Measure what part of the validation predictions was trained on.

    Parameters
    ----------
    train_starts, valid_starts : where windows begin, in any order; a window at s predicts the
        tokens s + 1, …, s + length. Training may have none.
    length : predictions in a window, at least 1

    Returns
    -------
    the share of all predictions of the validation windows (a token that two of them predict
        counts twice) whose token is predicted by a training window too: from 0 to 1
    """
    ### BEGIN SOLUTION
    trained = {start + k for start in train_starts for k in range(1, length + 1)}
    asked = [start + k for start in valid_starts for k in range(1, length + 1)]
    return sum(place in trained for place in asked) / len(asked)
    ### END SOLUTION


# %% check="leaked_fraction"
check(leaked_fraction)

# %%
SHORT, SMALL = 15, 8000
small_text = train_tokens[:SMALL]
for step in (1, 3, 5, 15):
    starts = torch.arange(0, SMALL - SHORT, step)
    order = torch.randperm(len(starts), generator=torch.Generator().manual_seed(0))
    fifth = len(starts) // 5
    leaked = leaked_fraction(starts[order[fifth:]].tolist(), starts[order[:fifth]].tolist(), SHORT)
    print(f"windows of {SHORT}, one every {step:2}: {leaked:.1%} of the validation predictions were trained on")

# %% [markdown]
# Only windows that do not overlap leak nothing. Now see what it does to a curve. A small text of 8 000 pieces,
# windows every 3, a random fifth put aside. Beside that fifth we measure the loss on windows of the text's
# last tenth, which is new to the model in earnest.
#
# **Predict.** The training loss falls at each of four measurements. The loss on the overlapping fifth
# follows it. And the loss on new text?

# %% predict="honest_loss"
commit("honest_loss", ..., sure=...)

# %%
def windows(source: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    whole = source[starts[:, None] + torch.arange(length + 1)]
    return whole[:, :-1], whole[:, 1:]


starts = torch.arange(0, SMALL - SHORT, 3)
order = torch.randperm(len(starts), generator=torch.Generator().manual_seed(0))
fifth = len(starts) // 5
aside = windows(small_text, starts[order[:fifth]][:300], SHORT)
unseen = windows(valid_tokens, torch.arange(0, 300 * SHORT, SHORT), SHORT)
torch.manual_seed(0)
leaky = Decoder(VOCABULARY, width=64, heads=4, layers=2)
batches = shuffled(*windows(small_text, starts[order[fifth:]], SHORT), 32, seed=0)
leak_curves = {"training": [], "the fifth put aside": [], "new text": []}
for _ in range(4):
    leak_curves["training"].append(np.mean(fit(leaky, batches, [3e-3] * 70)[-20:]))
    leak_curves["the fifth put aside"].append(mean_loss(leaky, *aside))
    leak_curves["new text"].append(mean_loss(leaky, *unseen))
at_steps = [70 * (i + 1) for i in range(4)]
for name, values in leak_curves.items():
    print(f"{name:<20} " + "  ".join(f"{value:.2f}" for value in values))
new = leak_curves["new text"]
old = leak_curves["the fifth put aside"]
honest = "rises" if new[-1] > new[0] else "falls with the other two" if new[0] - new[-1] > (old[0] - old[-1]) / 2 else "falls, but less than half as much"

# %% outcome="honest_loss"
outcome("honest_loss", honest)

# %%
plot_curves({name: (at_steps, values) for name, values in leak_curves.items()}, xlabel="step",
            ylabel="loss (nats a piece)", title=titled("The same text twice is no validation set", text.source))
plt.show()

# %% [markdown]
# By the leaky set, training should go on: its loss falls with every measurement. By new text, it should have
# stopped long ago. Any choice made by the leaky set, of steps, of widths, of anything, favours learning by
# heart.

# %% recall="leak"
recall("leak")

# %% [markdown]
# ## Turning instead of adding
#
# We added the code of a place to the token, and hoped that the dot product would make sense of the mixture.
# **Rotary positions** {cite:p}`su2021` put the place where it is used. Each query and key is cut into pairs,
# and pair $i$ at place $p$ is turned by the angle $p\, r_i$, with the rates of the sinusoids:
#
# $$ \begin{pmatrix} a \\ b \end{pmatrix} \mapsto
#    \begin{pmatrix} a \cos p r_i - b \sin p r_i \\ a \sin p r_i + b \cos p r_i \end{pmatrix}. $$
#
# The dot product of a query turned by $p\,r_i$ with a key turned by $s\,r_i$ depends on $p - s$ alone. Nothing is
# added to the stream, and the values stay as they are. By hand, width 2, place 3: $[1, 0]$ becomes
# $[\cos 3, \sin 3] = [-0.990, 0.141]$.

# %% exercise="rotary"
def rotary(x: Tensor, places: Tensor) -> Tensor:
    """Turn queries or keys by the angles of their places.

    Parameters
    ----------
    x : shape (…, T, d), d even: pairs are the numbers 0 and 1, 2 and 3, …
    places : of shape (T,), the place of each row; they need not begin at 0, nor be in order

    Returns
    -------
    shape (…, T, d): pair i of a row at place p turned by p · 10000^(−2i/d), in the direction of
        the formula above. x stays as it was.
    """
    ### BEGIN SOLUTION
    codes = sinusoidal_positions(places, x.shape[-1])
    sine, cosine = codes[:, 0::2], codes[:, 1::2]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cosine - b * sine, a * sine + b * cosine], dim=-1).flatten(-2)
    ### END SOLUTION


# %% check="rotary"
check(rotary)

# %% [markdown]
# {cite:t}`press2022` do with less: **ALiBi** lowers a score by a slope times the distance, $m_h (t - s)$, and
# has no other positions. Head $h$ of $H$ gets the slope $m_h = 2^{-8h/H}$, counted from 1. Notice that $m_h t$
# is the same for all keys of a query, so the softmax does not see it. What is left is $m_h s$: *one more
# number in every key*, the place itself, met by one more number in the query, the slope. Free widths again.

# %%
class PlacedAttention(MultiHeadAttention):
    """Your attention with the places inside it: "rotary" or "alibi"."""

    def __init__(self, width: int, heads: int, how: str) -> None:
        super().__init__(width, heads, width // heads, width // heads)
        self.count, self.how = heads, how

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        parts = (self.query(x), self.key(x), self.value(x))
        q, k, v = (part.unflatten(-1, (self.count, -1)).transpose(1, 2) for part in parts)
        places = torch.arange(x.shape[1])
        if self.how == "rotary":
            q, k = rotary(q, places), rotary(k, places)
        else:
            d, slopes = q.shape[-1], 2.0 ** (-8 * torch.arange(1, self.count + 1) / self.count)
            asked = (slopes * math.sqrt(d + 1))[:, None, None].expand(*q.shape[:-1], 1)
            q = torch.cat([q * math.sqrt((d + 1) / d), asked], dim=-1)
            k = torch.cat([k, places[:, None].expand(*k.shape[:-1], 1)], dim=-1)
        mixed, weights = attention(q, k, v, mask)
        self.weights = weights.detach()
        return self.out(mixed.transpose(1, 2).flatten(2))


class Unplaced(Decoder):
    """A decoder that adds no positions."""

    def embed(self, tokens: Tensor) -> Tensor:
        return self.token(tokens)


def variant(name: str, seed: int) -> Decoder:
    """A model of the record below: the decoder of the page with one thing changed."""
    torch.manual_seed(seed)
    kind = Unplaced if name in ("none", "rotary", "alibi") else Decoder
    model = kind(2000, width=64, heads=4, layers=2)
    for block in model.blocks:
        if name in ("rotary", "alibi"):
            block.attention = PlacedAttention(64, 4, name)
        if name == "multi-query":
            block.attention = SharedAttention(64, 4)  # further down the page
    return model


# %% [markdown]
# The measure that tells them apart is length. Each model below was trained on blocks of 31 pieces, three seeds
# each, and is asked about blocks of 127. A program did it beforehand, with this page's own functions.

# %%
def introduced(record: dict) -> dict:
    """A record of benchmarks/transformer_variants.py, after a line that says where it was made."""
    print(f"recorded beforehand: {record['command']}\n{record['date']}, {record['hardware']}\n")
    return record


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


variants = introduced(measured("transformer_variants"))["models"]
print(f"{'validation loss':<16} {'places 0–30':>14} {'places 31–62':>14} {'places 63–126':>14}")
for name in ("sinusoids", "none", "rotary", "alibi"):
    rows = [run_["by place"] for run_ in variants if run_["model"] == name]
    print(f"{name:<16} " + " ".join(f"{spread([row[part] for row in rows]):>14}" for part in rows[0]))

# %% [markdown]
# Within the length of training rotary positions are ahead, and the model without any is last. (It is not
# lost: the mask alone tells places apart, as {cite:t}`haviv2022` found.) Beyond that length the order
# turns round. The added sinusoids fall behind even the model that has none: the codes of these places
# were never met. Rotary gives up its lead, little at first and all of it further out. ALiBi, which knows distances alone,
# loses nothing.
#
# ## One key for all heads
#
# A model that writes adds one token at a time. The keys and values of the old tokens do not change, since a
# causal mask lets nobody see what comes later. So keep them, in a **KV cache**, and compute for the new token
# alone. The cache holds $2 \cdot \text{layers} \cdot h \cdot d \cdot T$ numbers for each text, and at every
# step all of them are read. **Multi-query attention** {cite:p}`shazeer2019` shrinks it by $h$: the heads keep
# their own queries and share *one* key and one value.
#
# Write both at once: a layer that takes a cache and returns it longer. With $S$ places in the cache, the new
# ones are the places $S, S + 1, \dots$; each may look at everything in the cache, at itself, and at the new ones
# before it.

# %% exercise="MultiQueryAttention"
class MultiQueryAttention(nn.Module):
    """Causal self-attention whose heads share one key and one value, with a cache.

    Parameters
    ----------
    width : numbers for each place, C
    heads : number of heads; it divides width, and d = width / heads

    Attributes
    ----------
    query : nn.Linear, width → width, without bias; head h has the outputs h · d to (h + 1) · d
    key, value : nn.Linear, width → d, without bias
    out : nn.Linear, width → width, without bias. There are no other parameters.
    """

    def __init__(self, width: int, heads: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width // heads, bias=False)
        self.value = nn.Linear(width, width // heads, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        ### END SOLUTION

    def forward(
        self, x: Tensor, cache: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend from new places to those of the cache and to each other.

        Parameters
        ----------
        x : shape (batch, new, width), the places that follow those of the cache
        cache : keys and values of earlier places, each (batch, earlier, d); None for none. It is
            left as it is.

        Returns
        -------
        output : shape (batch, new, width), what the whole sequence would give at these places
        cache : keys and values of all places, each (batch, earlier + new, d)
        """
        ### BEGIN SOLUTION
        keys, values = self.key(x), self.value(x)
        if cache is not None:
            keys, values = torch.cat([cache[0], keys], 1), torch.cat([cache[1], values], 1)
        new, total = x.shape[1], keys.shape[1]
        mask = torch.ones(new, total, dtype=torch.bool, device=x.device).tril(total - new)
        queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        mixed, _ = attention(queries, keys[:, None], values[:, None], mask)
        return self.out(mixed.transpose(1, 2).flatten(2)), (keys, values)
        ### END SOLUTION


# %% check="MultiQueryAttention"
check(MultiQueryAttention)

# %% [markdown]
# Equal to the whole pass, and how much faster? One layer of width 128 with eight heads writes texts of three
# lengths, once computing everything again for each token and once with the cache. Time depends on the
# machine, so it is measured here and now, in seconds of the processor.

# %%
torch.manual_seed(0)
layer = MultiQueryAttention(128, 8)
for length in (64, 128, 256):
    x = torch.randn(4, length, 128)
    with torch.no_grad():
        began = time.thread_time()
        again = torch.cat([layer(x[:, : t + 1])[0][:, -1:] for t in range(length)], 1)
        whole_seconds = time.thread_time() - began
        began, cache, outputs = time.thread_time(), None, []
        for t in range(length):
            one, cache = layer(x[:, t : t + 1], cache)
            outputs.append(one)
        cached_seconds = time.thread_time() - began
    gap = (torch.cat(outputs, 1) - again).abs().max()
    print(f"{length:4} tokens: whole passes {whole_seconds:.3f} s, with the cache {cached_seconds:.3f} s, "
          f"{whole_seconds / cached_seconds:4.1f} times as fast; largest difference {gap:.0e}")
for heads, kind in ((8, "a key and a value for every head"), (1, "one for all heads")):
    print(f"{kind:<33} {2 * heads * 16 * 256:6} numbers in the cache of a text of 256")

# %% [markdown]
# The longer the text, the larger the gain. Without a cache, the work for each new token grows with the text,
# and with it the work for all of them grows like the square. What does sharing cost? From the same record as
# above, in blocks of 31:

# %%
class SharedAttention(nn.Module):
    """Your multi-query layer as a Block asks for it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.layer = MultiQueryAttention(width, heads)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.layer(x)[0]


def of(name: str, what: str) -> list[float]:
    return [run_[what] for run_ in variants if run_["model"] == name]


for name in ("sinusoids", "multi-query"):
    print(f"{name:<12} validation loss {spread(of(name, 'valid'))}, {int(of(name, 'parameters')[0]):,} parameters")

# %% [markdown]
# Sharing costs a little here, more than the seeds differ among themselves, and the layer has fewer parameters.
# With four heads, as in these models, the cache is a quarter of what it was. Large models often take the middle way, a key for each *group* of heads.
#
# ## Experts, and who gets the work
#
# Most of a block's parameters are in its MLP. A **mixture of experts** has $E$ of them and asks, for each
# token, only the $k$ that a small linear **router** likes best: more parameters, the same work.
#
# Left alone, routing starves: an expert that is chosen a little more often learns a little faster and is
# chosen still more. So {cite:t}`fedus2022` add a **balancing loss**. With $f_e$ the share of all assignments that go to
# expert $e$ and $P_e$ the mean of its softmax probabilities over the tokens,
#
# $$ \text{balance} = E \sum_{e} f_e\, P_e. $$
#
# It is 1 when both are even and grows when the same experts get both. The shares $f$ are counts and have no
# gradient. $P$ has one, and pushes probability away from the crowded.
#
# By hand, $E = 2$, $k = 1$, three tokens with probabilities $(0.9, 0.1)$, $(0.6, 0.4)$, $(0.3, 0.7)$:
# $f = (\tfrac23, \tfrac13)$, $P = (0.6, 0.4)$, balance $2\,(0.4 + 0.133) = 1.067$.

# %% exercise="route"
def route(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Choose experts for each token, and say how unevenly the work is spread.

    Parameters
    ----------
    logits : shape (tokens, experts), the router's scores; no two of a row are equal
    k : experts for each token, from 1 to experts

    Returns
    -------
    weights : shape (tokens, experts): 0 for the experts not chosen. Those of the k experts with
        the highest scores are their softmax probabilities, divided by their sum, so that each row
        adds up to 1.
    balance : shape (): experts · Σ_e f_e P_e, where f_e is the share of all tokens · k assignments
        that go to expert e, and P_e the mean of its softmax probability (over all experts) over
        the tokens. Its gradient flows through P.
    """
    ### BEGIN SOLUTION
    probabilities = logits.softmax(-1)
    chosen = torch.zeros_like(logits).scatter(1, logits.topk(k).indices, 1.0)
    kept = probabilities * chosen
    weights = kept / kept.sum(-1, keepdim=True)
    balance = logits.shape[1] * (chosen.mean(0) / k * probabilities.mean(0)).sum()
    return weights, balance
    ### END SOLUTION


# %% check="route"
check(route)

# %%
class Experts(nn.Module):
    """Several MLPs behind one router, in the place of a block's MLP."""

    def __init__(self, width: int, experts: int, k: int) -> None:
        super().__init__()
        self.k, self.router = k, nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)) for _ in range(experts)
        )

    def forward(self, x: Tensor) -> Tensor:
        probabilities = self.router(x).flatten(0, 1)
        weights, self.balance = route(probabilities, self.k)
        self.load = (weights > 0).float().mean(0).detach() / self.k
        if self.k == 1:  # a weight of 1 would give the router no gradient
            weights = weights * probabilities.softmax(-1)
        tokens, mixed = x.flatten(0, 1), torch.zeros_like(x.flatten(0, 1))
        for e, expert in enumerate(self.experts):
            chosen = weights[:, e].nonzero()[:, 0]
            mixed = mixed.index_add(0, chosen, weights[chosen, e, None] * expert(tokens[chosen]))
        return mixed.view_as(x)


# %% [markdown]
# Eight experts in the place of the one MLP, one for each token, on the reversal task. Once the router is left
# alone, once the balancing loss is added to what is minimised, with a weight of 0.1; two seeds of each. We ask
# for the loss, and for the share of the tokens that each expert gets, the busiest first.

# %%
busiest = {}
for name, weight in {"left alone": 0.0, "balanced": 0.1}.items():
    for seed in (0, 1):
        mixed = new_decoder(seed=seed)
        experts = mixed.blocks[0].mlp = Experts(32, experts=8, k=1)
        fit(mixed, fresh_rows(seed), rates_of(5e-3, STEPS), extra=lambda: experts.balance * weight)  # noqa: B023
        with torch.no_grad():
            mixed_loss = loss_of(mixed, held_out, held_targets)
        shares = experts.load.sort(descending=True).values
        busiest.setdefault(name, []).append(shares.tolist())
        print(f"{name:<11} seed {seed}: loss {mixed_loss:.3f} (floor {floor:.3f}), shares {as_row(shares)}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 3.2))
for name, colour, shift in (("left alone", "orange", -0.2), ("balanced", "blue", 0.2)):
    ax.bar(np.arange(8) + shift, np.mean(busiest[name], axis=0), width=0.38, color=COLOURS[colour])
    ax.text(7.4, 0.45 + 0.5 * shift, name, color=COLOURS[colour], ha="right")
ax.axhline(1 / 8, color=COLOURS["grey"], lw=1)
ax.text(7.4, 0.14, "an even share", color=COLOURS["grey"], ha="right", fontsize=10)
ax.set(title="Left alone, few experts get the work", xlabel="experts, the busiest first", ylabel="share of the tokens")
plt.show()

# %% [markdown]
# The task is solved either way, so the loss alone shows nothing. Left alone, a few
# experts get most of the work, and some are hardly ever asked. On many machines, with an expert on each, most machines would idle while one is crowded.
#
# ## Go further
#
# **Longer rows.** Train on rows of six digits and test on rows of eight.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Accuracy by place for both lengths, three seeds, for sinusoids, rotary and ALiBi. The mirror needs
# $2n - t$: where is $n$ told to the model, and what if a separator is put in and rows of mixed length are trained on?
# :::
#
# **No positions at all.** Take the positions away from the reversal model, with one layer and with two, and 400
# steps.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Both tables by place. A causal mask by itself tells places apart, since each sees a different number of others. How many layers does it take to use that, and why not one?
# :::
#
# **A mask for many texts.** Pack several short texts into one block, with a mask that keeps them apart.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The mask as a formula of two tables (causal, and same text), positions that begin again in each text, and a
# test by derivatives that nothing crosses over.
# :::
#
# ## Explain it to a friend
#
# In writing, without scrolling up. These are the first-principle questions of the curriculum.

# %% write="without_recurrence"
write("without_recurrence", """
""")

# %% write="dimensions"
write("dimensions", """
""")

# %% write="skips_around"
write("skips_around", """
""")

# %% write="what_is_a_mask"
write("what_is_a_mask", """
""")

# %% [markdown]
# Research chapter 2 asks how large such a model should be, and chapter 3 how to train one that no machine
# can hold.
