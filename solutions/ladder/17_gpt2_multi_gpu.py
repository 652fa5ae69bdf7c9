# ---
# title: GPT-2 on several GPUs
# subtitle: Bytes to tokens, shards on disk, an all-reduce in a ring, and one model trained by many processes
# part: ladder
# hours: 6
# needs: [ladder/16_nanogpt]
# teaches: [byte-level BPE, memory-mapped shards, all-reduce, ring all-reduce, data parallelism, gradient accumulation with no_sync, model FLOPs utilisation, ZeRO and sharding, loading published weights]
# builds: decode, byte-pair merges, windows from shards, a process's rows, the ring all-reduce, averaged gradients, the time of an exchange, the fewest GPUs for a model, the utilisation, a translation of OpenAI's weights, data-parallel training
# number: several processes give the curve of one; for 124M parameters on OpenWebText, nanoGPT's loss of about 2.85 on held-out text
# data: tiny Shakespeare; GPT-2's merges; OpenWebText in the real run
# run: gpt2
# readings:
#   - {key: li2020, where: "section 3, 'System Design': buckets, overlap with the backward pass, and no_sync, by those who built it", skip: "the evaluation, but for its figures on how the exchange scales"}
#   - {key: rajbhandari2020, where: "section 3 and figure 1: where the memory goes, and the three stages", skip: "the parts on activations and offloading, for now"}
#   - {key: sennrich2016, where: "section 3.2, with its algorithm of a dozen lines", skip: "the translation experiments"}
#   - {key: karpathy2022, where: "train.py: look for ddp, require_backward_grad_sync and estimate_mfu, which are this page in some twenty lines"}
# sections:
#   - {id: bytes, heading: "Bytes", for: "text that no tokeniser fails on, which the language models you red-team in research chapter 9 rely on", needs: [ladder/11#vocabulary, ladder/16#characters]}
#   - {id: merges, heading: "Merges", for: "the tokeniser of nearly every published language model; with it you can read what such a model was given", needs: [bytes]}
#   - {id: shards, heading: "Files larger than memory", for: "the loader for any text larger than memory, as the real run reads OpenWebText", needs: [merges, ladder/13#offset_targets]}
#   - {id: rows, heading: "Who takes which rows", for: "the equal shares without which many processes do not give the curve of one; research chapter 3 tests exactly that", needs: [ladder/16#accumulation]}
#   - {id: all_reduce, heading: "All-reduce", for: "the one operation that data parallelism rests on, and the link that the rest of the page talks through", needs: [rows]}
#   - {id: ring, heading: "The ring", for: "the exchange whose cost hardly grows with the processes; its two halves come apart again in sharded training", needs: [all_reduce]}
#   - {id: processes, heading: "Real processes", for: "the step from threads to processes, which research chapter 3 takes again with MPI", needs: [ring]}
#   - {id: averaging, heading: "Averaging the gradients", for: "the heart of data parallelism, one exchange for all gradients", needs: [ring, rows, ladder/02#backward]}
#   - {id: exchange_cost, heading: "What the exchange costs", for: "telling from a line's bandwidth whether more machines would help, before you pay for them", needs: [averaging]}
#   - {id: memory, heading: "Where the memory goes", for: "how large a model a machine can train, the first question of every project with a large one", needs: [rows, ladder/08#moments, ladder/14#sixteen_bits]}
#   - {id: utilisation, heading: "How much of a GPU do you use?", for: "operations for each token: the measure of a run's health, and the compute axis of the scaling laws", needs: [ladder/14#cost, ladder/13#multi_head]}
#   - {id: published_weights, heading: "Somebody else's weights", for: "loading a published model and proving that it is right, as for GPT-2 in research chapters 8 and 9", needs: [ladder/16#model, ladder/16#tying]}
#   - {id: data_parallel, heading: "Data-parallel training", for: "the whole of it in one class, which DDP replaces in the real run and research chapter 3 builds on", needs: [averaging, ladder/16#clipping, ladder/10#norm_layer]}
#   - {id: one_curve, heading: "One curve", for: "the test that every change to a distributed program has to pass", needs: [data_parallel, shards]}
#   - {id: spoilt, heading: "Three ways to spoil it", for: "the faults of distributed training that raise no error, and the test that finds each", needs: [one_curve, ladder/08#adam]}
#   - {id: torch_names, heading: "What torch does for you", for: "the names under which your own pieces stand in every large training program", needs: [data_parallel, memory, exchange_cost]}
#   - {id: real_run, heading: "The real one", for: "a training over days planned and read: its profiles, its settings and what has not been measured", needs: [torch_names, utilisation, ladder/16#real_run]}
# recall:
#   - {id: half_character, section: bytes, transfer: true, q: "A chat program decodes each token as it arrives. For 猫 the reader sees three signs �. What is the cause, and the remedy?", a: "The bytes of one character are spread over several tokens, and each is decoded alone. Keep the bytes until they make a whole character, then show it."}
#   - {id: merge_order, section: merges, transfer: false, q: "In which order does byte-pair encoding join neighbouring tokens?", a: "The pair of the lowest rank, the one learned first, wherever it stands, from left to right. Then again, until no neighbouring pair is in the table."}
#   - {id: banana, section: merges, transfer: true, q: "The merges are $(a, n)$ of rank 0, $(an, a)$ of rank 1 and $(b, an)$ of rank 2. Cut `banana` into tokens.", a: "b a n a n a → b an an a → b an ana → ban ana. Two tokens: `ban`, `ana`."}
#   - {id: uneven_shares, section: rows, transfer: true, q: "Two GPUs take 12 and 3 rows, and the gradients of their mean losses are averaged evenly. How much does a row of the second count beside one of the first? Which weights mend it?", a: "Four times as much: $\\tfrac12 \\cdot \\tfrac13$ against $\\tfrac12 \\cdot \\tfrac1{12}$. Weigh the two means by their shares of the rows, 12/15 and 3/15."}
#   - {id: ring_traffic, section: ring, transfer: true, q: "Gradients of 1 GB and 8 processes. How much does each process send in a ring all-reduce? How much passes through process 0 in a star, both ways together?", a: "Ring: $2(p - 1)$ messages of a $p$-th each, 14 · 1/8 = 1.75 GB. Star: 7 GB in and 7 GB out, 14 GB."}
#   - {id: no_sync, section: exchange_cost, transfer: false, q: "What is `no_sync` for?", a: "With gradient accumulation only the backward pass of the last micro-batch exchanges gradients: one exchange an update."}
#   - {id: bytes_a_parameter, section: memory, transfer: false, q: "How many bytes a parameter does training with Adam take, before any activation?", a: "16: in float32 4 + 4 + 8, in mixed precision 2 + 2 + 12."}
#   - {id: seven_billion, section: memory, transfer: true, q: "7 billion parameters in mixed precision, GPUs of 80 GB, activations left out. Is one GPU enough? How many are at stage 1, at the least?", a: "One is not: 16 · 7 = 112 GB. At stage 1 weights and gradients, 28 GB, stay whole, and 52 GB are left for a part of the optimiser's 84 GB: two GPUs."}
#   - {id: busy, section: utilisation, transfer: true, q: "A model of $10^9$ weights trains at 20 000 tokens a second on one GPU with a peak of $312 \\cdot 10^{12}$ operations a second. Leave the attention's own operations out. What is the utilisation?", a: "$6 \\cdot 10^9 \\cdot 20\\,000 = 1.2 \\cdot 10^{14}$ operations a second, which is 38 % of the peak."}
#   - {id: forgotten_division, section: spoilt, transfer: true, q: "A program moves from 4 GPUs to 16, with the same global batch. With SGD its loss gets worse, with AdamW it stays. What do you suspect?", a: "Gradients that are summed and not averaged. SGD's rate is now four times what it was. Adam divides by the gradient's own size, so the factor cancels."}
# predictions:
#   - {id: japanese_tokens, ask: "How many tokens are the four Japanese characters, with the blank before them?", unit: "tokens", within: 1, because: "Each character is three bytes in UTF-8. Only the two common ones, さ and な, were merged into one token each; the other two come in three parts."}
#   - {id: slow_line, ask: "Eight GPUs over the usual network, one micro-batch an update. Which share of the time do they compute?", unit: "%", within: 8, because: "Each line carries nearly twice half a gigabyte, 0.7 seconds at 1.25 gigabytes a second. A tenth of a second is hidden behind the backward pass, and the rest is waited for."}
#   - {id: lowest_stage, ask: "Which is the lowest stage at which some number of these GPUs is enough for 30 billion parameters?", choices: ["stage 0", "stage 1", "stage 2", "stage 3"], because: "At stage 1 weights and gradients stay whole in every GPU: 120 gigabytes, whatever is shared. At stage 2 only the weights do, 60 gigabytes."}
#   - {id: eight_a100, ask: "Which share of the eight GPUs' peak was used?", unit: "%", within: 7, because: "853 000 tokens a second cost 857 million operations each, and eight peaks are 2.5 · 10¹⁵ a second. Matrix products below their peak take the rest, and work that is no matrix product."}
#   - {id: sum_with_adamw, ask: "With AdamW and no clipping, the division by 4 is forgotten. How does the training loss of the last 16 updates compare with the right program's?", choices: ["lower by more than 0.05 nats", "the same to 0.05 nats", "higher by more than 0.05 nats"], because: "Adam divides the gradient by its own recent size, so a constant factor cancels."}
# written:
#   - {id: ring_or_star, ask: "Why does a ring of 64 processes take hardly longer than one of 32, and a star twice as long?", rubric: ["says that each process of a ring sends $2(p-1)/p \\cdot n$ numbers, which stays below $2n$", "says that all lines of a ring work at once", "says that in a star all of it passes through one line", "says what does grow in the ring: the number of messages, and with it the latency"], answer: "In the ring each process sends $2(p-1)/p \\cdot n$ numbers, which grows towards $2n$ and stops, and all lines work at once. In the star all of it passes through one line. What does grow in the ring is the number of messages, and with it the latency."}
#   - {id: worse_on_eight, ask: "A colleague's training on eight GPUs gives a worse loss than on one at the same global batch. Which four things do you check, and with which tests?", rubric: ["equal starts: a checksum of the weights in every process", "different rows: print the first tokens that each process reads", "a mean and not a sum, of equal parts: one process and two with SGD must give one curve", "clipping after the exchange, one step an update, the loss divided by the number of micro-batches"], answer: "Equal starts: compare a checksum of the weights. Different rows: print the first tokens of each process. A mean of equal parts and not a sum: one process and two with SGD must give one curve. Then the order: the loss divided by the number of micro-batches, one exchange, clipping after it, one step."}
#   - {id: fsdp_sends, ask: "What does a process of FSDP send that one of DDP does not, and what is it spared?", rubric: ["says that the weights are gathered, forward and again backward", "says that it need not keep all weights, gradients and optimiser state", "gives the size of the saving: nearly $1 - 1/p$ of the 16 bytes a parameter"], answer: "The weights, gathered forward and again backward. It is spared keeping all of them, and their gradients, and the optimiser's state: nearly $1 - 1/p$ of the 16 bytes a parameter."}
# ---

