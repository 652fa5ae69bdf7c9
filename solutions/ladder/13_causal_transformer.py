# ---
# title: The causal transformer
# subtitle: Attention, the mask that keeps it honest, and a language model that predicts at every place at once
# part: ladder
# hours: 4
# needs: [ladder/10_resnet, ladder/12_sampling]
# teaches: [causal mask, scaled dot-product attention, multi-head attention, positions, residual stream, pre-norm block, tied embeddings, teacher forcing, leakage from the future]
# builds: windows with offset targets, the causal mask, attention, heads, multi-head attention, the block, the model, the loss over all places, the leak test, the evaluation, the training loop
# number: beats the network of rung 11 in test perplexity, at no more parameters and on the same words
# data: tiny Shakespeare
# run: null
# readings:
#   - {key: prince2023, where: "chapter 12, 'Transformers', sections 12.1 to 12.7: the same construction in pictures", skip: "encoder and encoder-decoder models (12.6, 12.8), which this page does not need"}
#   - {key: zhang2023, where: "chapter 11, 'Attention Mechanisms and Transformers': masked softmax and multi-head attention in code", skip: "Bahdanau attention and the translation model"}
#   - {key: vaswani2017, where: "section 3, the model: attention, heads, and why the root is there", skip: "the encoder, and the translation results"}
#   - {key: fleuret2023, where: "section 4.8, 'Attention layers', and 5.3 on transformers: some fifteen small pages with every shape", skip: "vision transformers, for now"}
# sections:
#   - {id: words, heading: "The words, as on rung 11", for: "the same words in the same three parts, so that the race at the end compares models and not data", needs: [ladder/11#vocabulary, ladder/11#split]}
#   - {id: offset_targets, heading: "A target at every place", for: "one pass gives as many predictions as places: why transformers are trained on whole windows, GPT-2 too", needs: [words, ladder/11#windows]}
#   - {id: mask, heading: "Who may look at whom", for: "the triangle in every model that writes, and the shape in which fused attention asks for it on rung 16", needs: [offset_targets]}
#   - {id: attention, heading: "Attention", for: "the one formula that every later transformer is made of, from nanoGPT to the induction heads of research chapter 8", needs: [mask, ladder/04#softmax]}
#   - {id: order, heading: "Attention has no sense of order", for: "why every transformer needs positions, learned here and of sines in research chapter 1", needs: [attention]}
#   - {id: heads, heading: "Several heads", for: "the cut of the width that rungs 16 and 17 keep, and that has to be undone when GPT-2's weights are loaded", needs: [attention, ladder/03#broadcasting]}
#   - {id: multi_head, heading: "Multi-head attention", for: "the layer whose four matrices are counted, sharded, ablated and read in all that follows", needs: [heads, ladder/06#module]}
#   - {id: block, heading: "The block", for: "the unit that is stacked in every transformer of the course, and the stream that interpretability reads", needs: [multi_head, ladder/10#residual, ladder/10#batch_coupling, ladder/10#normalise, ladder/07#baseline]}
#   - {id: model, heading: "The model", for: "the model that goes onto the GPU on rung 16 and that is given preferences in research chapter 7", needs: [block, order, ladder/11#network]}
#   - {id: loss, heading: "The loss", for: "one number for all places, and the first loss that tells whether a start is right", needs: [model, offset_targets, ladder/04#likelihood]}
#   - {id: leak_test, heading: "Does the future leak?", for: "a test by derivatives that finds a leak in any model, whatever is inside", needs: [model, mask, ladder/02#backward]}
#   - {id: evaluation, heading: "The number to report", for: "a perplexity in which every word counts once, as whoever compares language models needs", needs: [loss, ladder/11#perplexity, ladder/07#evaluate]}
#   - {id: training, heading: "Training", for: "the loop and the list of rates that rungs 16 and 17 make fast and spread over machines", needs: [loss, ladder/10#schedule, ladder/12#loop]}
#   - {id: race, heading: "The race", for: "a comparison at equal parameters, data and tuning, as every claim about an architecture needs", needs: [training, evaluation, ladder/11#the_run, ladder/12#generation, ladder/08#weight_decay]}
#   - {id: longer, heading: "More passes", for: "telling a model that has stopped learning from one that needs more, the question of scaling laws", needs: [race, ladder/07#overfitting]}
#   - {id: leak, heading: "A wonderful loss", for: "distrust of a result that is too good, the habit that saves a study from its own bug", needs: [leak_test, race]}
#   - {id: maps, heading: "Where does it look?", for: "the first look inside, from which research chapter 8 goes on to mechanisms", needs: [race, multi_head]}
# recall:
#   - {id: query_key_value, section: attention, transfer: false, q: "What do query, key and value of a word stand for?", a: "What it is looking for, what it can be found by, and what it hands over when it is looked at."}
#   - {id: three_weights, section: attention, transfer: true, q: "Heads are $d = 4$ numbers wide. A query's dot products with three keys are 2, 4 and 100, and the third key is in the future. What are the three weights?", a: "The scores are 1 and 2, the third is hidden. $1/(1 + e) = 0.27$, $0.73$ and exactly 0."}
#   - {id: hidden_by_zero, section: attention, transfer: true, q: "Somebody hides scores by setting them to 0. At the first of three places, the word's score with itself is 0. How much weight goes to the future?", a: "Two thirds: $e^0 = 1$ for each of the three. Only $e^{-\\infty}$ is 0."}
#   - {id: swapped_words, section: order, transfer: true, q: "Attention without a mask and without positions reads a sentence. You swap its words at places 2 and 5. What happens to the output at place 3?", a: "Nothing, up to rounding. It is a weighted mean over a set of words, and the set is the same."}
#   - {id: wrong_root, section: multi_head, transfer: true, q: "A layer of width 512 with 8 heads divides its scores by $\\sqrt{512}$. What should it divide by, and what does it get wrong?", a: "By $\\sqrt{64} = 8$. Its scores are $\\sqrt 8 = 2.8$ times too small, so each head starts out too close to a plain average."}
#   - {id: who_talks, section: block, transfer: false, q: "Where do the places of a window talk to each other in a block, and where does each work alone?", a: "In the attention, and nowhere else. The norms, the MLP and the skips work on each place by itself."}
#   - {id: block_size, section: block, transfer: true, q: "How many parameters has this page's block at width 768, with 12 heads and with 6?", a: "$12 \\cdot 768^2 + 9 \\cdot 768 = 7\\,084\\,800$, with 12 as with 6: heads cut the width and add nothing."}
#   - {id: two_tests, section: leak_test, transfer: false, q: "How do you test that no information flows from the future?", a: "The derivative of the logits at $t$ with respect to the embedding at $s$ must be exactly 0 for every $s > t$. And changing the words after $t$ must not change the logits up to $t$."}
#   - {id: ten_windows, section: evaluation, transfer: true, q: "A test text of 1 000 tokens is cut into windows of 100 that lie end to end. How many predictions are there, in how many windows, and how long is the last?", a: "999 in 10 windows: every token but the first. The last window makes 99 of them, and each of these counts as much as any other."}
#   - {id: first_loss, section: leak, transfer: true, q: "An untrained model with a tied head and 50 000 words reports a first loss of 9.1. What do you expect, and what do you suspect?", a: "At least about $\\ln 50\\,000 = 10.8$. Targets that are not offset: the stream still holds the input word, so a tied head favours it before any training."}
# predictions:
#   - {id: largest_weight, ask: "How large is the largest of the eight weights on average, for $d = 64$ and without the root? (Spread evenly, each would be 0.125.)", within: 0.1, because: "The scores spread by $\\sqrt{64} = 8$, so the best is several points ahead of the second. The softmax turns a lead of $n$ points into a factor of $e^n$."}
#   - {id: training_leader, ask: "Which of the two has the lower training loss at the end of the third pass?", choices: ["the network", "the transformer"], because: "The network has weights of its own for each of its three places, and an output table besides: much room for learning by heart. The transformer shares its matrices between all places."}
#   - {id: longer_network, ask: "What does the network's validation perplexity do, from the end of three passes to the end of eight passes with the stretched schedule?", choices: ["falls by more than 1", "stays within 1", "rises by more than 1"], because: "It goes on learning the training part by heart, and that does not hold for other words. The longer schedule also keeps the rate high for longer."}
#   - {id: future_cut_off, ask: "What is the perplexity of the model without a mask, when the future is kept from it, as it is in writing?", factor: 1.5, because: "It spent its 150 steps on copying from the place to the right, so it knows less about what follows than its twin with the mask."}
# written:
#   - {id: too_low_a_loss, ask: "A friend's character model reaches a loss of 0.05 in an hour. What do you check, in which order, and with which two experiments?", rubric: ["the targets: offset by one, and in the right direction", "the mask: there, the right way round, and before the softmax", "the split: no test text in the training text", "the two experiments: derivatives of early logits with respect to late embeddings, and changing the future and comparing"], answer: "Whether the targets are offset by one, and in the right direction. Whether the mask is there, the right way round, before the softmax. Whether test text stands in the training text. The two experiments: the derivative of early logits with respect to late embeddings, and changing the future and comparing."}
#   - {id: three_vectors, ask: "Why are there three vectors, query, key and value, and not one? What could a layer with $q = k = v = x$ not express?", rubric: ["with one vector the scores are symmetric", "each word then looks mostly at itself and at words like it", "gives a relation that is not symmetric, such as an article that looks for its noun", "what a word is found by need not be what it hands over"], answer: "With one vector the scores are symmetric, and each word looks mostly at itself and at words like it. \"An article looks for its noun\" is not symmetric. And what a word is found by need not be what it hands over."}
#   - {id: talk_and_think, ask: "Where in the block do places talk to each other, and where does each think alone? What breaks without either?", rubric: ["they talk in the attention and nowhere else", "each thinks alone in the MLP", "without attention the model knows no more than a bigram model", "without the MLP it can compute little from what was gathered"], answer: "They talk in the attention and nowhere else. Each thinks alone in the MLP. Without attention every place sees its own word only, so the model knows no more than a bigram model. Without the MLP it can compute little from what was gathered."}
# ---

