# ---
# title: GPT, letter by letter
# subtitle: nanoGPT's model and training, piece by piece; how sure its published loss is; and what later ideas bring
# part: ladder
# hours: 5
# needs: [ladder/13_causal_transformer, ladder/14_fast_resnet]
# teaches: [bits per character, fused attention, GPT-2's initialisation, residual stream growth, weight tying, parameter groups, warm-up and cosine, gradient clipping, gradient accumulation, standard error of an estimate, Newton–Schulz iteration, Muon, ablation]
# builds: bits per character, the encoder, fused attention, GPT-2's start, the parameter count, GPT, parameter groups, orthogonalisation, the schedule, clipping, accumulation, the estimate of the loss, the whole training
# number: nanoGPT's loss of 1.88 at its CPU setting and of 1.4697 at its GPU setting, on the validation text and by the same estimate; then below it at the same number of tokens
# data: tiny Shakespeare
# run: nanogpt
# readings:
#   - {key: karpathy2022, where: "model.py and train.py, about 300 lines each: with this page behind you, you can read both from top to bottom", skip: "the loading of OpenAI's weights, until rung 17"}
#   - {key: radford2019, where: "section 2.3, 'Model': one paragraph with the scaled start, the norms and the sizes", skip: "the results, for this page"}
#   - {key: dao2022, where: "sections 2 and 3.1: what the table of scores costs, and how to do without it", skip: "block-sparse attention, and the proofs"}
#   - {key: press2017, where: "sections 1 to 3: why one table may serve both ends", skip: "the translation results"}
#   - {key: pascanu2013, where: "section 3.2: clipping by the norm, in a page", skip: "the analysis of vanishing gradients, which rung 10 has measured"}
#   - {key: jordan2024b, where: "the definition, the choice of the coefficients, and which parameters are left to AdamW", skip: "the speed records"}
# sections:
#   - {id: bits, heading: "Bits for each character", for: "comparing models with different tokens: this page's characters, rung 17's byte pairs", needs: [ladder/11#perplexity]}
#   - {id: characters, heading: "Characters as numbers", for: "the simplest tokeniser, which rung 17 replaces by byte pairs", needs: [ladder/11#vocabulary, ladder/13#offset_targets]}
#   - {id: fused_attention, heading: "The table that nobody needs", for: "attention at the window lengths of rung 17, where the table would not fit", needs: [ladder/13#multi_head, ladder/14#roofline, ladder/09#regularisers]}
#   - {id: start, heading: "How a GPT begins", for: "a start that holds at any depth; the residual stream is also what research chapter 8 reads", needs: [fused_attention, ladder/05#initialisation, ladder/13#block]}
#   - {id: tying, heading: "One table, in and out", for: "counting parameters, which the memory of rung 17 and the scaling laws of research chapter 2 begin with", needs: [ladder/13#model]}
#   - {id: model, heading: "The model", for: "the GPT that the real runs train here and on several GPUs on rung 17", needs: [start, tying]}
#   - {id: decay, heading: "What decays, and what does not", for: "the parameter groups of every recipe for transformers, Muon's too", needs: [model, ladder/08#weight_decay]}
#   - {id: muon, heading: "A step in every direction", for: "the newest of the optimisers in use, and the question of which directions of a gradient are noise", needs: [decay, ladder/08#momentum]}
#   - {id: schedule, heading: "The schedule", for: "the rise and fall of the rate in every long run; research chapter 4 asks for the best one", needs: [ladder/10#schedule]}
#   - {id: clipping, heading: "A limit for the gradient", for: "a guard and a gauge for long runs; with several processes its place in the order matters", needs: [ladder/02#backward]}
#   - {id: accumulation, heading: "A large batch in small parts", for: "one batch in parts; rung 17 gives the parts to several processes by the same rule", needs: [ladder/02#accumulation, ladder/13#loss]}
#   - {id: estimate, heading: "How good is it, and how sure are we?", for: "an error bar for every loss you report from here on", needs: [ladder/07#evaluate, ladder/13#loss]}
#   - {id: training, heading: "The training", for: "the loop of nanoGPT, which rung 17 runs on many processes", needs: [decay, schedule, clipping, accumulation]}
#   - {id: first_run, heading: "Shakespeare, for a few seconds", for: "a trained model of your own, on which the sureness of an estimate is measured", needs: [training, estimate, ladder/12#generation]}
#   - {id: starts_compared, heading: "Does the start matter? Does the tie?", for: "the habit of testing a received choice at your own size before you repeat its reason", needs: [first_run]}
#   - {id: warm_up, heading: "Is the warm-up needed?", for: "what a warm-up guards against, before you set one in a run that takes days", needs: [training, estimate, ladder/08#bias_correction]}
#   - {id: certainty, heading: "How sure is 1.88?", for: "telling a better model from a luckier evaluation, in every comparison of the research chapters", needs: [first_run]}
#   - {id: ablation, heading: "What better training brings", for: "reading and making a table of ingredients, as in the studies of the research chapters", needs: [certainty, muon, schedule]}
#   - {id: real_run, heading: "The real run", for: "the report of a run in the order in which to read it, as again for days of training on rung 17", needs: [model, training, certainty]}
# recall:
#   - {id: bits_of_tokens, section: bits, transfer: true, q: "Model A has tokens of 4.2 characters and a loss of 3.0 nats a token. Model B reads characters and has 0.80 nats. Which predicts the text better?", a: "A, with 3.0 / 0.693 / 4.2 = 1.03 bits a character. B needs 0.80 / 0.693 = 1.15."}
#   - {id: fused_never_stores, section: fused_attention, transfer: false, q: "What does fused attention never store, and what does that save?", a: "The table of scores, $T \\times T$ for each head. Memory grows like $T$ instead of $T^2$; the numbers are the same up to rounding."}
#   - {id: unsteady_evaluation, section: fused_attention, transfer: true, q: "After `model.eval()` the loss on the same windows still differs from call to call. Where do you look first?", a: "At functions, which do not know the mode: `dropout_p` of fused attention, or `F.dropout`, handed over without asking `self.training`."}
#   - {id: root, section: start, transfer: false, q: "Which matrices does GPT-2 start at $0.02/\\sqrt{2L}$, and why?", a: "Those that write into the residual stream, two in each of $L$ blocks. Variances of independent terms add, so the sum is as large for any depth."}
#   - {id: deep_sum, section: start, transfer: true, q: "32 blocks, and each of their branches adds a term of spread 0.05 to the stream. How far does the sum spread? And with the root?", a: "64 terms: $\\sqrt{64} \\cdot 0.05 = 0.4$. With each divided by $\\sqrt{64}$, 0.05."}
#   - {id: decay_by_name, section: decay, transfer: false, q: "A colleague lets every parameter decay whose name ends in `weight`. Which ones are wrong, and how do you choose instead?", a: "The gains of the norms, which are called `weight` too. Choose by axes: two or more decay, and a tied table counts once."}
#   - {id: clip_two, section: clipping, transfer: true, q: "Two parameters have the gradients $[6]$ and $[8]$. The limit is 5. What becomes of them, and what would clipping each by itself do?", a: "The norm is 10, so both are halved: $[3]$ and $[4]$. Each by itself: $[5]$ and $[5]$, another direction."}
#   - {id: uneven_parts, section: accumulation, transfer: true, q: "A batch in two parts: five rows with mean loss 2, one row with 5. What is the batch's loss, and what would the mean of the means be?", a: "$\\tfrac56 \\cdot 2 + \\tfrac16 \\cdot 5 = 2.5$. The mean of the means is 3.5."}
#   - {id: muon_sets, section: muon, transfer: false, q: "What does Muon do to the momentum of a matrix?", a: "It makes all singular values about 1, by a few steps of $X \\leftarrow aX + bAX + cA^2X$ with $A = XX^{\\mathsf T}$, and keeps the singular vectors."}
#   - {id: two_estimates, section: certainty, transfer: true, q: "Two models get 1.470 and 1.462, each from 20 batches of its own whose losses have a standard deviation of 0.04. Is the second better?", a: "Not shown. Each standard error is $0.04/\\sqrt{20} = 0.009$, that of the difference 0.013. The gap of 0.008 is less than one of them."}
# predictions:
#   - {id: table_memory, ask: "At $T = 2048$, how many times as much does the table make the backward pass keep as fused attention does?", unit: "times", factor: 1.6, because: "The softmax's table, $T^2$ numbers a head, is kept beside the queries, keys and values, $64\\,T$ each. Fused attention keeps little more than these and its output."}
#   - {id: singular_spread, ask: "How many times larger than the median is the largest of the gradient's 64 singular values?", unit: "times", factor: 2, because: "The gradient is a sum over places. Where most of them agree a few directions grow strong, and the rest stays faint."}
#   - {id: best_start, ask: "Which of the four models has the lowest validation loss after 80 steps, as a mean of two seeds?", choices: ["GPT-2's start", "without the root", "untied head", "torch's start"], because: "With 65 characters the tie saves next to nothing, and it asks one table to be good at two things, which may be why. At four blocks the root shows in no loss."}
#   - {id: luckiest_of_eight, ask: "The lowest of eight such estimates of one and the same model: by how much is it too low, on average?", unit: "nats", factor: 1.6, because: "The lowest of eight normal numbers lies 1.4 spreads below their mean, and an estimate from 240 windows spreads by about 0.01."}
#   - {id: rows_that_pay, ask: "How many of the seven rows added gain more than 0.03 nats over the row above, in the mean of three seeds?", unit: "rows", within: 0, because: "The learning rate, the rotary positions and Muon. Each of the other four moves the loss by about as much as the seeds do."}
# written:
#   - {id: which_is_better, ask: "Two papers report 1.47 and 1.46 on this text. What would you ask before you believe that the second is better?", rubric: ["over how many windows, and whether the same ones", "whether it is the last evaluation or the lowest", "how many seeds, and their spread", "whether the settings of both were tuned, and on what; whether it is validation or test"], answer: "Over how many windows, and the same ones? The last evaluation or the lowest? How many seeds, and their spread? Were the settings of both tuned, and on what? Is it validation or test?"}
#   - {id: same_numbers, ask: "Which parts of this page change what is computed, and which only how fast or in how much memory?", rubric: ["names fused attention, accumulation and one matrix for three as changing time and memory only", "adds that the numbers agree up to rounding", "names at least four of start, tie, groups, clipping, schedule, dropout and Muon as changing what is learned"], answer: "Fused attention, accumulation and one matrix for three change time and memory and leave the numbers alone, up to rounding. The start, the tie, the groups, clipping, the schedule, dropout and Muon change what is learned."}
#   - {id: why_the_root, ask: "Why does GPT-2 scale some matrices by $1/\\sqrt{2L}$ and not others, and what would happen if it scaled all of them?", rubric: ["says that those matrices write into the stream, where $2L$ terms add up", "says that the others act inside a branch, behind a norm", "says what scaling all would do: fainter branches, and attention that looks everywhere alike"], answer: "Those write into the stream, where $2L$ terms add up. The others act inside a branch, behind a norm. Making them smaller would only make the branches fainter, and an attention with small queries and keys looks everywhere alike."}
# ---