# %% [markdown]
# # GPT-2 on several GPUs
#
# Towards the end of this page you will leave one division out of a training program. Nothing breaks. Four
# processes train one model, they agree to the last bit, and the loss falls. What has become of the training depends on a choice that you made long before, and for other reasons. To see why, you have to build the whole thing.
#
# The whole thing is how nanoGPT {cite:p}`karpathy2022` trains GPT-2 {cite:p}`radford2019` anew. Text is cut into tokens, in files too large for memory. Processes each read a part of every batch, and talk to each other so that all take the same step. A laptop can do all of it in small.
#
# **You need** [rung 16](16_nanogpt.ipynb). **You will have** a tokeniser, a loader, an all-reduce and data-parallel training, all yours. **It takes** about six hours.

# %% tags=["setup"]
import itertools
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import regex
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import (
    GPT,
    Link,
    alone,
    chapter,
    check,
    commit,
    hint,
    in_processes,
    in_turns,
    outcome,
    progress,
    recall,
    recorded,
    run,
    write,
)
from descent.data import GPT2_PATTERN, Bpe, gpt2_bpe, gpt2_encoding, shakespeare
from descent.figures import COLOURS, plot_curves, ring_figure, titled, use_style

chapter("ladder/17_gpt2_multi_gpu")
use_style()

# %% [markdown]
# ## Bytes
#
# Rung 13 read words, and wrote `<unk>` for those it did not know. Rung 16 read characters: nothing is unknown, but a window of 256 is some six lines. GPT-2's **tokens** stand between: frequent words whole, rare ones in parts. The smallest pieces are single **bytes**. There are 256 of those, and in UTF-8 they write every text there is.
#
# The **vocabulary** is a table of byte strings and their numbers. From numbers to text is easy: look up the bytes, put them one after another, and read them as UTF-8. One thing can go wrong. A
# character may take up to four bytes, and a token may end in the middle of one. By hand: "é" is the two
# bytes `C3 A9`. With the vocabulary `{b"caf": 0, b"\xc3": 1, b"\xa9": 2}` the tokens $[0, 1, 2]$ are "café",
# though neither 1 nor 2 is a text. And a model may write $[0, 1]$, which is no text at all: the half
# character is then shown as `U+FFFD`, the sign �.

# %% exercise="decode"
def decode(tokens: list[int], vocabulary: dict[bytes, int]) -> str:
    """Turn token numbers back into text.

    Parameters
    ----------
    tokens : numbers that are in the vocabulary; possibly none
    vocabulary : byte string → its number. The entries may come in any order.

    Returns
    -------
    the text whose UTF-8 bytes the tokens are, one after another; U+FFFD stands where bytes
        are no character, as Python's errors="replace" does it
    """
    ### BEGIN SOLUTION
    bytes_of = {number: piece for piece, number in vocabulary.items()}
    return b"".join(bytes_of[token] for token in tokens).decode("utf-8", errors="replace")
    ### END SOLUTION


# %% check="decode"
check(decode)

# %% [markdown]
# ## Merges
#
# Now the other direction. **Byte-pair encoding** (BPE) {cite:p}`sennrich2016` learns its vocabulary from a
# large text. It begins with single bytes, makes the most frequent pair of neighbours a new token, and repeats: GPT-2 did so 50 000 times. What is left is a list of pairs in the order in which they were learned. A pair's place in the list is its **rank** (later a process's number is called so too).
#
# To encode, begin with single bytes. Of all neighbouring pairs in the table, join the one of the lowest rank wherever it stands, from left to right. Repeat until no
# neighbouring pair is in the table.
#
# By hand, with the merges $(b, c)$ of rank 0, $(a, b)$ of rank 1 and $(bc, d)$ of rank 2:
#
# $$ a\;b\;c\;d \;\to\; a\;bc\;d \;\to\; a\;bcd. $$
#
# A reader from left to right would have joined $(a, b)$ first and ended with $ab, c, d$. And where pairs
# overlap the left one counts: with $(a, a)$, `aaa` becomes `aa`, `a`.

# %% exercise="merge"
def merge(piece: bytes, ranks: dict[tuple[bytes, bytes], int]) -> list[bytes]:
    """Cut a piece of text into tokens by byte-pair encoding.

    Parameters
    ----------
    piece : at least one byte
    ranks : pair of tokens → rank, lowest first to join. The entries may come in any order.
        Each part of a pair is a single byte or what a pair of lower rank makes. Two pairs may
        make the same token, as (ab, c) and (a, bc) do.

    Returns
    -------
    the tokens, each a bytes object; joined they are the piece. No two neighbours are a pair
        of the table.
    """
    ### BEGIN SOLUTION
    tokens = [bytes([byte]) for byte in piece]
    while True:
        pairs = list(itertools.pairwise(tokens))
        best = min(pairs, key=lambda pair: ranks.get(pair, math.inf), default=None)
        if best not in ranks:
            return tokens
        joined = []
        at = 0
        while at < len(tokens):
            if tuple(tokens[at : at + 2]) == best:
                joined.append(tokens[at] + tokens[at + 1])
                at += 2
            else:
                joined.append(tokens[at])
                at += 1
        tokens = joined
    ### END SOLUTION


# %% check="merge"
check(merge)

# %% [markdown]
# Here are GPT-2's own merges. Before merging, a pattern cuts the text into words, numbers, runs of signs and blanks, so no token reaches into the next word. A word takes the blank before it along.

# %%
bpe = gpt2_bpe()
ranks = {pair: rank for rank, pair in enumerate(bpe.merges)}
print(f"{bpe.source}: {len(bpe.merges)} merges, {len(bpe.vocabulary)} tokens and one for the end of a text")
print("the first merges:", [(a + b).decode("utf-8", "replace") for a, b in bpe.merges[:12]])


def encode(text: str, ranks: dict[tuple[bytes, bytes], int], vocabulary: dict[bytes, int]) -> list[int]:
    """Text → token numbers: the pattern, then your merges."""
    pieces = regex.findall(GPT2_PATTERN, text)
    return [vocabulary[token] for piece in pieces for token in merge(piece.encode(), ranks)]