# %% [markdown]
# # The causal transformer
#
# Here is a result to be proud of: after a hundred and fifty steps of training, a language model that
# predicts Shakespeare's next word nearly every time. You will build it towards the end of this page, and it
# is worthless. Everything in it is right except for one triangle of numbers. Without that triangle the model
# has been reading the answers.
#
# With the triangle in place it is the **transformer** of {cite:t}`vaswani2017`, in the form in which
# {cite:t}`radford2019` made it write: the model behind the large language models of today. You will build
# that one first, from the mask to the training loop, and test by derivatives that nothing leaks into it from
# the future. Then it will race the network of [rung 11](11_word_mlp.ipynb), with no more parameters and on
# the same words.
#
# **You need** [rung 10](10_resnet.ipynb) (skips and norms), [rung 11](11_word_mlp.ipynb) (words, windows,
# perplexity) and [rung 12](12_sampling.ipynb) (sampling). **You will have** a causal transformer, all of it
# yours. **It takes** about four hours.

# %% tags=["setup"]
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import chapter, check, commit, hint, measured, mine, outcome, progress, recall, write
from descent.data import shakespeare
from descent.figures import attention_map_figure, plot_curves, titled, use_style

chapter("ladder/13_causal_transformer")
use_style()

# %% [markdown]
# ## The words, as on rung 11
#
# The text is cut into words and marks, and split by position into 80 % for training, 10 % for validation and
# 10 % for the test. Only then are the words numbered: the 1 999 most frequent ones of the *training* part,
# and `<unk>` for the rest. You wrote all of it two rungs ago, so here it is given.

# %%
def prepare(text: str, size: int) -> tuple[list[str], Tensor, Tensor, Tensor]:
    """Words by number (0 is <unk>), and the three parts of the text as int64 numbers."""
    tokens = re.findall(r"\w+|[^\w\s]", text.lower())
    a, b = len(tokens) * 8 // 10, len(tokens) * 9 // 10
    parts = tokens[:a], tokens[a:b], tokens[b:]
    counts = Counter(parts[0])
    words = ["<unk>", *sorted(counts, key=lambda word: (-counts[word], word))[: size - 1]]
    number = {word: i for i, word in enumerate(words)}
    train, valid, test = (torch.tensor([number.get(w, 0) for w in part]) for part in parts)
    return words, train, valid, test


VOCABULARY = 2000
text = shakespeare()
words, train_tokens, valid_tokens, test_tokens = prepare(text.text, VOCABULARY)
VOCABULARY = len(words)
print(f"{text.source}: {len(train_tokens)} + {len(valid_tokens)} + {len(test_tokens)} tokens, {VOCABULARY} words")
print("the training part begins:", " ".join(words[i] for i in train_tokens[:18]))

# %% [markdown]
# ## A target at every place
#
# Rung 11 read $N$ words and predicted one. A transformer reads $N$ words and makes *$N$* predictions: from
# the first word the second, from the first two the third, and so on. So every word of a window has a target,
# and the targets are the inputs moved along the text by one place:
#
# | place $t$ | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | input | to | be | or | not |
# | target | be | or | not | to |
#
# The input at place 2 is Shakespeare's word, whatever the model would have written there. Training on the
# real words and not on the model's own guesses is called **teacher forcing**. It lets all $N$ predictions be
# made at once.
#
# By hand: tokens $[10, 11, 12, 13, 14]$, start $1$ and length $3$ give the inputs $[11, 12, 13]$ and the
# targets $[12, 13, 14]$. One window of length $N$ takes $N + 1$ tokens of the text.