# %% [markdown]
# # GPT, letter by letter
#
# Two numbers hang over this page: 1.88 and 1.4697. They are losses on held-out Shakespeare, in nats for each character, that nanoGPT {cite:p}`karpathy2022` publishes. The first is a small model's, trained without a GPU; the second a larger one's, on a GPU. At the end of this page a GPT of your own trains towards them, judged by the same estimate. You will find out how sure such a number is, and what later ideas bring at the same size.
#
# On [rung 13](13_causal_transformer.ipynb) you built a transformer that works. Here nanoGPT's model and training loop are taken apart, and several of their reasons you measure. Only the real run uses a GPU, if you have one.
#
# **You need** rung 13, Adam from [rung 8](08_adam_optax.ipynb), schedules and norms from [rung 10](10_resnet.ipynb), the roofline of [rung 14](14_fast_resnet.ipynb). **You will have** nanoGPT's model and training, and a run that reports beside the published number. **It takes** about five hours without
# it.

# %% tags=["setup"]
import itertools
import math
import time
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import (
    chapter,
    check,
    commit,
    hint,
    measured,
    mine,
    outcome,
    progress,
    recall,
    recorded,
    run,
    sample,
    write,
)
from descent.data import shakespeare
from descent.figures import COLOURS, plot_curves, titled, use_style

chapter("ladder/16_nanogpt")
use_style()

# %% [markdown]
# ## Bits for each character
#
# The tokens of this page are characters, and the loss is the mean surprise at the next one, in nats. Information is more often counted in **bits**, the surprise at a fair coin: one bit is $\ln 2$ nats. So
#
# $$ \text{bits for each character} = \frac{\text{loss in nats}}{\ln 2} \cdot \frac{1}{\text{characters of a token}}. $$
#
# The second factor is 1 here. On the next rung a token has several characters. By hand: a fair guess among 64 characters costs
# $\ln 64 = 4.159$ nats, which is 6 bits. A loss of 3.2 nats for tokens of four characters is
# $3.2 / 0.693 / 4 = 1.15$ bits a character.

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

# %% [markdown]
# ## Characters as numbers
#
# The alphabet is a list, and a token is a place in it. With the alphabet `["a", "b", "n"]` the text
# `"banana"` is $[1, 0, 2, 0, 2, 0]$. Two things go wrong in practice. An alphabet made anew from each text gives the same number to different letters. And an unknown character may pass silently.

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

# %% [markdown]
# nanoGPT trains on the first 90 % of the text and validates on the rest. There is no third part: all losses on this page are validation losses. That does for a comparison, and flatters as a statement about Shakespeare.