LINES = ["The king is dead; long live the king.", "Tokenization of naïve unknowable words", "def f(x): return x**2 + 1",
         "tea 🙂 小さな猫"]
theirs = gpt2_encoding(bpe)  # the same merges in tiktoken, OpenAI's own implementation
for line in LINES:
    numbers = encode(line, ranks, bpe.vocabulary)
    again = decode(numbers, bpe.vocabulary)
    print(f"{len(line.encode()):3} bytes; as tiktoken {numbers == theirs.encode_ordinary(line)}; round trip {again == line}")

# %% [markdown]
# **Predict.** Before you look at the picture, take the last line, "tea 🙂 小さな猫". The pattern cuts it into "tea", a blank with the face, and a blank with the four Japanese characters, of three bytes each.

# %% predict="japanese_tokens"
commit("japanese_tokens", ..., sure=...)

# %%
def shown(token: bytes) -> str:
    """A token as one can print it: its text, or its bytes where it is none (or no Latin text)."""
    text = token.decode("utf-8", "replace")
    readable = all(character.isprintable() and character < "\u0250" for character in text)
    return text.replace(" ", "·") if readable else token.hex(" ").upper()


def draw_tokens(lines: list[list[bytes]], title: str) -> None:
    """One row of boxes for each line, a box for each token."""
    fig, ax = plt.subplots(figsize=(9, 0.72 * len(lines) + 0.8))
    fills = [COLOURS["sky"], COLOURS["orange"], COLOURS["green"], COLOURS["purple"]]
    for row, tokens in enumerate(lines):
        left = 0.0
        for place, token in enumerate(tokens):
            width = 0.75 * len(shown(token)) + 0.6
            ax.add_patch(plt.Rectangle((left, -row), width, 0.72, color=fills[place % 4], alpha=0.45, lw=0))
            ax.text(left + width / 2, 0.34 - row, shown(token), ha="center", va="center", fontsize=9, family="monospace")
            left += width + 0.12
        ax.text(left + 0.4, 0.34 - row, f"{len(tokens)} tokens", va="center", fontsize=9)
    ax.set(xlim=(-0.3, 50), ylim=(-len(lines) + 0.8, 0.9), title=title)
    ax.axis("off")
    plt.show()


of_number = {number: token for token, number in bpe.vocabulary.items()}
draw_tokens([[of_number[n] for n in encode(line, ranks, bpe.vocabulary)] for line in LINES],
            titled("Frequent words are one token, rare ones come in parts", bpe.source))
japanese = len(encode(" 小さな猫", ranks, bpe.vocabulary))

# %% outcome="japanese_tokens"
outcome("japanese_tokens", japanese)

# %% [markdown]
# A dot stands for the blank. Frequent words are one token with their blank, and even 🙂. At the beginning of a line "tea" has no blank before it, and is two. The four Japanese characters are eight, and some cuts go through the middle of a character. That is the price of a vocabulary learned from mostly English text.

# %% recall="merges"
recall("merges")

# %% [markdown]
# ## Files larger than memory
#
# OpenWebText {cite:p}`gokaslan2019` gathers anew what GPT-2 learned from: about nine billion tokens {cite:p}`karpathy2022`. As 64-bit numbers they would fill 72 gigabytes in *every* process. So they lie on disk.
# Numbers below 65 536 fit into 16 bits, unsigned: **uint16**, two bytes a token. And a file can be **memory-mapped**:
# `np.memmap(path, dtype=np.uint16, mode="r")` looks like an array, and only what you slice is read from the disk. The files are called **shards**.
#
# Documents follow one another in the shards, each closed by the token `<|endoftext|>`. A window may hold the end of one and the start of the next. The model has to learn that the two are unrelated.
#
# A **position** counts tokens through all shards in order. By hand, with shards of 3 and 4 tokens,
# $[10, 11, 12]$ and $[13, 14, 15, 16]$: position 4 is the token 14. A window of length 3 at position 1 has the
# inputs $[11, 12, 13]$ and the targets $[12, 13, 14]$. It needs $3 + 1$ tokens, two of either shard.