# %% exercise="windows_at"
def windows_at(tokens: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut windows out of a text, with the next word of every word.

    Parameters
    ----------
    tokens : int64 of shape (n,)
    starts : int64 of shape (batch,), where the windows begin; each is at most n − length − 1
    length : words in a window, at least 1

    Returns
    -------
    inputs, targets : int64 of shape (batch, length) each, with inputs[i, t] = tokens[starts[i] + t]
        and targets[i, t] = tokens[starts[i] + t + 1]
    """
    ### BEGIN SOLUTION
    window = tokens[starts[:, None] + torch.arange(length + 1)]
    return window[:, :-1], window[:, 1:]
    ### END SOLUTION


# %% check="windows_at"
check(windows_at)

# %% [markdown]
# ## Who may look at whom
#
# There is a catch. At place 0 the model is to predict "be", and "be" stands in the same window, at place 1.
# If place 0 may look at place 1, there is nothing to learn: the model can copy. So place $t$ may look at the
# places $s \le t$ and at no later one. The table that says so is the **causal mask**. It has shape $(T, T)$, with
# $T$ for the length of the window now (rung 12's $T$ was a temperature),
# a row for each place that looks and a column for each place that is looked at. For $T = 3$, with 1 for True
# and 0 for False:
#
# $$ M = \begin{pmatrix} 1 & 0 & 0 \\ 1 & 1 & 0 \\ 1 & 1 & 1 \end{pmatrix},
# \qquad M_{ts} = \text{True when } s \le t. $$
#
# The diagonal is True. A word may look at itself: it is the *next* word that is secret. Some libraries write
# True for "hidden". On this page **True means "may look"**.

# %% exercise="causal_mask"
def causal_mask(length: int) -> Tensor:
    """Say which place may look at which.

    Parameters
    ----------
    length : number of places, at least 1

    Returns
    -------
    bool of shape (length, length): entry [t, s] is True when place t may look at place s,
        that is, when s is not later than t
    """
    ### BEGIN SOLUTION
    return torch.ones(length, length, dtype=torch.bool).tril()
    ### END SOLUTION


# %% check="causal_mask"
check(causal_mask)

# %% [markdown]
# ## Attention
#
# How should "king" at place 7 use the words before it? Rung 11 gave each place of its window weights of its
# own. What it had learned about "the" three words back did not help it with "the" two words back.
# **Attention** lets the *words* decide. Every place makes three vectors:
#
# - a **query** $q_t$, what it is looking for;
# - a **key** $k_s$, what it can be found by;
# - a **value** $v_s$, what it hands over when somebody looks.
#
# Place $t$ compares its query with every key by a dot product. A large dot product means a good match. The
# softmax turns these scores into weights that add up to 1, and the output is the weighted mean of the
# values. For $T$ places and vectors of $d$ numbers,
#
# $$ S = \frac{Q K^\top}{\sqrt{d}}, \qquad A_{ts} = \frac{M_{ts}\, e^{S_{ts}}}{\sum_{r} M_{tr}\, e^{S_{tr}}},
# \qquad O = A V, $$
#
# with $Q, K: (T, d)$, scores and weights $S, A: (T, T)$, values $V: (T, d_v)$ and outputs $O: (T, d_v)$.
# This is **scaled dot-product attention** {cite:p}`vaswani2017`.
#
# By hand, $d = 1$: queries $[0, 2]$, keys $[1, 1]$, values $[10, 20]$, causal. Place 0 sees itself alone:
# weight 1, output 10. Place 1 has the scores $2, 2$, hence the weights $\tfrac12, \tfrac12$ and the output
# 15.
#
# In code, a hidden score is set to $-\infty$ before the softmax, because $e^{-\infty} = 0$. A score of 0
# would not do, since $e^0 = 1$. Nor would setting weights to 0 *after* the softmax: the hidden words would
# still be in the denominator, and the rows would no longer add up to 1. And do not multiply a mask by
# $-\infty$, for $-\infty \cdot 0$ is NaN (not a number): choose, by `masked_fill` or `torch.where`.
#
# **Why $\sqrt d$?** Before you build it, look.
#
# **Predict.** Queries and keys of $d$ standard normal numbers, eight keys, no mask, for $d = 4$, 64 and 1024. A head
# of GPT-2 has $d = 64$. Think of the width, too: what changes with $d$, with the root and without?

# %% predict="largest_weight"
commit("largest_weight", ..., sure=...)

# %%
largest_weight = {}
demo = torch.Generator().manual_seed(0)
for d in (4, 64, 1024):
    q, k = torch.randn(2000, 1, d, generator=demo), torch.randn(2000, 8, d, generator=demo)
    scores = (q @ k.transpose(1, 2))[:, 0]
    plain, scaled = scores.softmax(-1).amax(-1).mean(), (scores / math.sqrt(d)).softmax(-1).amax(-1).mean()
    largest_weight[d] = plain.item()
    print(f"d = {d:4}: scores spread by {scores.std():5.1f}; largest weight {plain:.2f}, divided by √d {scaled:.2f}")

# %% outcome="largest_weight"
outcome("largest_weight", largest_weight[64])

# %% [markdown]
# A dot product of $d$ independent terms spreads by $\sqrt d$. Without the root, a wide layer starts out
# certain of one word, chosen at random, and where a softmax is certain its gradient is close to 0: it can
# hardly change its mind. With the root every width starts alike.

# %% exercise="attention"
def attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention.

    Parameters
    ----------
    queries : shape (…, T, d); the dots stand for any batch dimensions, or none
    keys : shape (…, S, d), with the same batch dimensions
    values : shape (…, S, d_v)
    mask : bool of shape (T, S), True where the query may look at the key; every row has a True

    Returns
    -------
    output : shape (…, T, d_v)
    weights : shape (…, T, S); 0 where the mask is False, and every row adds up to 1.
        Scores may be in the hundreds.
    """
    ### BEGIN SOLUTION
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
    return weights @ values, weights
    ### END SOLUTION


# %% check="attention"
check(attention)

# %% recall="attention"
recall("attention")

# %% [markdown]
# ## Attention has no sense of order
#
# Five random vectors go through attention (each is its own query, key and value), once in order
# and once backwards. The mask allows everything. How will the two outputs differ?

# %%
x = torch.randn(5, 4, generator=demo)
everything = torch.ones(5, 5, dtype=torch.bool)
forwards, _ = attention(x, x, x, everything)
backwards, _ = attention(x.flip(0), x.flip(0), x.flip(0), everything)
print(f"largest difference after turning one of them round: {(forwards - backwards.flip(0)).abs().max():.1e}")

# %% [markdown]
# They are the same outputs in reverse, up to rounding. Attention sees a *set* of words: to it, "dog bites
# man" and "man bites dog" are the same three words. The causal mask breaks the tie a little, since later
# places see more. Still, the model should be told where each word stands. So we will add a second vector to
# each word's embedding, a learned one that belongs to its *place*.
#
# ## Several heads
#
# An attention layer makes one weighted mean for each place, and a mean blurs. A place may want the verb
# *and* the word right before it. So we let several smaller attentions work side by side, the **heads**. The
# width $C$ (numbers for each word) is cut into $h$ slices of $C/h$ numbers, each head attends with its own
# slice, and the results are laid side by side again. The multiplications are as many as for one wide head.
#
# For torch, heads are one more batch dimension: $(B, T, C) \to (B, h, T, C/h)$, for a batch of $B$ windows.
# By hand, one window of two words, two heads: the words are $[1, 2, 3, 4]$ and $[5, 6, 7, 8]$. Head 0 has
# $[1, 2]$ and $[5, 6]$, head 1 has $[3, 4]$ and $[7, 8]$. A `reshape` alone gives head 0 the pairs $[1, 2]$
# and $[3, 4]$: all of the first word and nothing of the second. The shape is right, so nothing complains,
# and the numbers of different places are mixed up, future ones with past ones.

# %% exercise="split_heads"
def split_heads(x: Tensor, heads: int) -> Tensor:
    """Give each head its slice of every word.

    Parameters
    ----------
    x : shape (batch, time, width)
    heads : number of heads; it divides width

    Returns
    -------
    shape (batch, heads, time, width / heads): head h has the numbers from h · width/heads
        up to (h + 1) · width/heads of every word
    """
    ### BEGIN SOLUTION
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).transpose(1, 2)
    ### END SOLUTION