# %%
plays = shakespeare()
characters = sorted(set(plays.text))
tokens = encode(plays.text, characters)
train_tokens, valid_tokens = tokens[: int(0.9 * len(tokens))], tokens[int(0.9 * len(tokens)) :]
VOCABULARY = len(characters)
print(f"{plays.source}: {len(train_tokens):,} + {len(valid_tokens):,} characters, {VOCABULARY} different ones")
print(f"a guess costs {math.log(VOCABULARY):.2f} nats, {bits_per_character(math.log(VOCABULARY)):.2f} bits")
for published in (1.88, 1.4697):
    print(f"published: {published} nats are {bits_per_character(published):.2f} bits a character")


def cut_windows(tokens: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The course's windows of rung 13: inputs and targets, (batch, length) each."""
    window = tokens[starts[:, None] + torch.arange(length + 1)]
    return window[:, :-1], window[:, 1:]


windows_at = mine("ladder/13", "windows_at", otherwise=cut_windows)


def random_batches(tokens: Tensor, context: int, rows: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end: windows that begin anywhere, (rows, context) each."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(len(tokens) - context, (rows,), generator=generator)
        yield windows_at(tokens, starts, context)

# %% [markdown]
# ## The table that nobody needs
#
# Your attention of rung 13 wrote down a table of scores, $T \times T$ for each head. The backward pass wants it back, so it is kept. At nanoGPT's GPU setting (batch 64, 6 heads, $T = 256$) one layer's table has
# $64 \cdot 6 \cdot 256^2 \approx 25$ million numbers. A GPU multiplies far faster than it fetches numbers: most of the time would go into carrying the table.
#
# **Fused attention** {cite:p}`dao2022` never writes it. It goes through the keys in small tiles that fit into fast memory. For each query it keeps a running maximum, a running sum of exponentials and a running mean of values. When a larger score comes along, it rescales them. Backwards it computes the tiles again. The
# numbers are the same up to rounding. In torch it is one call,
# `F.scaled_dot_product_attention(q, k, v, is_causal=True)`.
#
# **Predict.** One window, six heads of width 64, and $T$ from 64 to 2048. How much memory does the backward pass
# make each of the two keep? At which $T$ is the difference a factor of two?

# %% predict="table_memory"
commit("table_memory", ..., sure=...)

# %%
def kept_for_backward(compute, *inputs: Tensor) -> int:
    """Bytes that autograd keeps while it computes something."""
    kept = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        compute(*inputs)
    return sum(kept.values())


def with_table(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of heads of width 64 by its formula."""
    future = torch.ones(q.shape[-2], q.shape[-2], dtype=torch.bool).triu(1)
    return (q @ k.mT / 8).masked_fill(future, -math.inf).softmax(-1) @ v


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same by torch's fused attention."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


LENGTHS = [64, 128, 256, 512, 1024, 2048]
memory = {"with the table": [], "fused": []}
for length in LENGTHS:
    parts = torch.randn(3, 1, 6, length, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for name, attend in zip(memory, (with_table, fused), strict=True):
        memory[name].append(kept_for_backward(attend, *parts) / 2**20)
    gap = (with_table(*parts) - fused(*parts)).abs().max().item()
    print(f"T = {length:4}: table {memory['with the table'][-1]:6.1f} MiB, fused {memory['fused'][-1]:5.1f} MiB, "
          f"outputs differ by at most {gap:.0e}")

plot_curves({name: (LENGTHS, values) for name, values in memory.items()}, logy=True,
            xlabel="length of the window, T", ylabel="kept for backward (MiB)",
            title="Without the table, memory grows like T")
plt.xscale("log", base=2)
plt.show()
times_as_much = memory["with the table"][-1] / memory["fused"][-1]

# %% outcome="table_memory"
outcome("table_memory", times_as_much)

# %% [markdown]
# At $T = 64$ there is next to nothing to save. At $T = 256$ the factor is nearly two, and from there one line climbs with a slope that nears 2, the other with slope 1. On a GPU expect the time to follow; it was not measured here.
#
# Two more habits. Queries, keys and values come from *one* matrix, as one large product keeps a GPU busier than three:
#
# $$ \begin{aligned} x: (B, T, C) &\to (B, T, 3C) \xrightarrow{\text{cut}} 3 \times (B, T, C) \xrightarrow{\text{heads}} 3 \times (B, h, T, C/h) \\
# &\xrightarrow{\text{fused}} (B, h, T, C/h) \xrightarrow{\text{join}} (B, T, C) \xrightarrow{W_o} (B, T, C). \end{aligned} $$
#
# And **dropout**: in training mode a share of the numbers is set to 0 and the rest divided by the share kept, so the mean stays. It is applied twice here, to the attention weights and to the output. The first happens inside fused attention, as `dropout_p`, and there lies a trap. `nn.Dropout` knows the module's mode, a *function* does not: with `dropout_p=0.2` it drops in evaluation as well.
#
# By hand: width 4, two heads. Of the 12 outputs of the matrix, 0 to 3 are
# queries, 4 to 7 keys, 8 to 11 values. Head 1 has the queries 2 and 3.

# %% exercise="Attention"
class Attention(nn.Module):
    """Causal self-attention with several heads, fused.

    Parameters
    ----------
    width : numbers for each token, C
    heads : number of heads; it divides width
    dropout : share of the attention weights, and of the outputs, that is dropped in training
        mode

    Attributes
    ----------
    queries_keys_values : nn.Linear, width → 3 · width, without bias: of its outputs the first
        `width` are the queries of all heads, then come the keys, then the values; head h has
        the numbers h · width/heads up to (h + 1) · width/heads of each
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
        """Attend causally, by one call of F.scaled_dot_product_attention.

        (batch, time, width) → the same.
        """
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

# %% [markdown]
# The block is that of rung 13, without biases. Mind one name: in both branches the matrix that writes into the residual stream is called `projection`.

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


# %% recall="fused_attention"
recall("fused_attention")

# %% [markdown]
# ## How a GPT begins
#
# Rung 5 chose the start so that activations keep their size from layer to layer. Inside a block a norm sees to that. What can grow is the stream $x$ itself. Every block adds to it twice, so after $L$ blocks
#
# $$ x_L = x_0 + b_1 + b_2 + \dots + b_{2L}, \qquad \operatorname{Var}(x_L) \approx \operatorname{Var}(x_0) + 2L \cdot \operatorname{Var}(b), $$
#
# if the branches' outputs $b_i: (B, T, C)$ are independent, as at the start they nearly are. By hand:
# eight blocks add 16 terms. With a spread of 0.1 each, the sum spreads by $\sqrt{16} \cdot 0.1 = 0.4$. If
# each term is divided by $\sqrt{16}$, it spreads by 0.1, for eight blocks as for eighty.
#
# So here is GPT-2's start as nanoGPT {cite:p}`karpathy2022` writes it. All matrices and tables get normal numbers of spread 0.02; those that write into the stream get $0.02/\sqrt{2L}$. Biases 0, gains 1. (The
# paper {cite:p}`radford2019` states the root alone; in OpenAI's code the table of positions has 0.01.)

# %% exercise="initialise"
def initialise(model: nn.Module, layers: int) -> None:
    """Give every parameter of a model the start of GPT-2, in place.

    Parameters
    ----------
    model : made of nn.Linear, nn.Embedding and nn.LayerNorm, some of them without a bias. In
        model.named_parameters(), what has two axes is a matrix or a table; what has one axis
        and a name ending in "bias" is a bias; the other vectors are gains of norms.
    layers : number of its blocks, at least 1

    Matrices and tables: normal numbers around 0 with spread 0.02, but 0.02/√(2 · layers) where
    the name ends in "projection.weight" ("projection_in.weight" does not). Biases 0, gains 1.
    The numbers come from torch's global generator, which is not seeded here. Nothing is
    returned.
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

# %% [markdown]
# Is it so? Blocks of width 128, from 1 to 64 of them, the stream starting at the spread of token plus
# position, $0.02\sqrt2 = 0.028$. Where should it end, with the root and without? Without, by which factor should
# it grow from 16 blocks to 64?

# %%
DEPTHS = [1, 2, 4, 8, 16, 32, 64]
grown = {"without the root": [], "with the root": []}
for layers in DEPTHS:
    for name in grown:
        torch.manual_seed(0)
        tower = nn.Sequential(*(Block(128, 4) for _ in range(layers)))
        initialise(tower, layers)
        with torch.no_grad():
            for key, weight in tower.named_parameters():
                if name == "without the root" and key.endswith("projection.weight"):
                    weight.mul_(math.sqrt(2 * layers))
            stream = 0.02 * math.sqrt(2) * torch.randn(4, 32, 128)
            grown[name].append(tower(stream).std().item())
for layers, without, with_root in zip(DEPTHS, *grown.values(), strict=True):
    print(f"{layers:2} blocks: the stream ends with a spread of {without:.3f} without the root, {with_root:.3f} with it")

plot_curves({name: (DEPTHS, values) for name, values in grown.items()},
            xlabel="blocks", ylabel="spread of the stream at the end",
            title="Divided by √(2L), the stream does not know the depth")
plt.show()

# %% [markdown]
# Without the root the stream doubles with every fourfold depth, as $\sqrt{L}$ does. With it all depths end alike. Why care, with a norm before each branch? Because in the deep tower without the root the character that was read is drowned by what random branches made of it. Whether that shows in the loss of a *shallow* model is another question.

# %% recall="start"
recall("start")

# %% [markdown]
# ## One table, in and out
#
# The head is tied, as on rung 13: a token's row of the table $E: (V, C)$ is what is read in, and $\text{logits} = \operatorname{norm}(x) E^\top$ {cite:p}`press2017`. How much does it save? One block
# has a matrix $C \to 3C$, one $C \to C$, one $C \to 4C$, one $4C \to C$ and two norms of $C$ gains, which is
# $12C^2 + 2C$. Around the blocks stand the two tables, $V \cdot C$ and $T_{\max} \cdot C$ ($T_{\max}$ being
# the context), and the last norm.
#
# By hand: $V = 3$, context 2, $C = 2$, one block: $3 \cdot 2 + 2 \cdot 2 + (12 \cdot 4 + 4) + 2 = 64$.

# %% exercise="parameter_count"
def parameter_count(
    vocabulary: int, context: int, width: int, layers: int, tied: bool = True
) -> int:
    """Count the parameters of the model of this page, table of positions included.

    Parameters
    ----------
    vocabulary, context, width, layers : sizes of the model
    tied : whether the head is the token table, or a matrix of its own, width → vocabulary,
        without bias

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

# %%
SIZES = {  # vocabulary, context, width, layers
    "nanoGPT, CPU setting": (65, 64, 128, 4),
    "nanoGPT, GPU setting": (65, 256, 384, 6),
    "GPT-2, the smallest": (50257, 1024, 768, 12),
}
for name, size in SIZES.items():
    tied, untied = parameter_count(*size), parameter_count(*size, tied=False)
    print(f"{name:<21} {tied:>11,} parameters, {untied:>11,} untied: tying saves {1 - tied / untied:.1%}")

# %% [markdown]
# For GPT-2 with its vocabulary of 50 257 tying saves a good part of the model. With 65 characters it saves next to nothing. Does it help in another way? That is one for the experiments.
#
# ## The model
#
# Now the whole, from its specification. Three things are new since rung 13:
#
# - it starts as `initialise` says, as the last act of `__init__`;
# - the numbers of the places are made *where the tokens are*: `torch.arange(time, device=tokens.device)`. On
#   a CPU one never notices; on a GPU the first call fails;
# - a window longer than the context is refused by a `ValueError`. Left alone, the table of positions would be read beyond its end. On a GPU that kills the process long after the line that caused it.
#
# The real run trains this class, on the next rung too. It will be made as
# `GPT(vocabulary, context, width, heads, layers, dropout)`.

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
        self,
        vocabulary: int,
        context: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float = 0.0,
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
        logits of shape (batch, time, vocabulary); those at a place depend on it and on what is
        before

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

# %%
SMALL = {"vocabulary": VOCABULARY, "context": 64, "width": 64, "heads": 4, "layers": 4}
torch.manual_seed(0)
untrained = GPT(**SMALL)
first_batch = next(random_batches(train_tokens, 64, 32, seed=0))
loss = F.cross_entropy(untrained(first_batch[0]).flatten(0, 1), first_batch[1].flatten())
loss.backward()  # the gradients are looked at below
print(f"{sum(p.numel() for p in untrained.parameters()):,} parameters, first loss {loss.item():.3f}; "
      f"log {VOCABULARY} = {math.log(VOCABULARY):.3f}")

# %% [markdown]
# ## What decays, and what does not
#
# **Weight decay** pulls every parameter towards 0 by the same share each step. For a matrix that is a mild brake on its size. For the gain of a norm it is a pull towards silence, with nothing gained. So nanoGPT hands AdamW two groups: what has two axes or more
# decays, the rest does not. Do not choose by the name: a norm's gain is called `weight`. And count a tied table once.
#
# By hand: `nn.Linear(3, 2)` followed by `nn.LayerNorm(2)` has one matrix in the first group, and a bias, a
# gain and the norm's bias in the second.

# %% exercise="parameter_groups"
def parameter_groups(model: nn.Module, decay: float) -> list[dict]:
    """Divide the parameters of a model into those that decay and those that do not.

    Parameters
    ----------
    model : two of its layers may share a parameter; a parameter with requires_grad False is
        left out
    decay : weight decay of the first group

    Returns
    -------
    two dictionaries, each with the keys "params", a list of the parameters themselves (it may
    be empty), and "weight_decay": first those with two axes or more, with `decay`; then all
    others, with 0.0. Every trained parameter is in one of them, once.
    """
    ### BEGIN SOLUTION
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.dim() >= 2]
    vectors = [parameter for parameter in trained if parameter.dim() < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    ### END SOLUTION


# %% check="parameter_groups"
check(parameter_groups)

# %% [markdown]
# ## A step in every direction
#
# This section is not nanoGPT's: it is the newest ingredient of the table at the end.
#
# The gradient of a matrix, $G = U S V^\top$ with singular values $S$, is lopsided: a few directions are
# strong and most are faint. **Muon** {cite:p}`jordan2024b` takes the momentum of the gradient and sets *all* singular values to about 1. Every direction gets a step of the same length: along $U V^\top$, the **polar factor**.
#
# An exact decomposition is slow on a GPU. A polynomial will do. Since
# $X X^\top X = U S^3 V^\top$, an odd polynomial of matrix products acts on the singular values alone:
#
# $$ A = X X^\top, \qquad X \leftarrow aX + bAX + cA^2X \quad\Longleftrightarrow\quad s \leftarrow as + bs^3 + cs^5 . $$
#
# Divide first by the **Frobenius norm** $\lVert X \rVert_F$, the root of the sum of all squares. It is never below the largest singular value, so all of them start in $[0, 1]$. This is a **Newton–Schulz** iteration. With $(a, b, c) = (1.5, -0.5, 0)$ the values settle at 1, and faint ones take long: $0.5 \to 0.6875$, but $0.01 \to 0.015$. With Muon's $(3.4445, -4.775, 2.0315)$, $0.01 \to 0.034$. They never settle, but after five steps nearly all are *about* 1, which is all that a step needs.

# %% exercise="orthogonalise"
def orthogonalise(
    matrix: Tensor,
    steps: int = 5,
    coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
) -> Tensor:
    """Bring all singular values of a matrix near 1 and keep its singular vectors.

    Parameters
    ----------
    matrix : float, shape (rows, columns), either of them larger; not changed. It may be all zeros.
    steps : how many times the polynomial is applied; it may be 0
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

# %% [markdown]
# **Predict.** The gradient of your untrained GPT with respect to the `expand` matrix of its first block,
# $256 \times 64$, has 64 singular values. How unequal are they? And after five steps?

# %% predict="singular_spread"
commit("singular_spread", ..., sure=...)

# %%
gradient = untrained.blocks[0].expand.weight.grad
spectra = {f"after {n} steps" if n else "the gradient": torch.linalg.svdvals(orthogonalise(gradient, n)).numpy()
           for n in (0, 3, 5)}
for name, values in spectra.items():
    print(f"{name:<14} largest {values[0]:.3f}, median {np.median(values):.3f}, the 63rd {values[62]:.4f}, "
          f"the 64th {values[63]:.0e}; largest / median {values[0] / np.median(values):.1f}")
plot_curves({name: (np.arange(1, 64), values[:63]) for name, values in spectra.items()}, logy=True,
            xlabel="singular value, from the largest to the smallest", ylabel="size",
            title="Newton–Schulz lifts the faint directions")
plt.show()
largest_to_median = float(spectra["the gradient"][0] / np.median(spectra["the gradient"]))

# %% outcome="singular_spread"
outcome("singular_spread", largest_to_median)

# %% [markdown]
# The 64th value is 0 but for rounding, and no polynomial lifts a 0. What comes out of a norm adds up to 0 while its gains are 1, so this first gradient has nothing along $(1, 1, \dots, 1)$.
#
# Are the faint directions worth a full step, or are they noise? The table at the end holds the answer. There only the matrices inside the blocks go to Muon.
#
# ## The schedule
#
# The rate rises in a straight line, then falls along half a cosine to a least rate, for nanoGPT a tenth of the peak. For step $t$, with $w$ steps of warm-up of $n$ in all, peak $p$ and least
# rate $l$:
#
# $$ \eta_t = \begin{cases} p\,\dfrac{t+1}{w+1} & t < w \\[2ex] l + (p - l)\,\dfrac{1 + \cos \pi r}{2}, \quad r = \dfrac{t - w}{n - w} & w \le t < n \\[2ex] l & t \ge n. \end{cases} $$
#
# By hand, with $w = 3$, $n = 7$, $p = 8$, $l = 0$: steps 0, 1, 2 have $2, 4, 6$, and step 3 has $8$. Step 5 is half-way down with $4$, and step 7 has 0.

# %% exercise="learning_rate"
def learning_rate(step: int, steps: int, peak: float, least: float, warm_up: int) -> float:
    """Give the learning rate of a step: a straight rise, then half a cosine down.

    Parameters
    ----------
    step : counts from 0; it may be beyond the last
    steps : steps of the training, at least warm_up
    peak : the rate at step `warm_up`, if that is before `steps`
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

# %% [markdown]
# ## A limit for the gradient
#
# Now and then a batch has a gradient many times as long as usual, and one such step can undo a hundred. So nanoGPT **clips** {cite:p}`pascanu2013`. All gradients together are one long vector $g$. If its norm is above a limit $m$, all of it is multiplied by $m / \lVert g \rVert$. The direction stays.
#
# By hand: two parameters with the gradients $[3]$ and $[4]$, limit 1. The norm is 5, and they become $[0.6]$
# and $[0.8]$. The norm *before* clipping is the first gauge to look at when a training goes wrong.

# %% exercise="clip_gradients"
def clip_gradients(parameters, largest: float) -> float:
    """Shorten the gradient of all parameters together, if it is longer than allowed.

    Parameters
    ----------
    parameters : any iterable of tensors, such as model.parameters(): it may be possible to walk
        through it only once. The gradients in `.grad` are changed; a parameter whose `.grad` is
        None is passed over.
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

# %% [markdown]
# ## A large batch in small parts
#
# When a batch does not fit into memory, let it through in parts and let the gradients add up. The sum must be the gradient of the *whole* batch's mean loss. With $n_i$ of $n$
# rows in part $i$ and a mean loss $\ell_i$ each,
#
# $$ \ell = \sum_i \frac{n_i}{n}\, \ell_i . $$
#
# By hand: three rows with mean loss 2 and one row with 6 give $\tfrac34 \cdot 2 + \tfrac14 \cdot 6 = 3$. The mean of the means would be 4. With equal parts the two agree, so the mistake lives long.
# Call `backward` on each part before the next is read. Adding up the losses and calling it once would keep everything in memory at the same time.

# %% exercise="accumulate"
def accumulate(model: nn.Module, inputs: Tensor, targets: Tensor, parts: int) -> float:
    """Compute the gradient of a batch's mean loss, a part of the batch at a time.

    Parameters
    ----------
    model : maps int64 (rows, time) to logits (rows, time, vocabulary). Afterwards `.grad` of
        its parameters holds the gradient of the mean cross-entropy over the *whole* batch; what
        was in it before is cleared. Nothing else of the model changes, its mode included.
    inputs, targets : int64 of shape (batch, time)
    parts : into how many parts the batch is cut along its first dimension, at most `batch`. The
        sizes differ by at most 1, as torch.tensor_split makes them. The model reads a part at a
        time, and backward is called on each before the next is read.

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

# %% recall="accumulation"
recall("accumulation")

# %% [markdown]
# ## How good is it, and how sure are we?
#
# Reading the whole validation text every few hundred steps is expensive. nanoGPT reads 20 random batches (200
# at the GPU setting) and averages. Such a mean of $n$ losses $\ell_i$ is an *estimate*, and its **standard error** says how sure it is:
#
# $$ \bar\ell = \frac1n \sum_i \ell_i, \qquad \text{standard error} = \frac{s}{\sqrt n}, \qquad s^2 = \frac{1}{n-1} \sum_i (\ell_i - \bar\ell)^2 . $$
#
# By hand: losses 1 and 3 have the mean 2, $s = \sqrt2$, and the standard error $\sqrt2/\sqrt2 = 1$.
# Evaluate in evaluation mode, and put the mode back: nobody notices a training that goes on without its dropout.

# %% exercise="estimate_loss"
def estimate_loss(model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Estimate the loss of a text from some of its windows, and how sure that is.

    Parameters
    ----------
    model : maps int64 (rows, time) to logits (rows, time, vocabulary), and comes in one mode, with
        all its parts. It is evaluated in evaluation mode without recording gradients; afterwards
        it is in the mode in which it came, recording is on or off as before, and `.grad` is as
        it was.
    batches : at least two pairs (inputs, targets), int64 of shape (rows, time) each, all of one
        size

    Returns
    -------
    the mean of the batches' mean losses, in nats, and its standard error, which is the standard
    deviation of those losses (the one with n − 1) divided by √n: two Python floats
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    with torch.no_grad():
        losses = torch.stack(
            [F.cross_entropy(model(x).flatten(0, 1), y.flatten()) for x, y in batches]
        )
    model.train(was_training)
    return losses.mean().item(), losses.std().item() / math.sqrt(len(losses))
    ### END SOLUTION


# %% check="estimate_loss"
check(estimate_loss)

# %% [markdown]
# ## The training
#
# Before the first step: training mode, and *one* optimiser,
# `torch.optim.AdamW` over your `parameter_groups`, with `betas=(0.9, 0.99)`. (torch's usual 0.999 averages the squares over a thousand steps; nanoGPT forgets sooner.) The steps stand in the docstring.

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

    One torch.optim.AdamW over parameter_groups(model, decay), with betas (0.9, 0.99), for all
    steps. Each step, in this order: take one batch and accumulate its gradient; clip; set the
    step's rate in every group; step; note the loss and the norm before clipping.

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
    for each step a pair of Python floats: the loss of its batch before the step, and the norm
    of its gradient before clipping
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

# %% [markdown]
# ## Shakespeare, for a few seconds
#
# Your model, at about a quarter of the parameters of nanoGPT's CPU setting. `sample` lets it write, as on [rung 12](12_sampling.ipynb).
#
# It trains for 250 steps of 12 windows of 64 characters, and its loss starts at the guess, 4.17. Where will it end?
# Will the samples have words? Lines? Names of speakers?

# %%
def fresh(seed: int, **changes) -> GPT:
    """An untrained model of the page's size, or with some sizes changed."""
    torch.manual_seed(seed)
    return GPT(**{**SMALL, **changes})


def written(model: nn.Module, length: int, context: int) -> str:
    """What a model writes after a line break."""
    begin = torch.tensor([[characters.index("\n")]])
    drawn = sample(model, begin, length, context, torch.Generator().manual_seed(1))
    return "".join(characters[token] for token in drawn[0])


def fixed_batches(context: int, rows: int, count: int = 20) -> list[tuple[Tensor, Tensor]]:
    """Batches of the validation part, the same ones at every call."""
    source = random_batches(valid_tokens, context, rows, seed=1)
    return [next(source) for _ in range(count)]


began = time.perf_counter()
model = fresh(0)
curve = train(model, random_batches(train_tokens, 64, 12, seed=0), 250, peak=3e-3, least=3e-4, warm_up=30)
loss, error = estimate_loss(model, fixed_batches(64, 12))
print(f"{time.perf_counter() - began:.0f} s; validation loss {loss:.3f} ± {error:.3f} (standard error), "
      f"{bits_per_character(loss):.2f} bits a character")
print(written(model, 300, 64))

# %% [markdown]
# It has found lines that begin with a capital, commas, and words of a likely length. Few of them exist. It has read as many characters as a fifth of the text.

# %% [markdown]
# ## Does the start matter? Does the tie?
#
# **Predict.** Four models of four blocks, 80 steps each, two seeds. The first has GPT-2's start, the second the same without the root. The third has an *untied* head, a matrix of its own that starts at spread 0.02 too. The fourth has torch's own start in every layer. Sort them by validation loss.

# %% predict="best_start"
commit("best_start", ..., sure=...)

# %%
class Untied(nn.Module):
    """Your GPT with a head of its own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Parameter(0.02 * torch.randn_like(model.tokens.weight))

    def forward(self, tokens: Tensor) -> Tensor:
        inner = self.model
        x = inner.tokens(tokens) + inner.positions(torch.arange(tokens.shape[1]))
        for block in inner.blocks:
            x = block(x)
        return inner.norm(x) @ self.head.T


def without_root(model: nn.Module, layers: int) -> nn.Module:
    """Undo the root in the start."""
    for name, weight in model.named_parameters():
        if name.endswith("projection.weight"):
            weight.data *= math.sqrt(2 * layers)
    return model


def torch_start(model: nn.Module) -> nn.Module:
    """Give every layer torch's own start."""
    for layer in model.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return model


STARTS = {
    "GPT-2's start": lambda model: model,
    "without the root": lambda model: without_root(model, 4),
    "untied head": Untied,
    "torch's start": torch_start,
}
SHORT = fixed_batches(32, 24)
after_80: dict[str, float] = {}


def try_start(name: str) -> None:
    """Train for 80 steps from a start, with two seeds, and print what it gives."""
    ends = []
    for seed in (0, 1):
        started = STARTS[name](fresh(seed, context=32))
        first = estimate_loss(started, SHORT)[0]
        train(started, random_batches(train_tokens, 32, 16, seed), 80, peak=1e-3, least=1e-4, warm_up=20)
        ends.append(estimate_loss(started, SHORT)[0])
    after_80[name] = sum(ends) / len(ends)
    print(f"{name:<17} starts at {first:6.2f}, validation loss after 80 steps: " + "  ".join(f"{end:.3f}" for end in ends))


try_start("GPT-2's start")
try_start("without the root")

# %%
try_start("untied head")
try_start("torch's start")
lowest_start = min(after_80, key=after_80.get)

# %% outcome="best_start"
outcome("best_start", lowest_start)

# %% [markdown]
# Two surprises. The root makes no difference that two seeds could show. A likely reason is the norm before every branch and before the head. And after these 80 steps the *untied* head is ahead, by far more than the seeds differ. The tie asks one table to be good at two things, which may be why. We keep it: the published numbers are a tied model's, and on the next rung it saves a quarter of the model.
#
# What does matter is the scale. With torch's own start tables hold numbers of spread 1, and as the head is tied, the logits are far too large. The model begins with nearly ten times the loss of a guess, and eighty steps do not make up for it.

# %% [markdown]
# ## Is the warm-up needed?
#
# Two blocks, 100 steps, two seeds; a peak rate of $3 \cdot 10^{-3}$ and of $10^{-2}$, each with
# no warm-up and with 25 steps of it. Which of the four suffers? During which steps does the trouble happen?

# %%
def try_warm_up(peak: float, warm_up: int) -> np.ndarray:
    """Train for 100 steps with two seeds, print the losses after them; the mean curve of the training."""
    ends, runs = [], []
    for seed in (0, 1):
        started = fresh(seed, context=32, layers=2)
        batches = random_batches(train_tokens, 32, 16, seed)
        runs.append(train(started, batches, 100, peak=peak, least=peak / 10, warm_up=warm_up))
        ends.append(estimate_loss(started, SHORT)[0])
    print(f"peak {peak:.3f}, warm-up {warm_up:2}: validation loss " + "  ".join(f"{end:.3f}" for end in ends))
    return np.mean([[loss for loss, _ in run] for run in runs], axis=0)


for warm_up in (0, 25):
    try_warm_up(3e-3, warm_up)

# %%
warmed = {"no warm-up": try_warm_up(1e-2, 0), "warm-up 25": try_warm_up(1e-2, 25)}
plot_curves(warmed, xlabel="step", ylabel="training loss, mean of two seeds (nats)",
            title=titled("At a high rate, the first steps decide", plays.source))
plt.show()

# %% [markdown]
# At the lower rate the warm-up makes no difference that two seeds could show. At the higher one it does, and what decides is *early*. Adam divides by the root of an average of squares that rests, at first, on a handful of gradients. So its first steps have nearly the full length of the rate in every coordinate, wherever the first batches point. Without a warm-up the loss falls faster at first, into a place out of which a hundred steps do not bring it. The other curve has spikes as its rate climbs, from which it recovers.
#
# Mind the last of the four lines: even with a warm-up the high rate ends *above* the low one here. A warm-up makes a high rate bearable. Whether it pays must be asked of a whole training.

# %% [markdown]
# ## How sure is 1.88?
#
# We take nanoGPT's 1.88 for the validation loss that its command prints (the README says only "loss"). That is the mean of 20 batches of 12 windows of 64 characters: 240 windows, where the whole validation text has 1742 end to end. Three trainings of ours at the same setting, measured over the whole text, come to 1.905 on average. Which number is right? Find out how much such an estimate moves by chance alone, with your own model.
#
# **Predict.** Draw 240 windows at random, ten thousand times, and look how the estimates spread. Then somebody
# evaluates eight times, each time on new windows, and reports the *lowest*.

# %% predict="luckiest_of_eight"
commit("luckiest_of_eight", ..., sure=...)

# %%
starts = torch.arange(0, len(valid_tokens) - 64, 64)
model.eval()
with torch.no_grad():
    window_losses = torch.cat([
        F.cross_entropy(model(x).mT, y, reduction="none").mean(1)
        for x, y in (windows_at(valid_tokens, part, 64) for part in starts.split(128))
    ]).numpy()
whole = window_losses.mean()
rng = np.random.default_rng(0)
estimates = np.array([rng.choice(window_losses, 240).mean() for _ in range(10_000)])
lowest = estimates.reshape(-1, 8).min(axis=1).mean()
print(f"{len(window_losses)} windows: whole loss {whole:.3f}, a single window spreads by {window_losses.std():.3f}")
print(f"240 windows: estimates spread by {estimates.std():.4f}; half of them lie within "
      f"{np.median(abs(estimates - whole)):.3f} of the whole loss, 95 % within {np.quantile(abs(estimates - whole), 0.95):.3f}")
print(f"0.025 or more below it: {np.mean(estimates <= whole - 0.025):.2%} of the estimates, "
      f"{np.mean(estimates.reshape(-1, 8).min(axis=1) <= whole - 0.025):.1%} of the lowest of eight")
print(f"the lowest of eight estimates of one and the same model is too low by {whole - lowest:.3f} on average")

fig, ax = plt.subplots()
ax.hist(estimates - whole, bins=60, color=COLOURS["sky"])
ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
ax.axvline(0, color=COLOURS["ink"])
ax.axvline(1.88 - 1.905, color=COLOURS["red"])
ax.annotate("the whole text", (0, ax.get_ylim()[1]), xytext=(6, -12), textcoords="offset points")
ax.annotate("1.88 − 1.905", (1.88 - 1.905, ax.get_ylim()[1]), xytext=(-6, -12), textcoords="offset points",
            color=COLOURS["red"], ha="right")
ax.set(xlabel="estimate by 240 windows, less the whole loss (nats)", ylabel="how many of 10 000",
       title=titled("One model, ten thousand validation losses", plays.source))
plt.show()
too_low = float(whole - lowest)

# %% outcome="luckiest_of_eight"
outcome("luckiest_of_eight", too_low)

# %% [markdown]
# So nanoGPT's 1.88 has an error bar: a difference of 0.01 between two such estimates is noise. Your `estimate_loss` said nearly as much after its ±. A gap of 0.025, as between 1.88 and 1.905, is rare by chance alone, and not common even for the lowest of eight evaluations. Another seed of the training is not in the histogram. The three behind our 1.905 have the estimates 1.882, 1.893 and 1.913.
#
# Neither number is wrong: they answer different questions, and a comparison must ask the same one of both sides. So the real run reports nanoGPT's own estimate, and the loss over the whole text in addition.

# %% recall="certainty"
recall("certainty")

# %% [markdown]
# ## What better training brings
#
# nanoGPT's model is that of 2019. What has been found since, at the same size and the same tokens? The profile `speedrun` of the real run puts these ingredients together, one on top of the other:
#
# - a higher **learning rate**, $3 \cdot 10^{-3}$ instead of $10^{-3}$, and a rate that falls in a straight
#   line **to zero**;
# - **rotary positions** {cite:p}`su2021`: no table; queries and keys are turned by an angle that grows with the place, so their product depends on the distance;
# - **QK-norm** {cite:p}`henry2020`: queries and keys get one length, so that no score runs away at a high rate;
# - **ReLU²** {cite:p}`so2021`: in the MLP, $\max(0, x)^2$ in place of GELU;
# - **zero-initialised projections**: what you scaled by $1/\sqrt{2L}$ starts at 0, so that each block begins
#   as the identity;
# - **Muon** for the matrices inside the blocks, with a rate of its own, 0.02.
#
# Each row of the table adds one of them to the rows above it. The rate and its fall to zero are two rows, so seven are added to nanoGPT's setting.
#
# **Predict.** Which one brings most? Does each of them bring anything? The seeds of one row differ by a hundredth or two of a nat.

# %% predict="rows_that_pay"
commit("rows_that_pay", ..., sure=...)

# %%
record = measured("nanogpt_ablation")
ladder = [row for row in record["rows"] if row["kind"] == "ladder"]
print(f"recorded beforehand: {record['command']}\n{record['date']}, {record['hardware']}\n{record['note']}\n")
print(f"the loss over {ladder[0]['validation loss']['n']} seeds, what the row gains, the loss over the whole text, "
      f"the time of a step,\nand the step that passes {record['target']}\n")
before = None
for row in ladder:
    loss, whole = row["validation loss"], row["whole validation loss"]
    gain = "" if before is None else f"{before - loss['mean']:+.3f}"
    spread = "" if loss["std"] is None else f"± {loss['std']:.3f}"
    passes = row["iteration that passes"]
    passed = f"{record['target']} at {passes['mean']:.0f}" if passes else ""
    print(f"{row['name']:<31} {loss['mean']:.3f} {spread:<7} {gain:>8}   whole text {whole['mean']:.3f}"
          f" {1000 * row['seconds per iteration']['mean']:5.0f} ms   {passed}")
    before = loss["mean"]

# %%
fig, ax = plt.subplots(figsize=(8.5, 0.6 * len(ladder) + 1.2))
for place, row in enumerate(ladder):
    mean, seeds = row["validation loss"]["mean"], [one["validation loss"] for one in row["runs"]]
    ax.plot(seeds, [place] * len(seeds), "o", color=COLOURS["sky"])
    ax.plot([mean, mean], [place - 0.25, place + 0.25], color=COLOURS["blue"])
    ax.annotate(f"{mean:.3f}", (max(seeds), place), xytext=(8, -4), textcoords="offset points", fontsize=10)
ax.axvline(record["target"], color=COLOURS["red"], linestyle="--")
ax.annotate("published: 1.88", (record["target"], len(ladder) - 0.6), xytext=(-6, 0),
            textcoords="offset points", ha="right", color=COLOURS["red"])
ax.set_yticks(range(len(ladder)), [row["name"] for row in ladder])
ax.set_ylim(len(ladder) - 0.4, -0.6)
ax.grid(axis="y", visible=False)
ax.set(xlabel="validation loss after 2 000 steps (nats a character); a dot for each seed",
       title="Each row keeps what the rows above it added")
plt.show()
means = [row["validation loss"]["mean"] for row in ladder]
paying = sum(before - after > 0.03 for before, after in itertools.pairwise(means))

# %% outcome="rows_that_pay"
outcome("rows_that_pay", paying)

# %% [markdown]
# Two rows bring three quarters of it: the learning rate, which anybody could have tried, and Muon. Rotary positions come third. By the estimate the linear fall, QK-norm and ReLU² bring about as much as the seeds differ by. Over the whole text QK-norm and ReLU² gain for each of the three seeds; the zero-initialised projections lose a little.
#
# That is how to read such a table, an **ablation**. Compare each gain with the spreads of its two rows, the ±: less than about two of them is not shown. The order matters: an ingredient that gains little here might gain more by itself, or less. And Muon makes a step dearer; the milliseconds say by how much.
#
# And in time? Who is first at the estimate that nanoGPT ends with? Three programs were timed in turn on one machine: nanoGPT's own, ours in the same setting, and the recipe of the last row. The seconds are the time of a step times the steps of one training; the last column is their share of nanoGPT's.

# %%
peer = measured("nanogpt_peer")
print(f"recorded beforehand: {peer['command']}\n{peer['date']}, {peer['hardware']}\n\nthe way to {peer['losses']['nanoGPT']['loss']}\n")
second_a_step = peer["speed"]["seconds per iteration"]
theirs = peer["losses"]["nanoGPT"]["iterations"] * second_a_step["nanoGPT"]
for name, found in peer["losses"].items():
    step = found.get("reaches nanoGPT's at", found["iterations"])
    each = second_a_step[name.partition(" in ")[0]]
    print(f"{name:<26} {1000 * each:4.1f} ms   ends at {found['loss']:.3f}   there after {step:>4} steps, "
          f"{step * each:4.1f} s: × {step * each / theirs:.2f}")

# %% [markdown]
# A better recipe beats a faster program by far. (Ours were looked at every 25 steps, and the first low enough look counts, which favours them a little.) Told to finish in 500 steps, our one training was there sooner still, likely because its rate had come down by then.

# %% [markdown]
# ## The real run
#
# `run("nanogpt", model="mine")` takes `GPT` from this notebook and checks it once more (shapes, no look into the future, a gradient everywhere). Then it trains it in the background, at the largest profile that your machine can carry:
#
# - `cpu` is nanoGPT's CPU setting, 2 000 steps: a minute or two on two cores;
# - `gpu` is its GPU setting, 5 000 steps in bfloat16 and compiled, for one GPU;
# - `multi-gpu` shares each batch among four GPUs of one machine, and `slurm` among two machines, through a
#   queue;
# - `speedrun` is the CPU setting with the ingredients of the table above (your model keeps its architecture and gets the rate, the schedule and Muon);
# - `speedrun-gpu` has them at the GPU setting's size, in 1 500 steps;
# - `smoke` is a tiny model on two processes, and shows that everything works.
#
# You can name one: `run("nanogpt", profile="cpu", model="mine")`. You may close the notebook: the run goes on, and after a crash it continues on the same curve.
#
# Which validation loss do you expect at its end?

# %% tags=["real-run"]
run("nanogpt", model="mine")

# %% [markdown]
# When it has finished, `descent runs report` opens its report, with the published number beside yours. Read it in this order. First the curve: do the two losses part, and when? Then the number, with the standard error that you now know. Then the samples. Here is what has been recorded with the course's model:

# %%
recorded("nanogpt")

# %% [markdown]
# ## Go further
#
# No grader here.
#
# **The same windows for both.** Measure two models on the same 240 windows and take the difference window by window.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The standard error of the mean *difference*, beside the two errors of the single losses. It is much smaller, since a window that is hard for one model is hard for the other. Two seeds of one setting differ by more.
# :::
#
# **Muon by hand.** Write an optimiser of a dozen lines: momentum 0.95 for the matrices inside the blocks,
# `orthogonalise`, a step; AdamW for the rest. Race it against `train`.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A rate for each of the two, chosen by sweeps with the same number of trials. Several seeds. The time of a step beside the loss after a number of steps. (All matrices of one shape can be orthogonalised together, as one batch.)
# :::
#
# **Deeper.** Find a depth, or a rate, at which the root makes a difference.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A grid of depths and peak rates with a few seeds each, and the largest rate at which each start still trains. A negative result, with its spread, is an answer as well.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up:

# %% write="which_is_better"
write("which_is_better", """
""")

# %% write="same_numbers"
write("same_numbers", """
""")

# %% write="why_the_root"
write("why_the_root", """
""")

# %% [markdown]
# On rung 17 this model meets text from the whole web, a vocabulary of 50 257 and several GPUs.