# %% exercise="read_windows"
def read_windows(shards: list, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Read windows and the next token of every token, from shards on disk.

    Parameters
    ----------
    shards : one-dimensional uint16 arrays on disk, such as np.memmap gives, of at least one token
        each and n together. They follow one another: a window that meets the end of a shard
        goes on in the next, and may run over several. A shard is read by slicing it, and no more
        of it is read than the windows need.
    starts : int64 of shape (batch,), positions from 0 to n − length − 1, in any order
    length : tokens in a window, at least 1

    Returns
    -------
    inputs, targets : int64 tensors of shape (batch, length) each; the targets are the tokens one
        position later
    """
    ### BEGIN SOLUTION
    rows = []
    for at in starts.tolist():
        wanted, parts = length + 1, []
        for shard in shards:
            if wanted and at < len(shard):
                parts.append(np.asarray(shard[at : at + wanted]).astype(np.int64))
                wanted -= len(parts[-1])
                at = len(shard)
            at -= len(shard)
        rows.append(np.concatenate(parts))
    window = torch.from_numpy(np.stack(rows))
    return window[:, :-1], window[:, 1:]
    ### END SOLUTION


# %% check="read_windows"
check(read_windows)

# %% [markdown]
# Shakespeare as shards. A small model would spend almost all its work on a last layer of 50 257. So here we take the first 256 merges only.

# %%
MERGES = 256
few = {token: number for token, number in bpe.vocabulary.items() if number < 256 + MERGES}
small = Bpe(bpe.merges[:MERGES], few, bpe.source)
VOCABULARY = small.size

text = shakespeare()
numbers = np.array(gpt2_encoding(small).encode_ordinary(text.text), dtype=np.uint16)
holder = tempfile.TemporaryDirectory()
FOLDER = holder.name
cuts = [0, len(numbers) * 4 // 9, len(numbers) * 8 // 10, len(numbers)]
for name, (low, high) in zip(["train0.bin", "train1.bin", "valid0.bin"], itertools.pairwise(cuts), strict=True):
    numbers[low:high].tofile(Path(FOLDER) / name)


def open_shards(folder: str, part: str) -> list[np.memmap]:
    """The shards of a part, mapped and not read."""
    return [np.memmap(path, dtype=np.uint16, mode="r") for path in sorted(Path(folder).glob(f"{part}*.bin"))]


print(f"{text.source}: {len(text.text.encode())} bytes are {len(numbers)} tokens of a vocabulary of {VOCABULARY}; "
      f"all merges would make {len(theirs.encode_ordinary(text.text))}")
shards = open_shards(FOLDER, "train")
edge = len(shards[0]) - 4
inputs, targets = read_windows(shards, torch.tensor([edge]), 10)
print("a window over the edge of two shards:", repr(decode(inputs[0].tolist(), small.vocabulary)))

# %% [markdown]
# ## Who takes which rows
#
# Now several **processes** are to train one model: programs side by side, one for each GPU, with no memory in common. Each has a number from 0 to $p - 1$, its **rank**. In **data parallelism** each process
# holds the whole model and takes an equal share of every batch. It computes the gradient of its share, and the average of these gradients is that of the batch:
#
# $$ \frac{1}{B} \sum_{i=1}^{B} g_i = \frac{1}{p} \sum_{r=0}^{p-1} \left( \frac{p}{B} \sum_{i \in \text{share } r} g_i \right), $$
#
# Here $g_i$ is the gradient of example $i$ of $B$. A mean of means is the mean only when the parts are *equal*. With shares of 3 and 1, the lonely example would count three times as much as each of the others.
#
# A share too large for a GPU's memory is cut into **micro-batches**, whose gradients add up before the step, as on rung 16. By hand: a batch of 12, two processes, micro-batches of 3. Process 1
# takes the rows 6 to 8, then 9 to 11.

# %% exercise="my_rows"
def my_rows(batch_size: int, micro_batch: int, rank: int, size: int) -> list[range]:
    """Say which rows of the global batch a process takes, micro-batch by micro-batch.

    Parameters
    ----------
    batch_size : rows of the batch, over all processes, at least 1
    micro_batch : rows that go through the model at once, at least 1
    rank, size : number of this process, and how many there are

    Returns
    -------
    a list of ranges (or lists) of `micro_batch` consecutive rows each. Process 0 takes the first
        share of the batch, process 1 the next, and so on, every row once.

    Raises
    ------
    ValueError : the batch does not divide into equal shares, or a share into micro-batches
    """
    ### BEGIN SOLUTION
    if batch_size % size or batch_size // size % micro_batch:
        raise ValueError(
            f"{batch_size} rows do not divide into {size} shares of micro-batches of {micro_batch}"
        )
    share = batch_size // size
    first = rank * share
    return [range(row, row + micro_batch) for row in range(first, first + share, micro_batch)]
    ### END SOLUTION


# %% check="my_rows"
check(my_rows)

# %% [markdown]
# ## All-reduce
#
# Every process has a vector of $n$ numbers, its gradient. Afterwards every process should have the sum of
# all $p$ vectors. That is an **all-reduce**. We build it from sending and receiving. A `link` is a process's way to the others:
#
# - `link.rank` and `link.size`: its number, and how many there are;
# - `link.send(values, to)`: send a copy of a tensor to one other process. It does not wait until it arrives;
# - `link.receive(source)`: wait for the next tensor that process sends to us, and return it.
#
# `link.sent` lists what was sent, so that we can count. `in_turns(function, size)` runs a function in `size` threads that play processes, one at a time. The result is the same at every run, and if all wait for each other it says so. `in_processes` does it with real processes. First idea: process 0 adds all up and sends the sum back.

# %%
def star(values: Tensor, link: Link) -> Tensor:
    """The sum over all processes, by way of process 0."""
    if link.rank > 0:
        link.send(values, 0)
        return link.receive(0)
    total = values.clone()
    for other in range(1, link.size):
        total += link.receive(other)
    for other in range(1, link.size):
        link.send(total, other)
    return total


def traffic(all_reduce: Callable[[Tensor, Link], Tensor], size: int, n: int) -> list[int]:
    """How many numbers pass through each process's line, sent and received."""
    def one(link: Link) -> list:
        all_reduce(torch.ones(n) * link.rank, link)
        return link.sent

    sent = in_turns(one, size)
    return [sum(m.numbers for m in sent[rank]) + sum(m.numbers for part in sent for m in part if m.to == rank)
            for rank in range(size)]


for size in (2, 4, 8):
    print(f"star, {size} processes, 1000 numbers each: through each line pass {traffic(star, size, 1000)}")

# %% [markdown]
# Everything passes through the line of process 0, while the others lie idle. Twice the GPUs make the exchange more than twice as slow.
#
# ## The ring
#
# Put the processes in a circle, where each sends to its right neighbour, $r \to (r + 1) \bmod p$. Cut every vector into $p$ parts. Then all lines can work all the time {cite:p}`patarasuk2009`:
#
# **First half** (reduce-scatter): at step $s = 0, \dots, p - 2$ process $r$ sends part $r - s$ and receives
# part $r - s - 1$, which it *adds* to its own. All part numbers count modulo $p$. So each part travels round
# the circle and collects what every process has. After $p - 1$ steps process $r$ holds the finished sum of
# part $r + 1$.
#
# **Second half** (all-gather): at step $s$ process $r$ sends part $r + 1 - s$, which is finished, and
# receives part $r - s$, which *replaces* its own. After $p - 1$ more steps everyone has everything.
#
# By hand, $p = 2$, process 0 has $[1, 2]$ and process 1 has $[10, 20]$, parts of one number. First half: 0
# sends its part 0 (the 1), 1 sends its part 1 (the 20). Then 0 has $[1, \mathbf{22}]$ and 1 has
# $[\mathbf{11}, 20]$. Second half: 0 sends the 22, 1 sends the 11, and both have $[11, 22]$.
#
# Each process sends $2(p - 1)$ messages of $n/p$ numbers:
#
# $$ 2\,\frac{p - 1}{p}\, n < 2n, \qquad \text{however many processes there are.} $$

# %% exercise="ring_all_reduce"
def ring_all_reduce(values: Tensor, link: Link) -> Tensor:
    """Add up a vector over all processes, in a ring.

    Parameters
    ----------
    values : shape (n,), n at least 1, of the same n in every process; not changed
    link : has rank, size, send(values, to) and receive(source), as above

    Returns
    -------
    shape (n,), of the dtype of `values`: the sum over all processes, the same to the last bit
        in each

    Every process sends 2(p − 1) messages, all to one neighbour, each with one of p parts. Where n
    does not divide by p the parts differ in length by at most one, and some may be empty. A
    process alone sends nothing.
    """
    ### BEGIN SOLUTION
    p, rank = link.size, link.rank
    right, left = (rank + 1) % p, (rank - 1) % p
    parts = [part.clone() for part in values.tensor_split(p)]
    for step in range(p - 1):
        link.send(parts[(rank - step) % p], right)
        parts[(rank - step - 1) % p] += link.receive(left)
    for step in range(p - 1):
        link.send(parts[(rank + 1 - step) % p], right)
        parts[(rank - step) % p] = link.receive(left)
    return torch.cat(parts)
    ### END SOLUTION


# %% check="ring_all_reduce"
check(ring_all_reduce)

# %%
for size in (2, 4, 8):
    print(f"ring, {size} processes, 1000 numbers each: through each line pass {traffic(ring_all_reduce, size, 1000)}")

# %% [markdown]
# Every line carries less than four vectors, sent and received, and all alike. Here is your ring at work. Process $r$ puts the number $2^r \cdot 16^k$ into part $k$, so a sum says by itself what has been added. After three steps, which part does each process hold finished?

# %%
class Watching:
    """A link that writes down every message: step, sender, values."""

    def __init__(self, link: Link, log: list) -> None:
        self.link, self.log, self.steps = link, log, 0
        self.rank, self.size = link.rank, link.size

    def send(self, values: Tensor, to: int) -> None:
        self.log.append((self.steps, to, values.clone()))
        self.steps += 1
        self.link.send(values, to)

    def receive(self, source: int) -> Tensor:
        return self.link.receive(source)


P = 4
log: list = []
powers = 16.0 ** torch.arange(P, dtype=torch.float64)
in_turns(lambda link: ring_all_reduce(2.0**link.rank * powers, Watching(link, log)), P)

holds = np.array([[1 << rank for part in range(P)] for rank in range(P)])  # who is in a process's part, as bits
pictures = [holds.copy()]
for step in range(2 * (P - 1)):
    for _, to, values in (message for message in log if message[0] == step):
        part = int(math.log(values.item(), 16))
        holds[to, part] |= round(values.item() / 16**part)
    pictures.append(holds.copy())

ring_figure([[[[who for who in range(P) if bits >> who & 1] for bits in row] for row in held.tolist()] for held in pictures])

# %%
fig, axes = plt.subplots(1, len(pictures), figsize=(11, 2.6), sharey=True)
for step, (ax, held) in enumerate(zip(axes, pictures, strict=True)):
    count = np.bitwise_count(held)
    ax.imshow(count, vmin=0, vmax=P, cmap="cividis")
    for (rank, part), many in np.ndenumerate(count):
        fresh = step > 0 and held[rank, part] != pictures[step - 1][rank, part]
        ax.text(part, rank, str(many), ha="center", va="center", fontsize=12,
                color="black" if many > 2 else "white", fontweight="bold" if fresh else "normal")
        if fresh:
            ax.add_patch(plt.Rectangle((part - 0.46, rank - 0.46), 0.92, 0.92, fill=False, ec=COLOURS["red"], lw=2))
    ax.set_title("start" if step == 0 else f"step {step}", fontsize=11)
    ax.set(xticks=range(P), yticks=range(P))
    ax.grid(False)
axes[0].set_ylabel("process")
fig.supxlabel("part of the vector; the number says how many processes' values are in it, framed: just arrived", fontsize=11)
plt.show()

# %% [markdown]
# In the first three steps sums grow along the diagonals, until each process has one part with all four in it. In the last three, finished parts are handed on.

# %% recall="ring"
recall("ring")

# %% [markdown]
# ## Real processes
#
# `in_processes` starts real processes and joins them by `torch.distributed`, with **gloo**, which carries messages between CPUs. (Between GPUs it would be NCCL.) They run your ring, then torch's own all-reduce.

# %%
def ring_lesson(link: Link, n: int) -> dict[str, Any]:
    """What a process finds when it compares your ring with torch's own."""
    values = torch.randn(n, generator=torch.Generator().manual_seed(link.rank))
    ours = ring_all_reduce(values, link)
    theirs = values.clone()
    torch.distributed.all_reduce(theirs)
    return {"first": ours[:3].tolist(), "differs": (ours - theirs).abs().max().item(),
            "megabytes": sum(message.size for message in link.sent) / 1e6}


for rank, found in enumerate(in_processes(ring_lesson, 2, 1_000_000)):
    print(f"process {rank}: sum begins {[round(x, 3) for x in found['first']]}, largest difference to torch's "
          f"{found['differs']:.1e}, sent {found['megabytes']:.1f} MB")

# %% [markdown]
# Not a bit apart. With more than two, another order of adding could show in the last digits.
#
# ## Averaging the gradients
#
# A model has hundreds of parameters, and an exchange of each would pay for $2(p - 1)$ messages every time. So lay all gradients end to end in one vector, exchange it once, divide by $p$, and put the pieces back where they came from. (PyTorch takes **buckets** of 25 megabytes, so that the first can travel while the backward pass goes on {cite:p}`li2020`.)
#
# By hand: in process 0 the gradients are $[1, 2]$ and $[3]$, in process 1 $[5, 6]$ and $[7]$. The vectors
# $[1, 2, 3]$ and $[5, 6, 7]$ add up to $[6, 8, 10]$; half of it is $[3, 4, 5]$, and back go $[3, 4]$ and $[5]$.

# %% exercise="average_gradients"
def average_gradients(model: nn.Module, link: Link) -> None:
    """Replace every gradient of a model by its mean over all processes, in one exchange.

    Parameters
    ----------
    model : the same parameters, in the same order, in every process. After the call each .grad
        is the mean; the parameters themselves stay. Those without a gradient (.grad is None) are
        the same ones in every process, and never all: nothing is sent of them, and their .grad
        is still None afterwards.
    link : to the other processes

    All gradients are exchanged together, by one ring all-reduce: at most 2(p − 1) messages from
    each process.
    """
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    rest = (
        ring_all_reduce(torch.cat([gradient.flatten() for gradient in gradients]), link) / link.size
    )
    for gradient in gradients:
        count = gradient.numel()
        gradient.copy_(rest[:count].view_as(gradient))
        rest = rest[count:]
    ### END SOLUTION


# %% check="average_gradients"
check(average_gradients)

# %% [markdown]
# ## What the exchange costs
#
# A message takes a fixed time to get going, the **latency** $\ell$, and then flows at the **bandwidth** $b$,
# so many bytes a second. For gradients of $m$ bytes the ring takes
#
# $$ t_\text{ring} = 2(p - 1) \left( \ell + \frac{m}{p\, b} \right) \text{ seconds.} $$
#
# Two tricks keep the GPUs from waiting. The exchange can run *beside* the backward pass: the gradients of the last layers are ready first. And with $k$ micro-batches the gradients add up in place, so only the *last* one has to exchange anything. PyTorch calls it gradient accumulation with `no_sync`. We assume that the exchange may run beside the whole of the last backward pass, and that only what is longer is waited for:
#
# $$ t_\text{update} = k\,(t_\text{forward} + t_\text{backward}) + \max(0,\; t_\text{ring} - t_\text{backward}). $$
#
# By hand: 4 processes, 400 bytes, 100 bytes a second, no latency: 6 messages of 1 second each. With
# $k = 2$, forward 1 and backward 2 seconds, an update takes $2 \cdot 3 + (6 - 2) = 10$ seconds.

# %% exercise="update_seconds"
def update_seconds(
    gradient_bytes: float, processes: int, bandwidth: float, latency: float,
    forward: float, backward: float, micro_batches: int,
) -> tuple[float, float]:
    """Time a ring all-reduce, and an update that hides it behind the last backward pass.

    Parameters
    ----------
    gradient_bytes : bytes of all gradients
    processes : at least 1; one alone exchanges nothing
    bandwidth : bytes a second on each line
    latency : seconds before a message flows
    forward, backward : seconds of one micro-batch
    micro_batches : how many each process takes in an update, at least 1

    Returns
    -------
    exchange, update : seconds of the ring, and of the whole update
    """
    ### BEGIN SOLUTION
    exchange = 2 * (processes - 1) * (latency + gradient_bytes / processes / bandwidth)
    update = micro_batches * (forward + backward) + max(0.0, exchange - backward)
    return exchange, update
    ### END SOLUTION


# %% check="update_seconds"
check(update_seconds)

# %% [markdown]
# **Predict.** GPT-2 has 124 million parameters, so the gradients are half a gigabyte in float32. Say that a
# micro-batch takes 0.05 seconds forward and 0.1 backward. There are three kinds of line:
# 200 gigabytes a second (GPUs of one machine), 12.5 (a fast network) and 1.25 (a usual one). Latencies are
# 20 microseconds. Over which of them can the exchange hide? Guess before you reckon.

# %% predict="slow_line"
commit("slow_line", ..., sure=...)

# %%
LINES_OF = {"in one machine, 200 GB/s": 200e9, "fast network, 12.5 GB/s": 12.5e9, "usual network, 1.25 GB/s": 1.25e9}
PARAMETERS = 124e6
counts = np.array([1, 2, 4, 8, 16, 32, 64])
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True)
for ax, k in zip(axes, (1, 5), strict=True):
    shares = {}
    for name, bandwidth in LINES_OF.items():
        times = [update_seconds(4 * PARAMETERS, int(p), bandwidth, 2e-5, 0.05, 0.1, k) for p in counts]
        shares[name if k == 5 else name.split(",")[0]] = (np.log2(counts), [k * 15 / update for _, update in times])
        print(f"{k} micro-batch{'es,' if k > 1 else ',  '} {name:25}: exchange {times[3][0]:.3f} s among 8, update {times[3][1]:.2f} s")
    plot_curves(shares, xlabel="number of GPUs", ylabel="share of time spent computing (%)",
                title=f"{k} micro-batch{'es' if k > 1 else ''} an update", ax=ax)
    ax.set(xticks=np.log2(counts), xticklabels=counts, ylim=(0, 108))