# %% check="split_heads"
check(split_heads)

# %% [markdown]
# ## Multi-head attention
#
# Where do queries, keys and values come from? From the same input $x$, by three learned matrices: that makes
# it **self-attention**. A fourth matrix, the **output projection**, mixes what the heads brought home. With
# every shape, for $h$ heads of $d = C/h$ numbers:
#
# $$ x: (B, T, C) \xrightarrow{\;W_q, W_k, W_v\;} (B, T, C) \xrightarrow{\text{split}} (B, h, T, d)
# \xrightarrow{\text{attention}} (B, h, T, d) \xrightarrow{\text{join}} (B, T, C) \xrightarrow{\;W_o\;} (B, T, C). $$
#
# Joining undoes splitting: transpose first, then reshape. And mind which $d$ stands under the root: a head's
# dot product has $C/h$ terms.

# %% exercise="MultiHeadAttention"
class MultiHeadAttention(nn.Module):
    """Causal self-attention with several heads.

    Parameters
    ----------
    width : numbers for each word, C
    heads : number of heads; it divides width

    Attributes
    ----------
    query, key, value, out : nn.Linear, width → width, without bias. There are no other parameters.
    weights : the attention weights of the last call, detached from the gradient,
        shape (batch, heads, time, time)
    """

    def __init__(self, width: int, heads: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Let every place look at itself and those before it: (batch, time, width) → the same."""
        ### BEGIN SOLUTION
        projected = (self.query(x), self.key(x), self.value(x))
        q, k, v = (split_heads(part, self.heads) for part in projected)
        mixed, weights = attention(q, k, v, causal_mask(x.shape[1]))
        self.weights = weights.detach()
        return self.out(mixed.transpose(1, 2).reshape(x.shape))
        ### END SOLUTION


# %% check="MultiHeadAttention"
check(MultiHeadAttention)

# %% [markdown]
# ## The block
#
# Attention moves information between places, and does little with it: what a place receives is a weighted
# mean. So a second part follows, a network with one hidden layer (an MLP, as on
# [rung 7](07_mnist_mlp.ipynb)), applied to every place by itself. Around both go the two things that made
# the deep networks of [rung 10](10_resnet.ipynb) trainable, a skip and a norm:
#
# $$ x \leftarrow x + \operatorname{attention}(\operatorname{norm}_1(x)), \qquad
#    x \leftarrow x + \operatorname{mlp}(\operatorname{norm}_2(x)). $$
#
# The norm is **layer norm** {cite:p}`ba2016`. `nn.LayerNorm(width)` shifts and scales the vector of each
# word, at each place by itself, to mean 0 and variance 1, and then applies a learned scale and shift. Batch
# norm will not do here: its mean would run over all places, those of the future included.
#
# The norm stands *inside* the branch, which is called **pre-norm**. The $x$ that runs along the skips is the
# **residual stream**: from the embedding to the last block, each branch reads from it and adds to it, and
# nothing else touches it. {cite:t}`vaswani2017` put the norm after the sum, and their training needed a
# careful start; {cite:t}`radford2019` moved it inside.
#
# The MLP goes $C \to 4C \to C$, with $\operatorname{GELU}$ in between: a ReLU with its corner rounded off.
# Parameters: $4C^2$ in the attention, $8C^2 + 5C$ in the MLP, $4C$ in the norms, together $12C^2 + 9C$.

# %% exercise="Block"
class Block(nn.Module):
    """One transformer block: attention, then a network for each place, pre-norm, with skips.

    Parameters
    ----------
    width, heads : as in MultiHeadAttention

    Attributes
    ----------
    norm1, norm2 : nn.LayerNorm(width)
    attention : MultiHeadAttention(width, heads)
    mlp : nn.Sequential of nn.Linear(width, 4 · width), nn.GELU(), nn.Linear(4 · width, width)
    """

    def __init__(self, width: int, heads: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = MultiHeadAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Add to x what attention and then the MLP make of it: (batch, time, width) → the same.

        What comes back is a new tensor: the x that was handed over stays as it was.
        """
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))
        ### END SOLUTION


# %% check="Block"
check(Block)

# %% recall="block"
recall("block")

# %% [markdown]
# ## The model
#
# Now the whole, from tokens $(B, T)$ to logits $(B, T, V)$, in two methods, so that we can look in between:
#
# - `embed`: the word's row of one table plus the place's row of another. Places count from 0.
# - `read_out`: the blocks in order, a last norm, and the logits.
#
# The logits do not need a second table of $V \times C$ numbers. A word's row of the embedding table says
# what the word is like, and its logit asks how like that word the result is. So one table serves for both,
# $\text{logits} = \operatorname{norm}(x)\, E^\top$ with $E: (V, C)$, and the output layer, or **head** of
# the model, is **tied**. (This head has nothing to do with those of the attention. The word is in use for
# both.) At $V = 2\,000$ and $C = 92$ tying saves 184 000 parameters.
#
# It has a consequence for the start. torch fills a table with numbers of spread 1, so tied logits would
# spread by $\sqrt C$, and an untrained model would be sure of itself at random. A spread of 0.1 keeps it
# modest, and the first loss is close to $\log V$.

# %% exercise="CausalTransformer"
class CausalTransformer(nn.Module):
    """A decoder-only transformer with learned positions and a tied head.

    Parameters
    ----------
    vocabulary : number of words, V
    context : the most places it can read
    width, heads : as in Block
    layers : number of blocks, at least 1

    Attributes
    ----------
    token : nn.Embedding(vocabulary, width), started from normal numbers with spread 0.1
    position : nn.Embedding(context, width), started in the same way
    blocks : nn.ModuleList of `layers` different Blocks
    norm : nn.LayerNorm(width). There are no other parameters.
    """

    def __init__(self, vocabulary: int, context: int, width: int, heads: int, layers: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.position.weight, std=0.1)
        ### END SOLUTION

    def embed(self, tokens: Tensor) -> Tensor:
        """Word plus place: int64 (batch, time), time ≤ context → (batch, time, width)."""
        ### BEGIN SOLUTION
        return self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        ### END SOLUTION

    def read_out(self, x: Tensor) -> Tensor:
        """Blocks, norm, tied head: (batch, time, width) → logits (batch, time, vocabulary)."""
        ### BEGIN SOLUTION
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.token.weight.T
        ### END SOLUTION

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (batch, time, vocabulary); those at [:, t] are for the word at t + 1."""
        ### BEGIN SOLUTION
        return self.read_out(self.embed(tokens))
        ### END SOLUTION


# %% check="CausalTransformer"
check(CausalTransformer)

# %% [markdown]
# ## The loss
#
# Every place of every window is one classification with $V$ classes. The loss is the mean of their negative
# log-likelihoods, one number for $B \cdot T$ predictions. `F.cross_entropy` wants the classes in dimension
# 1, so flatten batch and time into one dimension, or transpose. (A reshape to $(B, V, T)$ has the shape that
# it wants, and the wrong numbers in it.)

# %% exercise="next_word_loss"
def next_word_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Average the negative log-likelihood of the next word over all places of all windows.

    Parameters
    ----------
    logits : shape (batch, time, vocabulary)
    targets : int64 of shape (batch, time): targets[i, t] is the word that logits[i, t] should
        predict

    Returns
    -------
    a tensor of shape (), in nats for each word
    """
    ### BEGIN SOLUTION
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    ### END SOLUTION


# %% check="next_word_loss"
check(next_word_loss)

# %%
CONTEXT = 16
torch.manual_seed(0)
untrained = CausalTransformer(VOCABULARY, CONTEXT, width=92, heads=4, layers=2)
inputs, targets = windows_at(train_tokens, torch.arange(0, 640, 10), CONTEXT)
print(f"logits {tuple(untrained(inputs).shape)}, {sum(p.numel() for p in untrained.parameters())} parameters")
print(f"loss before training {next_word_loss(untrained(inputs), targets):.2f}; log {VOCABULARY} = {math.log(VOCABULARY):.2f}")

# %% [markdown]
# Write that check on your wall. A first loss far from $\log V$ means that the start is wrong. A first loss
# far *below* it means that the model has seen the answer.
#
# ## Does the future leak?
#
# A right mask is no proof: heads can be joined badly, or a norm may average over time. So ask the finished
# model. Nudge the embedding $x_s$ at place $s$. If a logit at an earlier place $t < s$ moves, the future
# leaks. Derivatives ask that for all small nudges at once:
#
# $$ I_{ts} = \max_{v,\,j} \left| \frac{\partial\, \text{logits}_{t v}}{\partial x_{s j}} \right|, \qquad
#    \text{no leak} \implies I_{ts} = 0 \text{ for all } s > t. $$
#
# We take the maximum of absolute values, because slopes that are added can cancel. By hand: $f(x) = A x$
# with $A = \begin{pmatrix} 2 & 0 \\ -3 & 1 \end{pmatrix}$ and one number for each place has
# $I = \begin{pmatrix} 2 & 0 \\ 3 & 1 \end{pmatrix}$. `torch.autograd.functional.jacobian(f, x)` gives all
# the slopes, in the shape of the output followed by that of the input.

# %% exercise="influence"
def influence(f, x: Tensor) -> Tensor:
    """Measure how strongly each place of the output feels each place of the input.

    Parameters
    ----------
    f : a differentiable function of one tensor; f(x) has shape (time, vocabulary)
    x : shape (time, width), where to measure

    Returns
    -------
    shape (time, time): entry [t, s] is the largest absolute derivative of any f(x)[t, v]
        with respect to any x[s, j]
    """
    ### BEGIN SOLUTION
    jacobian = torch.autograd.functional.jacobian(f, x)
    return jacobian.abs().amax(dim=(1, 3))
    ### END SOLUTION


# %% check="influence"
check(influence)

# %% [markdown]
# We need a culprit to compare with. `Leaking` wraps your attention layer and uses its matrices with a mask
# that allows everything.
#
# Here are two tables of influence for windows of eight places, one with the mask and one without. Where
# will the zeros be in each? Will they be exactly 0 or only small?

# %%
class Leaking(nn.Module):
    """Your attention layer without its causal mask."""

    def __init__(self, layer: nn.Module, heads: int) -> None:
        super().__init__()
        self.layer, self.heads = layer, heads

    def forward(self, x: Tensor) -> Tensor:
        projected = (self.layer.query(x), self.layer.key(x), self.layer.value(x))
        q, k, v = (split_heads(part, self.heads) for part in projected)
        everything = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool)
        mixed, _ = attention(q, k, v, everything)
        return self.layer.out(mixed.transpose(1, 2).reshape(x.shape))


def make_leaky(model: CausalTransformer, heads: int) -> CausalTransformer:
    """Take the mask away from every block, in place."""
    for block in model.blocks:
        block.attention = Leaking(block.attention, heads)
    return model


torch.manual_seed(1)
small = CausalTransformer(50, 8, width=16, heads=2, layers=2)
torch.manual_seed(1)
small_leaky = make_leaky(CausalTransformer(50, 8, width=16, heads=2, layers=2), heads=2)
tokens = torch.randint(50, (1, 8), generator=demo)

fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.7))
for ax, (name, model) in zip(axes, {"with the mask": small, "without it": small_leaky}.items(), strict=True):
    felt = influence(lambda x, model=model: model.read_out(x[None])[0], model.embed(tokens)[0].detach())
    future = felt.triu(1).max().item()
    print(f"{name}: largest slope with respect to a later word = {future}")
    image = ax.imshow(felt.clamp(min=1e-4).log10(), vmin=-4, vmax=0)
    ax.set(title=name, xlabel="place nudged, s", ylabel="place predicting, t", xticks=range(8), yticks=range(8))
    ax.grid(False)
fig.colorbar(image, ax=axes, label="log₁₀ of the largest slope")
plt.show()

# %% [markdown]
# Above the diagonal of the left table stand exact zeros, because a weight of $e^{-\infty} = 0$ multiplies
# whatever comes from there. A derivative speaks of small nudges. For large ones, change the future and
# compare:

# %%
changed = tokens.clone()
changed[0, 5:] = (changed[0, 5:] + 7) % 50
for name, model in {"with the mask": small, "without it": small_leaky}.items():
    moved = (model(tokens) - model(changed))[0, :5].abs().max().item()
    print(f"{name}: words 5 to 7 changed, logits at places 0 to 4 moved by at most {moved:.2g}")

# %% [markdown]
# Both tests agree. Keep them: they take a second, and they find a leak in any model, whatever is inside.

# %% recall="leak_test"
recall("leak_test")

# %% [markdown]
# ## The number to report
#
# As on rung 11, a text is judged by the mean surprise of its words, and we quote the exponential of it, the
# **perplexity**. Windows lie end to end: the first reads the tokens $0 \dots N-1$ and predicts $1 \dots N$,
# and the next one starts at $N$. So every token but the first is predicted exactly once. The last window may
# be short, and each of its words counts as much as any other. (Words early in a window have little context
# and cost more. That is a handicap of our model, and we leave it in.)
#
# By hand: 6 tokens and a context of 4 give a window of 4 predictions and one of 1. If their mean losses are
# 2 and 7, the answer is $(4 \cdot 2 + 1 \cdot 7)/5 = 3$, and not $4.5$.

# %% exercise="evaluate"
def evaluate(model: nn.Module, tokens: Tensor, context: int) -> float:
    """Measure the mean surprise of a text, each word but the first predicted once.

    Parameters
    ----------
    model : maps int64 (batch, time), time ≤ context, to logits (batch, time, vocabulary).
        It is evaluated in evaluation mode and without recording gradients, and may be left in
        evaluation mode. Afterwards gradients are recorded as before.
    tokens : int64 of shape (n,), with n at least 2
    context : words in a window; windows start at 0, context, 2 · context, …, and the last
        may be shorter

    Returns
    -------
    the mean negative log-likelihood over the n − 1 predicted words, in nats: a Python float
    """
    ### BEGIN SOLUTION
    model.eval()
    total, predicted = 0.0, len(tokens) - 1
    whole = predicted // context
    pieces = [(batch * context, context) for batch in torch.arange(whole).split(64)]
    pieces.append((torch.tensor([whole * context]), predicted - whole * context))
    with torch.no_grad():
        for starts, length in pieces:
            inputs, targets = windows_at(tokens, starts, length)
            if targets.numel():
                total += next_word_loss(model(inputs), targets).item() * targets.numel()
    return total / predicted
    ### END SOLUTION


# %% check="evaluate"
check(evaluate)