plt.show()
computing = 100 * 0.15 / update_seconds(4 * PARAMETERS, 8, 1.25e9, 2e-5, 0.05, 0.1, 1)[1]

# %% outcome="slow_line"
outcome("slow_line", computing)

# %% [markdown]
# From two GPUs on, more of them at most double the exchange, but for the latency. What matters is the line. Inside a machine and over a fast network the exchange costs nothing. Over a usual network the GPUs wait most of the time, with one micro-batch; accumulation helps, since one exchange then serves five.
#
# ## Where the memory goes
#
# With data parallelism every process keeps everything: the weights, a gradient for each, and Adam's two means. In float32 that is $4 + 4 + 8 = 16$ bytes for each parameter. **Mixed precision** here goes further than rung 14's: the weights and gradients that are worked with take 2 bytes each. Beside its two means the optimiser keeps the weights in float32, so that small steps are not rounded away: $2 + 2 + 12$, again 16.
#
# {cite:t}`rajbhandari2020` divide this among the processes in stages, called **ZeRO** (zero redundancy optimiser). The optimiser's state is needed only where a weight is updated, so each process can keep a $p$-th of it:
#
# | stage | divided among the $p$ processes | whole in every process |
# |---|---|---|
# | 0 (as on this page) | nothing | weights, gradients, optimiser |
# | 1 | optimiser | weights, gradients |
# | 2 | optimiser, gradients | weights |
# | 3 | optimiser, gradients, weights | nothing |
#
# At stage 3 a layer's weights are gathered when they are needed, and dropped again. Here is the table as a function.

# %%
def bytes_per_gpu(parameters: int, processes: int, stage: int, mixed: bool) -> tuple[float, float, float]:
    """Bytes of weights, gradients and optimiser in one process, without activations."""
    each, adam = (2, 12) if mixed else (4, 8)
    weights = each * parameters / (processes if stage >= 3 else 1)
    gradients = each * parameters / (processes if stage >= 2 else 1)
    optimiser = adam * parameters / (processes if stage >= 1 else 1)
    return weights, gradients, optimiser


for stage in range(4):
    print(f"100 parameters in float32, 4 processes, stage {stage}: {bytes_per_gpu(100, 4, stage, mixed=False)} bytes")

# %% [markdown]
# In practice the question is turned round: how many GPUs of a kind does a model need? Sometimes no number is enough.
#
# By hand: 100 parameters in float32 at stage 1. Weights and gradients, 800 bytes, are whole in every process, and
# the optimiser's 800 are divided. With 1 000 bytes in a GPU there are 200 left for a part of these, so it takes
# 4 GPUs. With 900 bytes it takes 8. With 800 bytes nothing is left for even the smallest part: no number is enough.
# At stage 0 one GPU of 1 600 bytes holds it all, and of smaller ones no number does. A part need not be a whole number of bytes.