# %% [markdown]
# ## Training
#
# The last piece, from its specification. For each learning rate in `rates`, one step:
#
# 1. Draw `batch_size` starts from `generator`, all possible ones equally likely, and each by itself: the
#    same start may come twice.
# 2. Cut windows and targets, compute logits and loss, record the loss.
# 3. Clear the old gradient, run `backward`, set the learning rate in every group of
#    `optimiser.param_groups`, step.
#
# Why hand over a list of rates? Transformers start better when the rate climbs for a while (a **warm-up**),
# and end better when it falls to nearly nothing. With a list such a **schedule** is something that you can
# print and plot.

# %% exercise="train"
def train(model, tokens, context, batch_size, rates, optimiser, generator) -> list[float]:
    """Train a language model on random windows of a text, one step for each learning rate.

    Parameters
    ----------
    model : maps int64 (batch, time) to logits (batch, time, vocabulary); trained in place, in
        training mode, whichever mode it comes in
    tokens : int64 of shape (n,), n > context
    context : words in a window, each with its target
    batch_size : windows in a batch
    rates : list of floats, the learning rate of each step; it may be empty
    optimiser : has zero_grad(), step() and param_groups, like torch's; gradients left over from
        before must not count
    generator : torch.Generator, the source of the starts: all of 0 … n − context − 1, equally
        likely. The same seed gives the same windows.

    Returns
    -------
    one Python float for each step, in order: the loss of its batch before the step
    """
    ### BEGIN SOLUTION
    model.train()
    losses = []
    for rate in rates:
        starts = torch.randint(len(tokens) - context, (batch_size,), generator=generator)
        inputs, targets = windows_at(tokens, starts, context)
        loss = next_word_loss(model(inputs), targets)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
    return losses
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## The race
#
# In one lane runs the network of rung 11: three words of context, embeddings of 64, a hidden layer of 128.
# In the other runs your transformer, with two blocks of width 92 and four heads. The rules:
#
# - no more parameters for the transformer than for the network;
# - the same training words, and as many predictions to learn from: three passes' worth, in steps of 512, in
#   windows of the length that suits each;
# - the same optimiser and the same shape of schedule, each with the peak rate that was best for it on the
#   validation part;
# - the test part once, at the end.
#
# To keep the loop the same, the network reads whole windows as well: `EveryPlace` asks it at every place
# about the last three words. At the first two places of a window some of the three are missing, so it gets
# longer windows: 32 words in training and 256 in evaluation, where that hardly matters. The transformer gets
# 16 in both: in trials, longer windows made it no better. If your `WordModel` passes its check on rung 11,
# yours runs. The optimiser is AdamW, the Adam of [rung 8](08_adam_optax.ipynb) with weight decay taken out
# of the moments. It is torch's, since yours has neither the decay nor `param_groups`.

# %%
class WordNetwork(nn.Module):
    """The course's network of rung 11: contexts (b, n) → logits (b, V)."""

    def __init__(self, size: int, context: int, width: int = 64, hidden: int = 128) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, width)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.hidden = nn.Linear(context * width, hidden)
        self.output = nn.Linear(hidden, size)

    def forward(self, contexts: Tensor) -> Tensor:
        return self.output(torch.tanh(self.hidden(self.embedding(contexts).flatten(1))))


class EveryPlace(nn.Module):
    """A network of rung 11, asked at every place of a window about the last three words."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        padded = F.pad(tokens, (2, 0))  # two <unk> in front
        contexts = padded.unfold(1, 3, 1)  # (batch, time, 3)
        return self.network(contexts.flatten(0, 1)).unflatten(0, tokens.shape)


WordModel = mine("ladder/11", "WordModel", otherwise=WordNetwork)

# %%
NETWORK, TRANSFORMER = "network of rung 11", "transformer"
PEAK_OF = {NETWORK: 8e-3, TRANSFORMER: 4e-3}  # the highest learning rates
BATCH = {NETWORK: (16, 32), TRANSFORMER: (32, CONTEXT)}  # windows, and words in each
READS = {NETWORK: 256, TRANSFORMER: CONTEXT}  # words in a window of the evaluation
PASSES = 3  # as many predictions as three times through the text


def new_model(name: str, seed: int) -> nn.Module:
    """An untrained model of the race, always the same for a seed."""
    torch.manual_seed(seed)
    if name == NETWORK:
        return EveryPlace(WordModel(VOCABULARY, 3))
    model = CausalTransformer(VOCABULARY, CONTEXT, width=92, heads=4, layers=2)
    for block in model.blocks:
        for last in (block.attention.out, block.mlp[-1]):
            last.weight.data *= 0.2  # the branches start quietly
    return model


def schedule(peak: float, steps: int, warm_up: int = 30) -> list[float]:
    """Up to `peak` in a straight line, then down to 2 % of it."""
    return [peak * min((s + 1) / warm_up, max(0.02, 1 - s / steps)) for s in range(steps)]


def passes_of(name: str, model: nn.Module, peak: float, passes: int, seed: int) -> Iterator[list[float]]:
    """Train pass after pass, and hand over the losses after each."""
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
    generator = torch.Generator().manual_seed(seed)
    count, length = BATCH[name]
    rates = schedule(peak, round(passes * len(train_tokens) / (count * length)))
    cuts = [len(rates) * k // passes for k in range(passes + 1)]
    for low, high in pairwise(cuts):
        yield train(model, train_tokens, length, count, rates[low:high], optimiser, generator)


for name in PEAK_OF:
    print(f"{name}: {sum(p.numel() for p in new_model(name, 0).parameters()):,} parameters")

# %% [markdown]
# In {cite:t}`radford2019` the last layer of every branch starts with smaller numbers, so that what the
# branches add to the residual stream does not drown the words. Our `new_model` does the same.
#
# As rung 12 taught, every evaluation also lets the model write, from the same prompt and with the same
# random numbers. A sampler of rung 12 wants one row of logits, those after the last word; `LastPlace` hands
# them over. Your `generate` is used if it passes its check there.

# %%
def write_on(
    model: nn.Module, prompt: Tensor, length: int, generator: torch.Generator, context: int,
    pad: int | None = None, p: float = 1.0, banned: Sequence[int] = (),
) -> Tensor:
    """The course's sampler: each next word from the likeliest ones that reach p together."""
    ids = prompt
    for _ in range(length):
        with torch.no_grad():
            logits = model(ids[None, -context:])[0].clone()
        logits[list(banned)] = -math.inf
        likeliest, order = logits.softmax(0).sort(descending=True)
        likeliest[likeliest.cumsum(0) - likeliest >= p] = 0.0
        ids = torch.cat([ids, order[torch.multinomial(likeliest, 1, generator=generator)]])
    return ids[len(prompt) :]