# %% exercise="fewest_gpus"
def fewest_gpus(parameters: int, stage: int, mixed: bool, memory: int) -> int | None:
    """Find the fewest GPUs that can hold a model in training, one process on each.

    Parameters
    ----------
    parameters : of the whole model, from 1 to 10¹³
    stage : 0, 1, 2 or 3, as in the table
    mixed : whether weights and gradients take 2 bytes, and the optimiser keeps the weights
        in 4 bytes as well; else all numbers take 4 bytes
    memory : bytes of one GPU, a whole number from 1 on. Weights, gradients and optimiser together
        may fill it to the last byte; activations are not counted.

    Returns
    -------
    the smallest number of GPUs, at least 1, that is enough: any whole number, not only a power
        of two. None where no number is enough
    """
    ### BEGIN SOLUTION
    each, adam = (2, 12) if mixed else (4, 8)
    divided = sum((adam, each, each)[:stage]) * parameters
    room = memory - (2 * each + adam) * parameters + divided
    if divided == 0:
        return 1 if room >= 0 else None
    return -(-divided // room) if room > 0 else None
    ### END SOLUTION


# %% check="fewest_gpus"
check(fewest_gpus)

# %% [markdown]
# **Predict.** A model of 30 billion parameters in mixed precision, and as many GPUs with 80 gigabytes as you
# like. Activations are left out.

# %% predict="lowest_stage"
commit("lowest_stage", ..., sure=...)

# %%
counts = np.array([1, 2, 4, 8, 16, 32, 64, 128])
fig, axes = plt.subplots(1, 2, figsize=(11, 3.9))
for ax, (name, n) in zip(axes, {"GPT-2, 124 million": 124e6, "30 billion": 30e9}.items(), strict=True):
    curves = {}
    for stage in range(4):
        held = [sum(bytes_per_gpu(int(n), int(p), stage, mixed=True)) / 1e9 for p in counts]
        curves[f"stage {stage}"] = (np.log2(counts), held)
        fewest = fewest_gpus(int(n), stage, True, 80_000_000_000)
        fits = "no number is enough" if fewest is None else f"80 GB are enough on {fewest}"
        print(f"{name}, stage {stage}: {held[0]:6.2f} GB on one GPU, {held[3]:6.2f} on each of 8; {fits}")
    plot_curves(curves, xlabel="number of GPUs", ylabel="memory in each GPU (GB)", title=name, ax=ax)
    ax.set(xticks=np.log2(counts), xticklabels=counts, ylim=(0, None))
    if n > 1e9:
        ax.axhline(80, color=COLOURS["grey"], lw=1, ls="--")
        ax.text(0, 74, "one GPU's 80 GB", ha="left", va="top", color=COLOURS["grey"], fontsize=11)
plt.show()
lowest = min(stage for stage in range(4) if fewest_gpus(30_000_000_000, stage, True, 80_000_000_000) is not None)

# %% outcome="lowest_stage"
outcome("lowest_stage", f"stage {lowest}")

# %% [markdown]
# GPT-2's two gigabytes fit anywhere. There stage 0 is the right choice, since sharding the weights sends more: they are gathered forward and again backward. With 30 billion parameters stage 0 does not fit, on however many GPUs. Nor does stage 1, although most of the memory is the optimiser's: what is left whole is too much by itself. Stage 2 fits, on more than three times as many GPUs as stage 3.

# %% recall="memory"
recall("memory")

# %% [markdown]
# ## How much of a GPU do you use?
#
# To judge tokens a second, count operations. A multiplication and an addition are two, so the forward pass takes 2 for each of the $N$ weights that a token is multiplied with. The backward pass takes twice as many: $6N$ in all. The attention's scores and weighted values have no weights and cost extra. For $L$ layers with $H$ heads of width $Q$ and a window of $T$ tokens,
#
# $$ c = 6N + 12\,L\,H\,Q\,T \quad \text{operations for each token.} $$
#
# The **model FLOPs utilisation** (MFU) {cite:p}`chowdhery2023` is what is done in a second over what the GPUs
# could do at their peak.
#
# By hand: $N = 100$, $L = H = 1$, $Q = 2$, $T = 10$ give $600 + 240 = 840$. At 50 tokens a second two GPUs
# with a peak of 100 000 each are used to $840 \cdot 50 / 200\,000 = 0.21$.

# %% exercise="utilisation"
def utilisation(
    parameters: int, layers: int, heads: int, head_width: int, context: int,
    tokens_per_second: float, gpus: int, peak: float,
) -> tuple[float, float]:
    """Say how many operations a token costs in training, and which share of the GPUs is used.

    Parameters
    ----------
    parameters : weights that a token is multiplied with, N
    layers, heads, head_width : L, H and Q
    context : tokens in a window, T
    tokens_per_second : over all GPUs
    gpus : how many
    peak : operations a second that one GPU can do

    Returns
    -------
    operations, share : operations for each token, forward and backward; and the share of the
        peak, 1 for all of it
    """
    ### BEGIN SOLUTION
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, operations * tokens_per_second / (gpus * peak)
    ### END SOLUTION


# %% check="utilisation"
check(utilisation)

# %% [markdown]
# nanoGPT {cite:p}`karpathy2022` publishes its settings: batches of 12 windows of 1 024 tokens, 40 of them in an update (5 on each of 8 GPUs), 600 000 updates. It takes about 4 days on 8 A100s. NVIDIA gives the A100's peak as 312 · 10¹² operations a second at 16 bits.
#
# **Predict.** A half? A tenth?

# %% predict="eight_a100"
commit("eight_a100", ..., sure=...)

# %%
tokens_an_update = 12 * 1024 * 40
tokens = 600_000 * tokens_an_update
operations, share = utilisation(124_000_000, 12, 12, 64, 1024, tokens / (4 * 86_400), 8, 312e12)
print(f"{tokens_an_update} tokens an update, {tokens / 1e9:.0f} billion in all; {operations / 1e6:.0f} million operations a token")
print(f"4 days on 8 A100s: {tokens / (4 * 86_400):,.0f} tokens a second, utilisation {share:.0%}")

side = 1024
a, b = torch.randn(side, side), torch.randn(side, side)
a @ b  # the first one is slower
began = time.perf_counter()
for _ in range(3):
    a @ b
peak = 3 * 2 * side**3 / (time.perf_counter() - began)
alike, _ = utilisation(124_000_000, 12, 12, 64, 1024, 1.0, 1, peak)
print(f"this machine's CPU multiplies matrices at {peak / 1e9:.0f} · 10⁹ operations a second; at that, the same training would "
      f"take {tokens * alike / peak / 86_400 / 365:,.0f} years")

# %% outcome="eight_a100"
outcome("eight_a100", 100 * share)

# %% [markdown]
# Not quite a third, a decent number. The rest goes to matrix products below the peak, norms, softmax, the optimiser and waiting.
#
# ## Somebody else's weights
#
# To load OpenAI's weights of GPT-2, two programs have to agree on every name and layout. Three differences:
#
# - **Names.** Hugging Face's copy says `h.3.attn.c_attn.weight`, ours `blocks.3.attention.queries_keys_values.weight`.
# - **Layout.** Their layers compute $x W$ with $W$ of shape (in, out). `nn.Linear` keeps (out, in). So
#   the matrices of the four layers inside a block have to be *transposed*: `attn.c_attn`, `attn.c_proj`,
#   `mlp.c_fc`, `mlp.c_proj`. The tables `wte` and `wpe` are looked up, not multiplied with, and stay.
# - **Things that are no weights.** The causal mask is stored with them, as `h.3.attn.bias` (a triangle, and no bias at all) and `h.3.attn.masked_bias`. They go. `h.3.attn.c_attn.bias` is a real bias.
#
# And one thing is there once and needed twice: `wte` is tied, so it serves as our `read_out.weight` too.

# %%
NAMES = {"wte": "tokens", "wpe": "positions", "ln_f": "norm", "ln_1": "norm_1", "ln_2": "norm_2",
         "attn.c_attn": "attention.queries_keys_values", "attn.c_proj": "attention.projection",
         "mlp.c_fc": "expand", "mlp.c_proj": "projection"}

# %% [markdown]
# By hand: `h.11.mlp.c_fc.weight` of shape (768, 3072) becomes `blocks.11.expand.weight` of shape (3072, 768),
# `ln_f.bias` becomes `norm.bias`, and of `wte.weight` come `tokens.weight` and `read_out.weight`.

# %% exercise="from_openai"
def from_openai(published: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    """Translate GPT-2's published weights into the names and layouts of our GPT.

    Parameters
    ----------
    published : name → tensor. Names are a part and "weight" or "bias" ("wte.weight", "ln_f.bias");
        those of layer l begin with "h.l.", as "h.11.attn.c_attn.bias". The masks "h.l.attn.bias"
        and "h.l.attn.masked_bias" may be among them. There may be any number of layers. Neither
        the dictionary nor a tensor in it is changed.
    names : their part → ours, as in NAMES

    Returns
    -------
    our name → tensor: "blocks.l." in the place of "h.l.", our part, "weight" or "bias". The
        matrices (two dimensions) of the layers "h.l." are transposed, everything else is as it
        was. The masks are left out. "read_out.weight" is the table of tokens once more, shared or
        a copy.
    """
    ### BEGIN SOLUTION
    ours = {}
    for name, value in published.items():
        part, kind = name.rsplit(".", 1)
        layer = ""
        if part.startswith("h."):
            _, number, part = part.split(".", 2)
            layer = f"blocks.{number}."
        if part in names:
            turned = value.T if layer and value.ndim == 2 else value
            ours[f"{layer}{names[part]}.{kind}"] = turned
    ours["read_out.weight"] = published["wte.weight"]
    return ours
    ### END SOLUTION


# %% check="from_openai"
check(from_openai)

# %% [markdown]
# How do you know that a translation is right? Not by the shapes: `attn.c_proj` is square, and fits both ways
# round. You compare what comes *out*. Here is a small GPT-2 of the library `transformers`, with random weights. Both models should give the same logits.

# %%
def with_random_weights() -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """A small GPT-2 of `transformers`: its weights, some tokens, and its logits for them."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=100, n_positions=16, n_embd=32, n_layer=2, n_head=4,
                                        bos_token_id=0, eos_token_id=0)).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape))
        tokens = torch.randint(100, (2, 16))
        logits = theirs(tokens).logits
    return dict(theirs.transformer.state_dict()), tokens, logits


published, tokens, logits = with_random_weights()
ours = GPT(100, 16, 32, 4, 2, bias=True, gelu="tanh").eval()
ours.load_state_dict(from_openai(published, NAMES))
with torch.no_grad():
    print(f"all transposed as they should be: logits differ by at most {(ours(tokens) - logits).abs().max():.1e}")
    square = ours.blocks[0].attention.projection.weight
    square.copy_(square.T.clone())
    print(f"one square matrix the other way round: by {(ours(tokens) - logits).abs().max():.1f}, and no error")

# %% [markdown]
# `gelu="tanh"` is one more such difference: OpenAI's GELU is an approximation with a tanh, and a model has to be run as it was trained. The run `gpt2`, profile `openai`, evaluates the real weights so, where they can be had.
#
# ## Data-parallel training
#
# Everything above in one class. It is PyTorch's `DistributedDataParallel` (**DDP**), minus the overlap.
#
# `DataParallel(model, link)`: afterwards the model has, in every process, the parameters *and buffers* of
# process 0. (A buffer is a tensor that belongs to the model and is not trained, such as what batch norm
# counts: `model.buffers()`.) The process keeps both as `self.model` and `self.link`.
#
# `update(optimiser, batches, loss_of, clip)` is called by all processes at the same time, each with its own micro-batches. Its steps stand in the docstring. The order matters: it is the gradient of the whole batch that is clipped.

# %% exercise="DataParallel"
class DataParallel:
    """One model, trained by several processes at once.

    Parameters
    ----------
    model : has the same parameters and buffers in every process, with values of its own at first;
        it is changed in place, to those of process 0
    link : to the other processes

    Attributes
    ----------
    model, link : as given
    """

    def __init__(self, model: nn.Module, link: Link) -> None:
        ### BEGIN SOLUTION
        self.model, self.link = model, link
        with torch.no_grad():
            for values in itertools.chain(model.parameters(), model.buffers()):
                if link.rank == 0:
                    for other in range(1, link.size):
                        link.send(values, other)
                else:
                    values.copy_(link.receive(0))
        ### END SOLUTION

    def update(self, optimiser, batches: list, loss_of, clip: float | None) -> float:
        """Take one step for the global batch.

        1. Put the model into training mode. Clear what gradients are left from before.
        2. For each micro-batch: compute loss_of(model, batch), divide by the number of
           micro-batches, run backward. Nothing is exchanged meanwhile.
        3. Average the gradients over the processes, once.
        4. If clip is a number, scale the gradients so that their norm, over all parameters
           together, is at most clip (nn.utils.clip_grad_norm_).
        5. One step of the optimiser.
        6. Return the mean loss of the global batch, the same Python float in every process. This
           may take a second exchange, of one number: at most 4(p − 1) messages in an update.

        Parameters
        ----------
        optimiser : of the model's parameters; has zero_grad() and step()
        batches : this process's micro-batches, at least one; all processes have as many, of
            equal size
        loss_of : loss_of(model, batch) is the mean loss of a micro-batch, of shape ()
        clip : the largest norm of the averaged gradient, or None

        Returns
        -------
        the mean loss of the global batch before the step, a Python float
        """
        ### BEGIN SOLUTION
        self.model.train()
        optimiser.zero_grad()
        total = 0.0
        for batch in batches:
            loss = loss_of(self.model, batch) / len(batches)
            loss.backward()
            total += loss.item()
        average_gradients(self.model, self.link)
        if clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        optimiser.step()
        return ring_all_reduce(torch.tensor([total]), self.link).item() / self.link.size
        ### END SOLUTION


# %% check="DataParallel"
check(DataParallel)

# %% [markdown]
# ## One curve
#
# A small GPT on Shakespeare's shards, batches of 16 windows of 32 tokens, AdamW. First this process alone, in four micro-batches an update. Then four real processes, each with one of the four, and each with its *own* random start. How far apart will the two loss curves be: nowhere, by
# rounding, by a little noise?

# %%
CONTEXT, BATCH, MICRO, STEPS, SHORT = 32, 16, 4, 64, 48


def start_model(seed: int) -> GPT:
    """A small GPT with a start of its own."""
    torch.manual_seed(seed)
    return GPT(VOCABULARY, CONTEXT, width=48, heads=4, layers=2)


def batches_of(shards: list, step: int, rank: int, size: int) -> list[tuple[Tensor, Tensor]]:
    """A process's micro-batches of a step; the global batch follows from the step alone."""
    last = sum(map(len, shards)) - CONTEXT
    starts = torch.randint(last, (BATCH,), generator=torch.Generator().manual_seed(step))
    return [read_windows(shards, starts[list(rows)], CONTEXT) for rows in my_rows(BATCH, MICRO, rank, size)]


def next_token_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean surprise at the next token, in nats."""
    inputs, targets = batch
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


def training(link: Link, folder: str, vocabulary: int, steps: int) -> tuple[list[float], float]:
    """What each process does: make a model, join the others, train; the losses, and a checksum of the weights."""
    torch.manual_seed(link.rank)
    model = GPT(vocabulary, CONTEXT, width=48, heads=4, layers=2)
    parallel = DataParallel(model, link)
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    shards = open_shards(folder, "train")
    losses = [parallel.update(optimiser, batches_of(shards, step, link.rank, link.size), next_token_loss, clip=1.0)
              for step in range(steps)]
    return losses, sum(parameter.double().abs().sum().item() for parameter in model.parameters())


one, _ = training(alone(), FOLDER, VOCABULARY, STEPS)
print(f"first loss {one[0]:.4f} (log {VOCABULARY} = {math.log(VOCABULARY):.4f}), last {one[-1]:.4f}")

# %% [markdown]
# That was one process. Now four, each with a quarter of every batch:

# %%
four, checksums = zip(*in_processes(training, 4, FOLDER, VOCABULARY, STEPS), strict=True)
print(f"the four report the same losses: {all(curve == four[0] for curve in four)}; checksums of their weights: "
      f"{', '.join(f'{checksum:.8f}' for checksum in checksums)}")
print(f"largest difference between one process and four: {max(abs(a - b) for a, b in zip(one, four[0], strict=True)):.1e}")

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8))
plot_curves({"1 process": one}, xlabel="update", ylabel="loss (nats a token)", title=titled("One curve", text.source), ax=left)
left.plot(range(0, STEPS, 4), four[0][::4], "o", color=COLOURS["orange"], ms=5)
left.text(STEPS * 0.42, one[STEPS // 3] + 0.25, "dots: 4 processes", color=COLOURS["orange"], fontweight="bold", fontsize=11)
right.plot([1e6 * (b - a) for a, b in zip(one, four[0], strict=True)], color=COLOURS["blue"])
right.set(xlabel="update", ylabel="4 processes − 1 process (10⁻⁶ nats)", title="Apart by rounding only")
plt.show()

# %% [markdown]
# One curve, though not the same bits. The one process adds the four gradients in one order, the ring in another, which is rounded elsewhere. The four do not differ at all, because the ring gives them the same bits. That is worth guarding: if they ever differed, nothing would bring them together again.
#
# ## Three ways to spoil it
#
# In each of these nothing stops and the loss falls. All run with four threads that play processes:
#
# - **a sum instead of a mean**: the division by $p$ is forgotten;
# - **own starts**: nobody sends the initialisation round;
# - **the same rows**: every process takes the share of process 0.
#
# **Predict.** First with AdamW: which of the three can be told from the right curve by its training loss? Then the
# first one again, with SGD and momentum, at a rate that suits the right program. We ask about the first one.

# %% predict="sum_with_adamw"
commit("sum_with_adamw", ..., sure=...)

# %%
class Summing(DataParallel):
    """The division by the number of processes is forgotten."""

    def update(self, optimiser, batches: list, loss_of, clip: float | None) -> float:
        size = self.link.size
        return super().update(optimiser, batches, lambda model, batch: size * loss_of(model, batch), clip) / size


class OwnStart(DataParallel):
    """Nobody sends the initialisation round."""

    def __init__(self, model: nn.Module, link: Link) -> None:
        self.model, self.link = model, link


def validation(model: nn.Module) -> float:
    """The loss on 200 windows of the held-out part."""
    held_out = open_shards(FOLDER, "valid")
    starts = torch.linspace(0, len(held_out[0]) - CONTEXT - 1, 200).long()
    model.eval()
    with torch.no_grad():
        return next_token_loss(model, read_windows(held_out, starts, CONTEXT)).item()


def spoiled(kind: type, make_optimiser: Callable, same_rows: bool = False) -> tuple[list[float], list[float]]:
    """Losses of four threads that train with something missing, and what each model came to."""
    def one(link: Link) -> tuple[list[float], float]:
        model = start_model(link.rank)
        parallel, optimiser = kind(model, link), make_optimiser(model.parameters())
        rank = 0 if same_rows else link.rank
        losses = [parallel.update(optimiser, batches_of(shards, step, rank, 4), next_token_loss, clip=None) for step in range(SHORT)]
        return losses, validation(model)

    found = in_turns(one, 4, seconds=120.0)
    return found[0][0], [valid for _, valid in found]


def adam(parameters):
    return torch.optim.AdamW(parameters, 3e-3)


def sgd(parameters):
    return torch.optim.SGD(parameters, 0.06, momentum=0.9)


TRIALS = {
    "AdamW": {"right": (DataParallel, adam), "a sum": (Summing, adam), "own starts": (OwnStart, adam),
              "same rows": (DataParallel, adam, True)},
    "SGD": {"right": (DataParallel, sgd), "a sum": (Summing, sgd)},
}
smooth: dict[str, dict[str, tuple]] = {optimiser: {} for optimiser in TRIALS}


def try_out(optimiser: str, name: str) -> None:
    """Train in one of the ways, keep its curve, print what it came to."""
    losses, valid = spoiled(*TRIALS[optimiser][name])
    smooth[optimiser][name] = (np.arange(4, SHORT, 8), np.reshape(losses, (-1, 8)).mean(1))
    print(f"{optimiser}, {name:10}: training loss {np.mean(losses[-16:]):.3f}; validation loss in the four processes "
          f"{', '.join(f'{v:.3f}' for v in valid)}")


try_out("AdamW", "right")
try_out("AdamW", "a sum")

# %%
try_out("AdamW", "own starts")
try_out("AdamW", "same rows")

# %%
try_out("SGD", "right")
try_out("SGD", "a sum")

fig, axes = plt.subplots(1, 2, figsize=(11.5, 4), sharey=True)
for ax, (optimiser, curves) in zip(axes, smooth.items(), strict=True):
    plot_curves(curves, xlabel="update", ylabel="training loss (nats a token)", title=f"With {optimiser}", ax=ax)
plt.show()
gap = smooth["AdamW"]["a sum"][1][-2:].mean() - smooth["AdamW"]["right"][1][-2:].mean()
compared = "the same to 0.05 nats" if abs(gap) <= 0.05 else f"{'lower' if gap < 0 else 'higher'} by more than 0.05 nats"

# %% outcome="sum_with_adamw"
outcome("sum_with_adamw", compared)

# %% [markdown]
# With AdamW the sum is the curve of the mean, to the width of a line. Adam divides a gradient by its own recent size, so a factor of four cancels. Clipping would hide it as well, wherever the norm is above `clip`. With SGD the same slip is a learning rate four times larger. At first that looks like progress; then the loss stalls. So the program "works" until somebody changes the optimiser, or moves from four GPUs to eight. The remedy is the test of the last section, but
# with *SGD*: one process and four must give one curve. With AdamW, as it ran there, it lets this slip pass.
#
# With own starts, each process computes a gradient for its own weights, and all apply the average, which fits none. The four validation losses in its row differ: these are four models, and they never meet. The remedy: send the start round, and compare a checksum of the weights now and then.
#
# The same rows cost about as much as own starts: it is training with a batch of 4 in place of 16. Only the right curve shows it, or a look at the first tokens that each process reads.

# %% recall="spoilt"
recall("spoilt")

# %% [markdown]
# ## What torch does for you
#
# You have built what these do:
#
# - `DistributedDataParallel(model)` is your `DataParallel`. It starts the exchange of each bucket as soon as its last gradient is there. Under `no_sync()` it exchanges nothing, and the gradients add up.
# - `fully_shard(model)` (**FSDP2**, fully sharded data parallel) is stage 3 of the table. Each process gathers a block's weights when they are needed. The gradients are summed right into the process that keeps their part: the two halves of your ring, at different times.
# - **torchrun** starts the processes and tells each its rank.
#
# ## The real one
#
# The run `gpt2` trains the 124 million parameters on OpenWebText, in `multi-gpu` and `slurm` with nanoGPT's published settings. AdamW has a rate of $6 \cdot 10^{-4}$ with 2 000 steps of warm-up and a cosine down to a tenth, weight decay 0.1, clipping at 1. The reported loss is about 2.85; we take it for the loss on held-out text. `descent prepare gpt2` fetches OpenWebText beforehand (tens of gigabytes), encodes it and writes the shards.
#
# | profile | machine | what it does |
# |---|---|---|
# | `smoke` | any, two processes on the CPU | a tiny model on a made corpus, its weights shared out: does everything work here? |
# | `cpu` | two cores | a small model on Shakespeare in GPT-2's tokens, about a minute |
# | `gpu` | one GPU | 124M, as many tokens as one pass over OpenWebText: 18 400 updates, 700 of warm-up |
# | `multi-gpu` | eight GPUs of one machine, DDP | nanoGPT's 600 000 updates |
# | `slurm` | two machines with eight GPUs each, FSDP2 | the same, queued, continued when its hours are over |
# | `openai` | one GPU | trains nothing: evaluates OpenAI's own weights |
#
# The full run takes eight GPUs for days, and **we have not run it**. Below stands what we measured.
#
# `model="mine"` trains your `GPT` of rung 16. Without a profile, `run` takes the largest that this machine
# can carry.

# %% tags=["real-run"]
run("gpt2", model="mine")

# %%
recorded("gpt2")

# %% [markdown]
# Reading the report, look for three things. The loss curve starts at $\log 50\,257 = 10.8$; a first value far
# from that means a wrong start. The MFU in the log should be steady; when it sinks, something waits. And do the losses part? In `gpu` the text is read about once, in `multi-gpu` some thirty times.
#
# ## Go further
#
# No grader here.
#
# **Learn the merges.** Write the training of byte-pair encoding, and learn 1 000 merges from Shakespeare. How
# do the first hundred differ from GPT-2's?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The count of pairs by word, not over the whole text again after each merge. Bytes for each token of both, on a held-out act and on another text.
# :::
#
# **Overlap.** Cut the gradients into two buckets. Start the exchange of the first from a hook (`register_post_accumulate_grad_hook`) during the backward pass.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same curve as before. A time for each update with and without, over real processes, with its spread.
# :::
#
# **Stage 1.** Let each process keep Adam's state for a $p$-th of the parameters, update these, and hand
# the new weights round.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The first half of the ring is enough for the gradients, and the second for the weights. The memory of the state, measured.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up:

# %% write="ring_or_star"
write("ring_or_star", """
""")

# %% write="worse_on_eight"
write("worse_on_eight", """
""")

# %% write="fsdp_sends"
write("fsdp_sends", """
""")

# %% [markdown]
# This was the last rung: from one weight on a straight line to GPT-2 on several GPUs.