class LastPlace(nn.Module):
    """A model as a sampler of rung 12 reads it: words (1, n) → logits (1, V) of the next."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = model.training  # the sampler puts the mode back as it was

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model(tokens)[:, -1]


generate = mine("ladder/12", "generate", otherwise=write_on)


def written(tokens: Tensor) -> str:
    """Words as text, marks without the space before them."""
    return re.sub(r" (?=[^\w\s<])", "", " ".join(words[i] for i in tokens))


def sample(model: nn.Module, length: int) -> str:
    """What a model writes after the prompt; the same random numbers at every call."""
    generator = torch.Generator().manual_seed(2)
    new = generate(LastPlace(model), PROMPT, length, generator, CONTEXT, pad=None, p=0.9, banned=[0])
    return written(new)


ends = [i for i in range(len(test_tokens) - 40) if words[test_tokens[i]] in {".", "?", "!"}]
known = [i + 1 for i in ends if (test_tokens[i + 1 : i + 21] != 0).all()] or [ends[0] + 1]
PROMPT = test_tokens[known[0] : known[0] + 4]
print("the prompt, from the test part:", written(PROMPT))

# %% [markdown]
# **Predict.** Both lanes make as many predictions as three passes' worth, in steps of 512. Think of the way
# there, too: which one will be ahead after the first pass?

# %% predict="training_leader"
commit("training_leader", ..., sure=...)

# %%
curves, trained, lanes, seconds = {}, {}, {}, {}


def line_up(name: str) -> None:
    """Make a model and its passes, of which none has begun."""
    trained[name] = new_model(name, seed=0)
    lanes[name] = enumerate(passes_of(name, trained[name], PEAK_OF[name], PASSES, seed=0), 1)
    curves[name], seconds[name] = [], 0.0
    print(f"{name}\npass | validation perplexity | sample")


def next_pass(name: str) -> None:
    """Train for one more pass, evaluate, let the model write; after the last, say how long it took."""
    began = time.perf_counter()
    number, losses = next(lanes[name], (PASSES, []))  # after the last, nothing is left to train
    curves[name] += losses
    valid = math.exp(evaluate(trained[name], valid_tokens, READS[name]))
    print(f"{number:4} | {valid:21.1f} | {sample(trained[name], 18)}")
    seconds[name] += time.perf_counter() - began
    if number == PASSES:
        print(f"{seconds[name]:.0f} s")


line_up(NETWORK)
next_pass(NETWORK)

# %% [markdown]
# A pass for each cell. (To race again, begin with the cell above.)

# %%
next_pass(NETWORK)

# %%
next_pass(NETWORK)

# %% [markdown]
# Now the other lane.

# %%
line_up(TRANSFORMER)
next_pass(TRANSFORMER)

# %%
next_pass(TRANSFORMER)

# %%
next_pass(TRANSFORMER)

# %% [markdown]
# And what they are worth on the test part:

# %%
for name, model in trained.items():
    test = math.exp(evaluate(model, test_tokens, READS[name]))
    print(f"{name}: test perplexity {test:.1f}\n    {written(PROMPT)} | {sample(model, 45)}\n")
last_losses = {name: np.mean(losses[-40:]) for name, losses in curves.items()}
leader = "the network" if last_losses[NETWORK] < last_losses[TRANSFORMER] else "the transformer"

# %% outcome="training_leader"
outcome("training_leader", leader)

# %%
shown = {}
for name, losses in curves.items():
    means = [np.mean(losses[i : i + 40]) for i in range(0, len(losses), 40)]
    shown[name] = (40 * np.arange(len(means)) + 20, means)
plot_curves(shown, xlabel="step", ylabel="training loss (nats a word)",
            title=titled("In training the network is ahead", text.source))
plt.show()

# %% [markdown]
# Two surprises. After the first few dozen steps the network has the lower *training* loss, and it keeps that
# lead to the end. Yet on text that neither has seen, the transformer is ahead. One explanation: the network
# has three doors by which a word can enter, each with weights of its own, and an output table besides. That
# is much room for learning by heart which triples of words it has met. In the transformer a word enters by
# one table and leaves by the same one, and the same matrices serve every place. It has less room for
# learning by heart, and it needs longer to find out how to look.
#
# One run is one seed. Here are three of each, recorded beforehand with this page's own functions:

# %%
def introduced(record: dict) -> dict:
    """A record of benchmarks/word_transformer.py, after a line that says where it was made."""
    print(f"recorded beforehand, on the real tiny Shakespeare: {record['command']}\n"
          f"{record['date']}, {record['hardware']}\n")
    return record


by_model = {}
for row in introduced(measured("word_transformer_seeds"))["runs"]:
    by_model.setdefault(row["model"], []).append(
        (row["valid perplexity after each pass"][-1], row["test perplexity"])
    )
for column, part in enumerate(("validation", "test")):
    print(f"{part + ' perplexity':<23} seed 0   seed 1   seed 2      mean ± standard deviation")
    for name, pairs in by_model.items():
        values = [pair[column] for pair in pairs]
        each = " ".join(f"{value:8.1f}" for value in values)
        print(f"{name:<21} {each} {np.mean(values):14.1f} ± {np.std(values, ddof=1):.1f}")

# %% [markdown]
# On the validation part the transformer's lead is several times what its seeds differ among themselves. On
# the test part it is smaller and the seeds differ more. There, too, every transformer is ahead of every
# network, the nearest pair by very little. Two texts of 26 000 words each are not enough to say how *large* the
# lead is.
#
# Mind what the race does not show. The two lanes differ in more than attention: our head is tied and theirs
# is not, which is how the transformer pays for its blocks. ("Go further" asks what a tied network does.) Nor
# is a text of 200 000 words where transformers shine. They were made for far more.
#
# Where did the peak rates come from? From a sweep, one seed each. The choice was made by the validation
# column alone.

# %%
for row in introduced(measured("word_transformer_rates"))["runs"]:
    each = "  ".join(f"{value:5.1f}" for value in row["valid perplexity after each pass"])
    print(f"{row['model']:<19} peak {row['peak']:.4f}   validation perplexity after each pass: {each}")

# %% [markdown]
# A step in the rate moves the validation perplexity by up to two, and the two models at their best differ by
# three. So a comparison in which only one side's rate was tuned is worth little. Here even the worst of the
# three transformers ends below the best of the three networks.
#
# ## More passes
#
# **Predict.** Eight passes instead of three, with the schedule stretched to match, one seed. Think of the training
# loss and of the validation loss, of either model. We score the network's validation perplexity.

# %% predict="longer_network"
commit("longer_network", ..., sure=...)

# %%
after_eight = {}
longer = {}
for row in introduced(measured("word_transformer_long"))["runs"]:
    short_name = {NETWORK: "network", TRANSFORMER: "transformer"}[row["model"]]
    by_pass = row["mean training loss of each pass"]
    valid = row["valid perplexity after each pass"]
    longer[f"{short_name}, training"] = (np.arange(1, len(by_pass) + 1), by_pass)
    longer[f"{short_name}, validation"] = (np.arange(1, len(valid) + 1), np.log(valid))
    after_eight[row["model"]] = valid[-1]
    print(f"{row['model']:<19} lowest validation perplexity {min(valid):.1f} after pass {np.argmin(valid) + 1}, "
          f"{valid[-1]:.1f} after the last; test then {row['test perplexity']:.1f}")
after_three = by_model[NETWORK][0][0]  # seed 0
change = after_eight[NETWORK] - after_three
moved_by = "stays within 1" if abs(change) <= 1 else "rises by more than 1" if change > 0 else "falls by more than 1"
print(f"the network's validation perplexity: {after_three:.1f} after three passes, {after_eight[NETWORK]:.1f} after eight")

# %% outcome="longer_network"
outcome("longer_network", moved_by)

# %%
plot_curves(longer, xlabel="passes through the training part", ylabel="loss (nats a word)",
            title="More passes help the transformer, and not the network")
plt.show()

# %% [markdown]
# The network goes on learning the training part, pass after pass, and hardly anything that holds for other
# words. It ends with a *higher* validation perplexity than after three passes on the shorter schedule. The
# transformer is still falling at the last pass. It has more to learn than three passes can teach.
#
# ## A wonderful loss
#
# And the model of the opening? It is the same transformer, trained by the same loop, without the mask.
#
# **Predict.** It gets 150 steps on batches of 16 windows, and so does a twin with the mask, which comes to a perplexity of about 130. `evaluate` will claim a
# perplexity for each on the test part. Then we keep the future from both, as it is when a text is being written.

# %% predict="future_cut_off"
commit("future_cut_off", ..., sure=...)

# %%
def short_run(model: nn.Module) -> list[float]:
    """150 steps on batches of 16 windows of 16 words."""
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
    generator = torch.Generator().manual_seed(0)
    return train(model, train_tokens, CONTEXT, 16, schedule(5e-3, 150), optimiser, generator)


def honest_loss(model: nn.Module, tokens: Tensor, context: int, count: int = 1000) -> float:
    """The mean surprise at the word after a window: nothing of the future is in the input."""
    starts = torch.linspace(0, len(tokens) - context - 1, count).long()
    inputs, targets = windows_at(tokens, starts, context)
    model.eval()
    with torch.no_grad():
        return next_word_loss(model(inputs)[:, -1:], targets[:, -1:]).item()


torch.manual_seed(0)
with_mask = CausalTransformer(VOCABULARY, CONTEXT, width=92, heads=4, layers=2)
torch.manual_seed(0)
no_mask = make_leaky(CausalTransformer(VOCABULARY, CONTEXT, width=92, heads=4, layers=2), heads=4)
inputs, targets = windows_at(test_tokens, torch.arange(0, len(test_tokens) - CONTEXT, CONTEXT), CONTEXT)
short_runs, cut_off = {}, {}
for name, model in {"no mask": no_mask, "with the mask": with_mask}.items():
    short_runs[name] = short_run(model)
    claimed, honest = evaluate(model, test_tokens, CONTEXT), honest_loss(model, test_tokens, CONTEXT)
    cut_off[name] = math.exp(honest)
    with torch.no_grad():
        right = (model(inputs).argmax(-1) == targets).float().mean()
    print(f"{name}: training loss {np.mean(short_runs[name][-10:]):.2f}, next word right {right:.0%}, "
          f"perplexity claimed {math.exp(claimed):.1f}, with the future cut off {math.exp(honest):.1f}")

plot_curves(short_runs, xlabel="step", ylabel="training loss (nats a word)", title="Too good to be true")
plt.show()

# %% outcome="future_cut_off"
outcome("future_cut_off", cut_off["no mask"])

# %% [markdown]
# By its own account the model without a mask is nearly sure of every word. With the future cut off it is
# worse than its honest twin, which has had the same 150 steps. It spent them on learning to copy from the
# place to the right, and when a text is being written, nothing is there. Its loss does not quite reach 0,
# for one reason above all: at the last of the 16 places there is nothing to the right to copy.
#
# Nothing warned you. There was no error, the curve was smooth, and the test loss was as wonderful as the
# training loss, since the leak is in the model and not in the split. What warns you is knowing what to
# expect. A loss far below what anyone has reached on such a text is no discovery. It is a leak, until
# `influence` says otherwise.

# %% recall="leak"
recall("leak")

# %% [markdown]
# ## Where does it look?
#
# Your layers keep their last weights. Here are those of the transformer of the race on a sentence of the
# test part. Point at a word (or tap it, or use the arrow keys) to see where it looks, and choose a head.

# %%
LENGTH = CONTEXT
at = known[min(3, len(known) - 1)]  # a sentence without <unk>
line = test_tokens[None, at : at + LENGTH]
model = trained[TRANSFORMER].eval()
with torch.no_grad():
    model(line)
maps = torch.stack([block.attention.weights[0] for block in model.blocks])
line_words = [words[i] for i in line[0]]
attention_map_figure(line_words, maps)

# %%
fig, axes = plt.subplots(2, 4, figsize=(10, 6.0), sharex=True, sharey=True)
for layer, row in enumerate(axes):
    for head, ax in enumerate(row):
        ax.imshow(maps[layer, head], vmin=0, vmax=1)
        ax.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=11)
        ax.set_xticks(range(LENGTH), line_words, rotation=90, fontsize=7)
        ax.set_yticks(range(LENGTH), line_words, fontsize=7)
        ax.grid(False)
fig.supylabel("the word that looks")
fig.supxlabel("the word it looks at")
plt.show()

# %%
distance = (torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)).clamp(min=0).float()
even = distance[5:].sum(-1) / torch.arange(6, LENGTH + 1)
print(f"spread evenly over what it may see, a head would look {even.mean():.1f} words back on average")
for layer in range(2):
    for head in range(4):
        rows = maps[layer, head, 5:]
        back = (rows * distance[5:]).sum(-1).mean()
        itself = maps[layer, head].diagonal()[5:].mean()
        before = maps[layer, head].diagonal(-1)[4:].mean()
        print(f"layer {layer + 1}, head {head + 1}: looks {back:.1f} words back on average; "
              f"weight on itself {itself:.2f}, on the word before {before:.2f}")

# %% [markdown]
# Nobody told the heads what to do. Those of the first layer look nearby, much nearer than they would by
# spreading their weight evenly, and each in its own way: the second above all at the word before. Those of
# the second layer read what the first has gathered, and look further back. Their maps have vertical stripes:
# places to which a head keeps returning, whatever the word that looks. In our run one head returns to the
# commas and another to "i" and "you".
#
# Do not read too much into a map. It shows where values were taken from, not what was taken. And it is one
# sentence: move `at`, and see which of this still holds.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# **Take it apart.** Train without positions; without the skips; with one head; with the norm after the sum.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A table of validation perplexities over at least three seeds with their spread, at equal parameters. A
# remark on which differences are larger than the spread. The observation that a causal model without
# positions is not helpless, since the mask alone gives the places different views, and how you showed it.
# :::
#
# **The network strikes back.** The network of rung 11 spends most of its parameters on an output layer of
# its own. Tie its head: a matrix from the hidden width to that of the embedding, then $E^\top$. Race again.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Equal parameters again, so a wider hidden layer or embedding; the rate chosen anew on the validation part;
# several seeds. The result, whichever way it falls: on a text of 200 000 words and three passes, a tied
# network of three words is a strong opponent. And a judgement: how much of the transformer's lead was the
# architecture, and how much the tied head?
# :::
#
# **Sinusoids.** Replace the position table by fixed sines and cosines and train on windows of 16, then
# evaluate with windows of 32.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The formula with its frequencies, a picture of the table, and the perplexity at each place of the window,
# with the places beyond 16 beside those before. A table of sines *can* be evaluated there, but nothing
# beyond 16 was ever trained. Does the model make sense of it?
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="too_low_a_loss"
write("too_low_a_loss", """
""")

# %% write="three_vectors"
write("three_vectors", """
""")

# %% write="talk_and_think"
write("talk_and_think", """
""")

# %% [markdown]
# On rung 16 this model goes onto a GPU and reads letters instead of words. The blocks stay; the mask and the
# numbers of the places must then be made where the words are, on the GPU.
