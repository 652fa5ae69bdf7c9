# ---
# title: Sampling from a language model
# subtitle: From probabilities to text, judged by a chi-square test, and run at every evaluation
# part: ladder
# hours: 3
# needs: [ladder/11_word_mlp]
# teaches: [autoregressive sampling, temperature, greedy decoding, inverse transform sampling, chi-square test, false alarms, Gumbel-max, top-k, top-p, repetition, distinct-n, log-probability of a text, likelihood trap, evaluation without side effects]
# builds: temperature, the inverse CDF, a sampler, the chi-square test, top-k, top-p, their combination, windows, autoregressive generation, log-probability, distinct-n, the test evaluation, a training loop that writes
# number: a right sampler passes the chi-square test on a known distribution; a wrong one does not
# data: tiny Shakespeare
# run: null
# readings:
#   - {key: holtzman2020, where: "sections 1, 3 and 4: nucleus sampling, and why human text is not likely text", skip: "the human evaluation, once you have seen its table"}
#   - {key: fan2018, where: "the paragraph on generation in the experimental set-up, where top-k sampling enters in five lines", skip: "the fusion model"}
#   - {key: radford2019, where: "the samples in the appendix, with the k printed above them"}
#   - {key: shannon1951, where: "section 3, on the prediction of English: people as next-letter predictors, the other half of this page"}
# sections:
#   - {id: model, heading: "The model", for: "the trained network that the rest of the page draws from, and the failure that it has to repair", needs: [ladder/11#the_run]}
#   - {id: temperature, heading: "Temperature", for: "the first knob of every language model that writes, and of distillation", needs: [ladder/04#softmax]}
#   - {id: inverse_cdf, heading: "One uniform number, one word", for: "how any distribution over a list is drawn from, in code that others will check", needs: [temperature]}
#   - {id: sampler, heading: "A sampler", for: "generators that are handed over, without which no later run can be repeated", needs: [inverse_cdf]}
#   - {id: chi_square, heading: "Is it right? Chi-square", for: "testing code whose output is random, wherever it comes up again", needs: [sampler]}
#   - {id: wrong_sampler, heading: "Three samplers, one of them wrong", for: "the Gumbel-max trick, and how much evidence it takes to see a small fault", needs: [chi_square]}
#   - {id: false_alarms, heading: "What an honest alarm costs", for: "reading a p-value, and any claim that one model beats another by chance or not", needs: [wrong_sampler]}
#   - {id: top_k, heading: "Top-k: only the best few", for: "the cut with which GPT-2's published samples were drawn", needs: [temperature]}
#   - {id: top_p, heading: "Top-p: as many as it takes", for: "nucleus sampling, the usual cut in language models today", needs: [top_k]}
#   - {id: combined, heading: "All together, in order", for: "the settings that every text-writing service has, and what their order means", needs: [temperature, top_k, top_p]}
#   - {id: window, heading: "What the model may read", for: "contexts of limited length, which every transformer has too", needs: [ladder/11#windows]}
#   - {id: generation, heading: "Writing", for: "the loop with which the transformers of rungs 13, 16 and 17 write", needs: [combined, window, sampler, ladder/02#no_grad, ladder/07#evaluate]}
#   - {id: distinct, heading: "Repetition, measured", for: "a number for the commonest failure of generated text", needs: [generation]}
#   - {id: likelihood, heading: "How likely is a text?", for: "sums of log-probabilities, by which models are compared and answers are ranked", needs: [window, ladder/11#perplexity]}
#   - {id: likelihood_trap, heading: "The likelihood trap", for: "why language models draw their words and do not search for the likeliest text", needs: [distinct, likelihood]}
#   - {id: evaluation, heading: "Writing at every evaluation", for: "samples beside the loss in every later training run of a language model", needs: [generation, ladder/11#scoring]}
#   - {id: loop, heading: "The training loop, from a specification", for: "the loop with evaluations on the way that the transformer rungs start from", needs: [evaluation, ladder/11#training]}
#   - {id: trace, heading: "Did it leave a trace?", for: "runs that can be repeated to the last bit, whatever is measured on the way", needs: [loop]}
# recall:
#   - {id: temperature_meaning, section: temperature, transfer: false, q: "Where does the temperature go, and what do 0, 1 and ∞ mean?", a: "It divides the logits before the softmax. Towards 0 it is greedy, 1 is the model itself, towards ∞ every word is equally likely."}
#   - {id: two_uniforms, section: inverse_cdf, transfer: true, q: "Probabilities are $[0.3, 0, 0.6, 0.1]$. Which words, counted from 0, do $u = 0.3$ and $u = 0.95$ choose?", a: "Words 2 and 3: the first whose cumulative sum (0.3, 0.3, 0.9, 1) is greater than $u$."}
#   - {id: gumbel_max, section: wrong_sampler, transfer: false, q: "What is the Gumbel-max trick?", a: "The word with the largest $\\log p$ + Gumbel noise is a draw from $p$; no cumulative sum, no normalising."}
#   - {id: coin_statistic, section: chi_square, transfer: true, q: "A coin that should be fair shows 60 heads in 100 throws. What are the chi-square statistic and the degrees of freedom?", a: "$10^2/50 + 10^2/50 = 4$, with 1 degree of freedom."}
#   - {id: two_hundred_tests, section: false_alarms, transfer: true, q: "Two hundred chi-square tests at a threshold of 0.01 run every night, and all samplers are right. How many alarms come in a night?", a: "Two on average: the threshold is the rate of false alarms. For tests that must not cry wolf, take many draws and a tiny threshold."}
#   - {id: exactly_p, section: top_p, transfer: true, q: "Probabilities are $[\\frac12, \\frac14, \\frac18, \\frac18]$ and $p = 0.75$. What does top-p keep, with which probabilities?", a: "The first two, with $\\frac23$ and $\\frac13$: the word that brings the sum to exactly $p$ is the last one."}
#   - {id: greedy_circle, section: distinct, transfer: false, q: "Why does greedy text run in circles?", a: "The next word depends on the last $n$ words alone, and by a fixed rule. Once a window comes back, everything after it does."}
#   - {id: vanished_product, section: likelihood, transfer: true, q: "A program multiplies the probabilities of 500 words, each about $\\frac1{60}$, and reports 0. Why, and what should it do?", a: "$60^{-500} \\approx 10^{-889}$ is smaller than any floating-point number. Add up logarithms: $-500 \\ln 60 \\approx -2047$."}
#   - {id: likeliest_throws, section: likelihood_trap, transfer: true, q: "A coin shows heads with probability 0.6. What is its likeliest run of 100 throws, and is it typical?", a: "100 heads. Nobody will see that: it has probability $6.5 \\cdot 10^{-23}$, and a typical run has about 60 heads. Likely and typical are two things."}
#   - {id: leave_alone, section: evaluation, transfer: false, q: "What must an evaluation leave alone?", a: "The model's mode, the recording of gradients, and every stream of random numbers that training draws from."}
# predictions:
#   - {id: draws_to_accuse, ask: "With how many draws is the wrong noise's p-value below 0.001 for the first time?", choices: ["300", "3000", "30000", "300000"], because: "The wrong shares are off by three hundredths at most. Such differences drown in the chance of 300 draws and stand out clearly from that of 3 000."}
#   - {id: guilty_caught, ask: "Of a thousand people with the normal noise and 400 draws each, how many have a p-value below 0.05?", unit: "people", within: 150, because: "In 400 draws the fault adds about 8 to a statistic that chance alone brings to 6, with a wide spread. So about half of the guilty are caught."}
#   - {id: median_nucleus, ask: "How many of the 2 000 words does top-p with $p = 0.9$ keep, in the middle (the median) of the contexts?", unit: "words", factor: 2, because: "A small and uncertain model spreads its last third of probability over many words, so hundreds of them are needed to reach 0.9."}
#   - {id: greedy_perplexity, ask: "What perplexity does the model give to its own greedy text?", factor: 2, because: "At every word greedy takes the likeliest one, and in a circle the same sure words come again. The worst text is the one the model likes best."}
#   - {id: first_difference, ask: "From which step on do the losses of the careless run differ from those of the run without evaluations? (0 if they never do)", within: 0, because: "The loop evaluates once before the first step. The stream has moved before the first order is drawn, so every batch is another one."}
# written:
#   - {id: fifty_draws, ask: "A friend tests a sampler with 50 draws and gets $p = 0.6$. \"So it is right.\" What do you answer? And to another one who ran 40 tests and shows you the one with $p = 0.02$?", rubric: ["fifty draws could not have told a slightly wrong sampler from a right one", "a large p-value is no proof, only a lack of evidence", "asks which wrong sampler that number of draws could have caught", "of forty right samplers two are expected below 0.05"], answer: "Fifty draws could not have told. A large p-value is no proof, only a lack of evidence; say which wrong sampler you could have caught with that number of draws. Of forty right samplers two are expected below 0.05."}
#   - {id: order_of_cuts, ask: "Why does the order of temperature and top-p matter, and what happens to the nucleus at temperature 2?", rubric: ["temperature changes the masses that top-p adds up", "hot, the mass is spread over many words, so more are needed to reach $p$", "the nucleus fills with what it was meant to keep out"], answer: "Temperature changes the masses that top-p adds up. Hot, the mass is spread over many words, so that far more of them are needed to reach $p$. The nucleus is then full of what it was meant to keep out."}
#   - {id: is_it_broken, ask: "Two hundred greedy words have a log-probability of −400 under the model, and two hundred of Shakespeare −840. Is the model broken?", rubric: ["says no", "likely and typical are two things", "a text of only the likeliest words is likelier than any real one", "gives a comparison, such as a biased coin that never shows all heads"], answer: "No. Likely and typical are two things: a text of only the likeliest words is likelier than any real one. Of a thousand throws of a coin that favours heads, all heads is the likeliest run, and nobody has ever seen it."}
# ---

# %% [markdown]
# # Sampling from a language model
#
# Take the network of [rung 11](11_word_mlp.ipynb), give it three words, and let it write on by always taking the word that it finds
# most probable. Within a hundred words it is walking in a circle, and it will say the same line until you stop it. Every word
# was the best choice. You will produce that in a minute, measure it, and repair it.
#
# The repair is to *draw* words at random, which raises two questions. From which probabilities should we draw? And how do you
# know that your drawing is right, when a wrong sampler writes text that looks no worse? Temperature, top-k and top-p answer the
# first question. A test answers the second: it accuses wrong samplers and, at a rate that you choose, innocent ones too.
#
# **You need** [rung 11](11_word_mlp.ipynb), whose model we use. **You will have** a sampler that you can trust, and a
# training loop that prints a sample at every test evaluation: the first thing that anybody who trains a language model looks at. **It takes** about three hours.

# %% tags=["setup"]
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.ticker import NullFormatter, ScalarFormatter
from scipy.stats import chi2
from torch import Tensor, nn

from descent import chapter, check, commit, hint, mine, outcome, progress, recall, write
from descent.data import shakespeare
from descent.figures import COLOURS, plot_curves, sampling_figure, titled, use_style

chapter("ladder/12_sampling")
use_style()

# %% [markdown]
# ## The model
#
# Everything in the next two cells is rung 11: tokens, a vocabulary from the training part, windows of three words, `score` and
# `perplexity`, and Bengio's network. If your `WordModel` passes its check there, yours is used.

# %%
SIZE, CONTEXT = 2000, 3  # words in the vocabulary, words that the model reads
UNKNOWN = 0  # the number of <unk>

text, SOURCE = shakespeare()
tokens = re.findall(r"\w+|[^\w\s]", text.lower())
first, second = len(tokens) * 8 // 10, len(tokens) * 9 // 10
counts = Counter(tokens[:first])
words = ["<unk>", *sorted(counts, key=lambda word: (-counts[word], word))[: SIZE - 1]]
SIZE = len(words)
vocabulary = {word: number for number, word in enumerate(words)}
all_ids = torch.tensor([vocabulary.get(token, UNKNOWN) for token in tokens])
train_ids, test_ids = all_ids[:first], all_ids[second:]  # validation, in between, has no part here


def windows(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Contexts of n tokens, and the token after each."""
    starts = torch.arange(max(len(ids) - n, 0))
    return ids[starts[:, None] + torch.arange(n)], ids[n:]


def perplexity(log_probabilities: Tensor) -> float:
    """Return exp(−mean) of the log-probabilities of the words that came."""
    return torch.exp(-log_probabilities.mean()).item()


def score(model: nn.Module, contexts: Tensor, targets: Tensor, batch_size: int = 1000) -> Tensor:
    """The log-probability of each target after its context; the model's mode is left as it was."""
    was_training = model.training
    model.eval()
    batches = zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
    with torch.no_grad():
        pieces = [-F.cross_entropy(model(x), y, reduction="none") for x, y in batches]
    model.train(was_training)
    return torch.cat(pieces)


class WordNetwork(nn.Module):
    """Bengio's language model of rung 11: contexts (b, n) → logits (b, V)."""

    def __init__(self, size: int, context: int, width: int = 64, hidden: int = 128) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, width)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.hidden = nn.Linear(context * width, hidden)
        self.output = nn.Linear(hidden, size)

    def forward(self, contexts: Tensor) -> Tensor:
        return self.output(torch.tanh(self.hidden(self.embedding(contexts).flatten(1))))


def written(ids: Sequence[int] | Tensor) -> str:
    """Ids as text, marks without the space before them."""
    return re.sub(r" (?=[^\w\s<])", "", " ".join(words[int(i)] for i in ids))


# %%
WordModel = mine("ladder/11", "WordModel", otherwise=WordNetwork)
Adam = mine("ladder/08", "Adam", otherwise=torch.optim.Adam)

train_set, test_set = windows(train_ids, CONTEXT), windows(test_ids, CONTEXT)
torch.manual_seed(0)
model = WordModel(SIZE, CONTEXT)
optimiser = Adam(model.parameters(), lr=3e-3)
shuffler = torch.Generator().manual_seed(0)
began = time.perf_counter()
for _ in range(2):
    for batch in torch.randperm(len(train_set[1]), generator=shuffler).split(512):
        loss = F.cross_entropy(model(train_set[0][batch]), train_set[1][batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
model.eval()
test_perplexity = perplexity(score(model, *test_set))
print(f"data: {SOURCE}; two passes in {time.perf_counter() - began:.0f} s")
print(f"test perplexity {test_perplexity:.1f}")

# %% [markdown]
# Now the walk in a circle. The prompt is three words from the test part; then always the most probable word, `<unk>` excepted.

# %%
sentence_ends = [i for i in range(len(test_ids) - 40) if words[test_ids[i]] == "."]
starts = [i + 1 for i in sentence_ends if (test_ids[i + 1 : i + 14] != UNKNOWN).all()]
starts = starts or [i + 1 for i in sentence_ends]
PROMPT = test_ids[starts[0] : starts[0] + CONTEXT]

greedy = PROMPT.tolist()
with torch.no_grad():
    for _ in range(120):
        logits = model(torch.tensor([greedy[-CONTEXT:]]))[0]
        logits[UNKNOWN] = -math.inf
        greedy.append(logits.argmax().item())
print(written(greedy))

# %% [markdown]
# It had to happen. The next word depends on the last three alone, by a fixed rule, and there are only so many triples. Once a
# triple comes back, all that followed it comes back. What is surprising is how *soon*. Remember the circle: later you will see what the model thinks of it.
#
# ## Temperature
#
# The network gives logits $z$, shape $(V,)$, and $p = \operatorname{softmax}(z)$. Divide the logits by a **temperature** $T$ first:
#
# $$ p_i = \frac{e^{z_i/T}}{\sum_j e^{z_j/T}}. $$
#
# At $T = 1$ this is the model. Below 1 the differences grow, and the likely words become likelier; towards 0 everything goes to the largest
# logit, which is called **greedy**. Above 1 the differences shrink; towards infinity all words are equally likely.
#
# By hand: logits $[\log 4, \log 2, \log 2]$ have the probabilities $\frac48, \frac28, \frac28$. With $T = \frac12$ the logits double, which
# squares 4, 2, 2 into $16, 4, 4$: probabilities $\frac23, \frac16, \frac16$. Dividing the *probabilities* by $T$ would do nothing, since
# normalising takes it out again.
#
# At $T = 0$ itself the formula divides by zero, so greedy is a case of its own: the largest logit gets probability 1, and among
# equally large ones the first does.
#
# Two practical points. A logit of $-\infty$ is how one forbids a word: its probability is 0 at any temperature. And $e^{z/T}$ overflows
# for large logits; `torch.softmax` subtracts the largest one first, which changes nothing in the formula.

# %% exercise="softmax_with_temperature"
def softmax_with_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Turn logits into probabilities, sharpened or flattened.

    Parameters
    ----------
    logits : shape (V,), V at least 1, up to thousands in size. Some may be −infinity, never all.
    temperature : 0, or at least 0.01. With 0 the largest logit has probability 1 and all others 0;
        of several equally large ones it is the first.

    Returns
    -------
    probabilities, shape (V,), floating point; they add up to 1
    """
    ### BEGIN SOLUTION
    if temperature == 0:
        return F.one_hot(logits.argmax(), len(logits)).to(logits.dtype)
    return torch.softmax(logits / temperature, dim=0)
    ### END SOLUTION


# %% check="softmax_with_temperature"
check(softmax_with_temperature)

# %% [markdown]
# ## One uniform number, one word
#
# A computer's generator gives numbers $u$, uniform in $[0, 1)$. How does one of them choose among words with given probabilities? Lay the
# probabilities end to end on a line of length 1, and see in which piece $u$ falls. That is the **inverse CDF** method (the cumulative
# sums are the *cumulative distribution function*). For $p = [0.2, 0, 0.5, 0.3]$:
#
# | word | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | piece | $[0, 0.2)$ | nothing | $[0.2, 0.7)$ | $[0.7, 1)$ |
#
# So $u = 0.19$ gives word 0, $u = 0.2$ gives word 2, $u = 0.7$ gives word 3. In one sentence: **the first word whose cumulative
# sum is greater than $u$.** "Greater", not "at least": $u$ can be 0 and cannot be 1, and with "at least" $u = 0.2$ would still be word 0, and $u = 0$
# would draw a first word of probability 0.
#
# There is one trap left, and it springs rarely. Ten probabilities of 0.1 add up to 0.9999999999999999 in floating point, and a $u$ that is not below this
# sum falls off the end of the line. In `float32`, in which our network computes, the missing piece is about $10^{-7}$ long, so that it costs about one draw in
# ten million. Such a $u$ belongs to the last word that has any probability.

# %% exercise="inverse_cdf"
def inverse_cdf(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Turn uniform numbers into words.

    Parameters
    ----------
    probabilities : shape (V,), each 0 or more; they add up to 1 but for rounding
    uniform : shape (m,), m at least 1, each from 0 up to but not including 1

    Returns
    -------
    int64, shape (m,): for each u the first word whose cumulative sum p₀ + … + pᵢ is greater than u.
        Where rounding leaves none, the last word with a probability above 0. So a word of
        probability 0 is never drawn.
    """
    ### BEGIN SOLUTION
    cumulative = probabilities.double().cumsum(0)
    drawn = torch.searchsorted(cumulative, uniform.double(), right=True)
    return drawn.clamp(max=int(probabilities.nonzero().max()))
    ### END SOLUTION


# %% check="inverse_cdf"
check(inverse_cdf)

# %% recall="inverse_cdf"
recall("inverse_cdf")

# %% [markdown]
# ## A sampler
#
# All randomness on this page comes from a **generator** that is handed over: an object with its own stream of random numbers.
# `torch.rand(n, generator=generator)` takes $n$ uniform numbers from it. Without the `generator=` they come from torch's *global* stream, which
# everybody shares; then nobody can repeat anything. (This will matter at the end of the page, when sampling happens in the middle of training.)

# %% exercise="sample"
def sample(probabilities: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw words, each independently of the others.

    Parameters
    ----------
    probabilities : shape (V,), each 0 or more; they add up to 1 but for rounding
    count : how many to draw, at least 1
    generator : the source of all randomness

    Returns
    -------
    int64, shape (count,), the words drawn
    """
    ### BEGIN SOLUTION
    uniform = torch.rand(count, generator=generator, dtype=torch.float64)
    return inverse_cdf(probabilities, uniform)
    ### END SOLUTION


# %% check="sample"
check(sample)

# %% [markdown]
# ## Is it right? Chi-square
#
# The check above judged your sampler without knowing how it works. It counted. Suppose that 100 draws from $p = [\frac14, \frac12, \frac14]$ gave the counts
# 30, 50, 20. Expected are 25, 50, 25. Is that off by more than chance? The **chi-square statistic** adds up squared
# misses, each in units of what it should be:
#
# $$ X = \sum_i \frac{(\text{observed}_i - \text{expected}_i)^2}{\text{expected}_i}, \qquad \text{expected}_i = n\, p_i. $$
#
# Here $X = \frac{25}{25} + 0 + \frac{25}{25} = 2$. Why divide by the expected count? A count with a small probability behind it has a variance about equal to
# its mean, so each term is about the square of a standard normal number. The counts must add up to $n$, so one of them is not free:
# with $V$ possible words there are $V - 1$ **degrees of freedom**, and that is how large $X$ is on average when the sampler is right.
#
# The **p-value** is the chance that a *right* sampler scores $X$ or more. It is the upper tail of the chi-square distribution, in scipy `chi2.sf(X, degrees)`. For 2 degrees of freedom it is
# $e^{-X/2}$, so our example has $e^{-1} = 0.37$: nothing to see. A tiny p-value says: either something very rare has happened, or the
# sampler is wrong.
#
# Words of probability 0 take no part in the sum, since there is nothing to divide by, and they have no degree of freedom. If such a word *was* drawn, no
# arithmetic is needed: the statistic is infinite and the p-value 0. Otherwise, if only one word is possible, nothing can be tested: the statistic is 0 and the p-value 1. So
# counts $[3, 1]$ against $[1, 0]$ have an infinite statistic.

# %% exercise="chi_square"
def chi_square(counts: Tensor, probabilities: Tensor) -> tuple[float, float]:
    """Compare counts with the probabilities they should come from.

    Parameters
    ----------
    counts : int64, shape (V,), how often each word was drawn; at least one draw in all
    probabilities : shape (V,), each 0 or more, adding up to 1 but for rounding

    Returns
    -------
    statistic : Σ (observed − expected)² / expected over the words with a probability above 0
    p_value : the probability of at least this statistic from a right sampler: the chi-square
        distribution's upper tail, with one degree of freedom fewer than such words.
        If a word of probability 0 was drawn, statistic infinity and p_value 0. Otherwise, if
        only one word is possible, statistic 0 and p_value 1.
    """
    ### BEGIN SOLUTION
    possible = probabilities > 0
    if counts[~possible].sum() > 0:
        return math.inf, 0.0
    expected = counts.sum() * probabilities[possible]
    statistic = ((counts[possible] - expected) ** 2 / expected).sum().item()
    degrees = len(expected) - 1
    return statistic, float(chi2.sf(statistic, degrees)) if degrees > 0 else 1.0
    ### END SOLUTION


# %% check="chi_square"
check(chi_square)

# %% [markdown]
# ## Three samplers, one of them wrong
#
# Two more ways to draw a word. Both add noise to the log-probabilities and take the largest, one noise for each word. In the first the noise is
# **Gumbel**, $-\log(-\log u)$. In the second it is normal, with the Gumbel's standard deviation, $\pi/\sqrt6$. One of the two draws exactly from $p$.

# %%
KNOWN = torch.tensor([0.36, 0.22, 0.16, 0.11, 0.08, 0.05, 0.02], dtype=torch.float64)


def gumbel_noise(p: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The largest log p + Gumbel noise, `count` times."""
    u = torch.rand(count, len(p), generator=generator, dtype=torch.float64)
    return (p.log() - (-u.log()).log()).argmax(1)


def normal_noise(p: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The largest log p + normal noise, `count` times."""
    noise = torch.randn(count, len(p), generator=generator, dtype=torch.float64)
    return (p.log() + math.pi / math.sqrt(6) * noise).argmax(1)


samplers = {"inverse CDF": sample, "Gumbel noise": gumbel_noise, "normal noise": normal_noise}


def counts_of(sampler: Callable, n: int, seed: int) -> Tensor:
    """How often each of the seven words was drawn in n draws."""
    drawn = sampler(KNOWN, n, torch.Generator().manual_seed(seed))
    return torch.bincount(drawn, minlength=len(KNOWN))


fig, axes = plt.subplots(1, 3, figsize=(9, 2.9), sharey=True)
for ax, (name, sampler) in zip(axes, samplers.items(), strict=True):
    ax.bar(range(7), counts_of(sampler, 300, seed=0) / 300, color=COLOURS["sky"])
    ax.hlines(KNOWN, np.arange(7) - 0.45, np.arange(7) + 0.45, color=COLOURS["red"])
    ax.set(xlabel="word", title=name)
    ax.grid(visible=False, axis="x")
axes[0].set_ylabel("share of 300 draws")
plt.show()

# %% [markdown]
# Bars: what was drawn. Red: what should have been.
#
# By eye, which noise is wrong?
#
# **Predict.** Your test gets 300 draws of each, then ten, a hundred and a thousand times as many. How many will it need to be sure?

# %% predict="draws_to_accuse"
commit("draws_to_accuse", ..., sure=...)

# %%
enough = []  # numbers of draws with which one sampler is accused
print(f"{'p-values':>16} " + "".join(f"{name:>15}" for name in samplers))
for n in (300, 3_000, 30_000, 300_000):
    row = [chi_square(counts_of(sampler, n, seed=0), KNOWN)[1] for sampler in samplers.values()]
    print(f"{n:>10,} draws " + "".join(f"{p:>15.2g}" for p in row))
    if min(row) < 0.001:
        enough.append(n)

# %% outcome="draws_to_accuse"
outcome("draws_to_accuse", str(enough[0]))

# %% [markdown]
# The normal noise is wrong. Three hundred draws cannot tell, to the eye or to the test, and no text written with it would look odd. With
# enough draws there is no doubt, while both right samplers stay unremarkable however many you take. That is the **Gumbel-max trick**: another road to the same distribution. It needs
# no cumulative sum and no normalising, and you will meet it where a whole batch draws at once.
#
# :::{admonition} Why Gumbel noise works
# :class: dropdown
# Take a race in which word $i$ finishes after a waiting time $E_i / p_i$, with $E_i = -\log u_i$ exponential. The chance that $i$ is first is its share of the rates,
# $p_i / \sum_j p_j$. The winner has the *smallest* $E_i / p_i$, so the largest $-\log(E_i/p_i) = \log p_i - \log(-\log u_i)$.
# :::
#
# ## What an honest alarm costs
#
# A thousand people, each with the *right* sampler and 400 draws, run your test and raise an alarm when the p-value is below
# 0.05. How many alarms should there be?
#
# **Predict.** A second thousand have the normal noise, and 400 draws each. How many of them are caught?

# %% predict="guilty_caught"
commit("guilty_caught", ..., sure=...)

# %%
p_values = {}
for name in ("inverse CDF", "normal noise"):
    repeats = [counts_of(samplers[name], 400, seed) for seed in range(1_000)]
    p_values[name] = np.array([chi_square(counts, KNOWN)[1] for counts in repeats])
    print(f"{name:>12}: " + ", ".join(f"{np.sum(p_values[name] < level):4} below {level}"
                                      for level in (0.05, 0.001, 1e-9)))

fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.1), sharey=True)
for ax, (name, values) in zip(axes, p_values.items(), strict=True):
    ax.hist(values, bins=np.linspace(0, 1, 21), color=COLOURS["blue"])
    ax.axvline(0.05, color=COLOURS["red"], linestyle="--")
    ax.set(xlabel="p-value", title=name)
axes[0].set_ylabel("people, of 1 000")
plt.show()
guilty_caught = int(np.sum(p_values["normal noise"] < 0.05))

# %% outcome="guilty_caught"
outcome("guilty_caught", guilty_caught)

# %% [markdown]
# With a right sampler p-values are spread evenly, so about one in twenty is below 0.05: **the threshold is the rate of false
# alarms**, no more and no less. With the wrong sampler small p-values are far more frequent, and still about half of the guilty walk
# free. Lower the threshold, and you accuse fewer of the innocent; but then more of the guilty walk free.
#
# Both errors shrink together in one way only, with more draws. So the check of your `sample` used many draws, where a wrong sampler's p-value is smaller than any number worth naming, and
# a threshold of $10^{-10}$, where the innocent are safe. And mind the small print: the chi-square distribution is an approximation, good when every expected count is at least about 5. With 2 000 words, pool the rare ones into one.

# %% recall="false_alarms"
recall("false_alarms")

# %% [markdown]
# ## Top-k: only the best few
#
# At $T = 1$ the model's own text is incoherent, as you will see below, and the tail is to blame. Two thousand words with a tiny probability each have a large one together, so that every few words one of
# them comes, and the text never recovers. {cite:t}`fan2018` cut it off: keep the $k$ most probable words, give the others probability 0, and
# **divide by what is left**, so that it adds up to 1 again.
#
# With $p = [0.1, 0.4, 0.2, 0.2, 0.1]$ and $k = 2$: word 1 stays, and one of words 2 and 3, which tie. On this page
# **exactly** $k$ words stay, and among equals the lower number goes first: $[0, \frac23, \frac13, 0, 0]$. `torch.topk` makes no promise about ties; a sort with
# `stable=True` does. Mind that a sort puts the words in another order, and the answer must be in the old one.

# %% exercise="top_k"
def top_k(probabilities: Tensor, k: int) -> Tensor:
    """Keep the k most probable words and share their probabilities out anew.

    Parameters
    ----------
    probabilities : shape (V,), each 0 or more, adding up to 1. It must not be changed.
    k : how many words stay, at least 1; with V or more all of them do

    Returns
    -------
    probabilities, shape (V,), in the same order of words, adding up to 1. Exactly k words are kept
        (words of probability 0 may be among them); among equally probable ones those with lower
        numbers go first. All others are 0.
    """
    ### BEGIN SOLUTION
    best = probabilities.argsort(descending=True, stable=True)[:k]
    kept = torch.zeros_like(probabilities)
    kept[best] = probabilities[best]
    return kept / kept.sum()
    ### END SOLUTION


# %% check="top_k"
check(top_k)

# %% [markdown]
# ## Top-p: as many as it takes
#
# One $k$ does not fit all. After *I pray* nearly everything is on two or three words, and $k = 40$ lets in thirty-seven bad ones. After *the*
# hundreds of nouns are possible, and $k = 40$ forbids most of them. {cite:t}`holtzman2020` keep a fixed *mass* instead: the most probable words, **as few as reach
# $p$ together**. This is **top-p**, or nucleus sampling.
#
# With $[\frac12, \frac14, \frac18, \frac18]$ and $p = 0.6$: the first word has $\frac12$, not enough; the second brings it to $\frac34$, enough. Two words stay, with
# $\frac23, \frac13$. The word that crosses $p$ is kept. Put differently, a word stays if the words *before* it, in falling order, have not reached $p$ yet. From this
# rule most edge cases follow. The word that brings the sum to *exactly* $p$ is the last one. Equally probable words are taken in the order of their numbers, as in
# top-k. Two edges need a line of their own in the code. The best word always stays, although at $p = 0$ the nothing before it has reached $p$ already; so $p = 0$ is
# greedy. And at $p = 1$ everything stays, although rounding may let the sum reach 1 early.

# %% exercise="top_p"
def top_p(probabilities: Tensor, p: float) -> Tensor:
    """Keep the fewest most probable words that reach the mass p, and share out anew.

    Parameters
    ----------
    probabilities : shape (V,), each 0 or more, adding up to 1 but for rounding. It must not be
        changed.
    p : from 0 to 1. The word that brings the sum to p or above it is the last one kept. With 0
        only the most probable word is; with 1 every word is, also one so improbable that rounding
        hides it.

    Returns
    -------
    probabilities, shape (V,), in the same order of words, adding up to 1. Among equally probable
        words those with lower numbers go first. Words that are not kept are 0.
    """
    ### BEGIN SOLUTION
    order = probabilities.argsort(descending=True, stable=True)
    reached = probabilities[order].cumsum(0)
    count = len(order) if p == 1 else 1 + int((reached[:-1] < p).sum())
    kept = torch.zeros_like(probabilities)
    kept[order[:count]] = probabilities[order[:count]]
    return kept / kept.sum()
    ### END SOLUTION


# %% check="top_p"
check(top_p)

# %% [markdown]
# **Predict.** A thousand contexts from the test part, $p = 0.9$. The number of words kept differs from context to context. How many of the 2 000 is it
# in the middle?

# %% predict="median_nucleus"
commit("median_nucleus", ..., sure=...)

# %%
sampled = torch.arange(0, len(test_set[1]), max(1, len(test_set[1]) // 1000))
with torch.no_grad():
    own = model(test_set[0][sampled]).softmax(1)
nucleus = np.array([int((top_p(row, 0.9) > 0).sum()) for row in own])
low, middle, high = np.percentile(nucleus, [0, 50, 100]).astype(int)
print(f"words kept by p = 0.9: {low} to {high}, median {middle}, of {SIZE}")
mass = np.array([row.topk(40).values.sum().item() for row in own])
print(f"mass kept by k = 40: {mass.min():.0%} to {mass.max():.0%}, median {np.median(mass):.0%}")

fig, ax = plt.subplots(figsize=(7, 3.2))
ax.hist(nucleus, bins=np.geomspace(1, SIZE, 30), color=COLOURS["blue"])
ax.axvline(40, color=COLOURS["red"], linestyle="--")
ax.text(36, ax.get_ylim()[1] * 0.9, "k = 40", color=COLOURS["red"], ha="right")
ax.set(xscale="log", xlabel="words kept by top-p with p = 0.9", ylabel="contexts",
       title=titled("How many words top-p keeps, context by context", SOURCE))
ax.xaxis.set_major_formatter(ScalarFormatter())
plt.show()

# %% outcome="median_nucleus"
outcome("median_nucleus", int(middle))

# %% [markdown]
# Some contexts leave a handful of words, others many hundreds, and no single $k$ serves both. (Ours is a small and
# uncertain model. For a large one the nucleus is far smaller, and a $k$ of 40, as in {cite:t}`radford2019`, is less wrong.)

# %% recall="top_p"
recall("top_p")

# %% [markdown]
# ## All together, in order
#
# In which order? Temperature changes how much mass the best words have, so it matters whether top-p comes before or after it. The usual order,
# and ours: **banned words out, temperature, top-k, top-p.** Each works on what the one before it left, after it was made to add up to 1 again. A *banned* word is one that must never come; for us
# `<unk>`, which no reader wants to see. Its logit becomes $-\infty$. (A logit of 0 is no ban: $e^0 = 1$. Nor is one of $-100$, where logits go into the thousands.)

# %% exercise="next_word_probabilities"
def next_word_probabilities(
    logits: Tensor,
    temperature: float = 1.0,
    k: int | None = None,
    p: float = 1.0,
    banned: Sequence[int] = (),
) -> Tensor:
    """The probabilities that the next word is drawn from.

    Parameters
    ----------
    logits : shape (V,). It must not be changed.
    temperature, k, p : as in softmax_with_temperature, top_k and top_p; k = None means no top-k
    banned : numbers of words that must not come; there may be none, and never all

    Returns
    -------
    probabilities, shape (V,), adding up to 1: the banned words out first, then the temperature,
        then top-k, then top-p, each applied to what the one before it left
    """
    ### BEGIN SOLUTION
    allowed = logits.clone()
    allowed[list(banned)] = -math.inf
    probabilities = softmax_with_temperature(allowed, temperature)
    if k is not None:
        probabilities = top_k(probabilities, k)
    return top_p(probabilities, p)
    ### END SOLUTION


# %% check="next_word_probabilities"
check(next_word_probabilities)

# %% [markdown]
# Here is all of it in your hands, on real next-word distributions of our model. Choose a context, move the three sliders, draw. Outlines are the model's own probabilities; what
# is filled is what you would draw from.

# %%
def plain(place: int) -> bool:
    """Whether a window of the test part holds three whole words, and a known one follows."""
    read = [words[i] for i in test_set[0][place]]
    whole = all(word.isalpha() and (len(word) > 1 or word in "aio") for word in read)
    known = int(test_set[1][place]) != UNKNOWN
    return whole and known and words[test_ids[place - 1]] != "'"


uncertainty = -(own * own.log()).sum(1)  # the entropy, in nats
ranked = [int(sampled[i]) for i in uncertainty.argsort() if plain(sampled[i])]
places = [ranked[int(share * (len(ranked) - 1))] for share in (0.0, 0.15, 0.4, 0.6, 0.8, 1.0)]
with torch.no_grad():
    shown_logits = torch.stack([model(test_set[0][i][None])[0] for i in places])
sampling_figure(words, shown_logits, [written(test_set[0][i]) for i in places], start=2)

# %% [markdown]
# Three things to try. Find a context and a $p$ at which one step of the slider doubles the words kept. Turn the temperature up to 2 with $p = 0.9$, and see
# how large the nucleus becomes: temperature comes first, so it fills the nucleus with nonsense. Draw a hundred words, then a thousand, and watch the
# counts settle on the filled bars and not on the outlines.
#
# ## What the model may read
#
# The model reads exactly $n$ words. A text being written has fewer at the start and more later. So: the **last** $n$, and where there are fewer, `<unk>` in front. (The model of
# [rung 13](13_causal_transformer.ipynb) can read fewer than $n$, so there is a way to say "do not fill up".)

# %% exercise="last_window"
def last_window(ids: Tensor, n: int, pad: int | None) -> Tensor:
    """What a model reads of a text: its last n words.

    Parameters
    ----------
    ids : int64, shape (L,), the text so far, first word first; L may be 0
    n : the most words the model reads, at least 1
    pad : the number that fills up a shorter text, in front; None leaves it short

    Returns
    -------
    int64, shape (n,): the last n words in their order, after as many `pad` as are missing. With
        pad = None shape (min(L, n),)
    """
    ### BEGIN SOLUTION
    window = ids[-n:]
    if pad is None:
        return window
    return F.pad(window, (n - len(window), 0), value=pad)
    ### END SOLUTION


# %% check="last_window"
check(last_window)

# %% [markdown]
# ## Writing
#
# **Autoregressive** sampling: ask for the next word, append it, ask again. Each word becomes part of the context of the next. Nothing in it needs a gradient,
# and layers such as dropout must be at rest, as in any evaluation. Three small cases are easily missed: a stop word has a number, and that number may be 0; a stop
# word in the *prompt* stops nothing; and a text of length 0 is an empty tensor, still of int64.

# %% exercise="generate"
def generate(
    model: nn.Module,
    prompt: Tensor,
    length: int,
    generator: torch.Generator,
    context: int,
    pad: int | None = 0,
    stop: int | None = None,
    **settings,
) -> Tensor:
    """Let a model write on, word by word.

    Parameters
    ----------
    model : maps contexts, int64 (1, n), to logits (1, V). It is run in evaluation mode and without
        recording for `backward`. Afterwards it is in the mode in which it came, and recording is
        on or off as it was before.
    prompt : int64, shape (L,), the text to go on from; L may be 0 where pad is a number
    length : the most words to write, 0 or more
    generator : the source of all randomness
    context, pad : the model reads last_window(text so far, context, pad)
    stop : a word after which writing ends, or None
    settings : temperature, k, p, banned of next_word_probabilities

    Returns
    -------
    int64, shape (m,), m ≤ length: the new words without the prompt; `stop`, if it came, is the last
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    ids = prompt
    with torch.no_grad():
        for _ in range(length):
            logits = model(last_window(ids, context, pad)[None])[0]
            word = sample(next_word_probabilities(logits, **settings), 1, generator)
            ids = torch.cat([ids, word])
            if word.item() == stop:
                break
    model.train(was_training)
    return ids[len(prompt) :]
    ### END SOLUTION


# %% check="generate"
check(generate)

# %%
styles = {
    "greedy": {"temperature": 0.0},
    "temperature 0.5": {"temperature": 0.5},
    "the model itself": {},
    "temperature 1.5": {"temperature": 1.5},
    "top-k, k = 40": {"k": 40},
    "top-p, p = 0.8": {"p": 0.8},
}
for name, style in styles.items():
    generator = torch.Generator().manual_seed(1)
    new = generate(model, PROMPT, 50, generator, CONTEXT, banned=[UNKNOWN], **style)
    print(f"— {name}:\n{written(PROMPT)} | {written(new)}\n")

# %% [markdown]
# Nobody would take any of them for Shakespeare: three words of context hold no plot. But they fail differently. Greedy runs in its circle, a low
# temperature keeps to the ruts, and a high one is a bag of words. Let us put numbers on both failures.
#
# ## Repetition, measured
#
# **Distinct-n** is the number of *different* runs of $n$ words, divided by the number of all of them. In `a b a b a` there are four pairs, `ab ba ab ba`, two of
# them different: distinct-2 is 0.5. A text that never repeats itself has 1.

# %% exercise="distinct"
def distinct(ids: Tensor, n: int) -> float:
    """Which part of a text's runs of n words are different ones.

    Parameters
    ----------
    ids : int64, shape (L,)
    n : words in a run, at least 1. Runs overlap: there are L − n + 1 of them.

    Returns
    -------
    different runs / all runs, a number above 0 and at most 1; for a text without any run (L < n)
        it is 1
    """
    ### BEGIN SOLUTION
    runs = [tuple(ids[i : i + n].tolist()) for i in range(len(ids) - n + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0
    ### END SOLUTION


# %% check="distinct"
check(distinct)

# %%
def circle(ids: list[int], n: int) -> tuple[int, int] | None:
    """Where the last n words are for the first time ones that came before, and how long ago."""
    seen: dict[tuple[int, ...], int] = {}
    for end in range(n, len(ids) + 1):
        window = tuple(ids[end - n : end])
        if window in seen:
            return end, end - seen[window]
        seen[window] = end
    return None


prompts = [test_ids[i : i + CONTEXT] for i in starts[:30]]
anything = torch.Generator()
found = []
for prompt in prompts:
    new = generate(model, prompt, 150, anything, CONTEXT, banned=[UNKNOWN], temperature=0.0)
    found.append(circle(prompt.tolist() + new.tolist(), CONTEXT))
lengths = Counter(period for _, period in filter(None, found))
print(f"{sum(f is not None for f in found)} of {len(found)} greedy texts run in a circle;")
print(f"it closes after {min(e for e, _ in filter(None, found))} to "
      f"{max(e for e, _ in filter(None, found))} words; "
      f"its length, and how often: {dict(sorted(lengths.items()))}")

# %% [markdown]
# Thirty beginnings, and every one ends in a circle of thirteen words. Are they the same circle? Print the last thirteen words of a few.
#
# ## How likely is a text?
#
# The chain rule of probability: a text's probability is the product of each word's, given what came before. So its logarithm is a **sum**:
#
# $$ \log P(w_1 \dots w_m \mid \text{prompt}) = \sum_{t=1}^{m} \log p(w_t \mid \text{the words before } w_t). $$
#
# The prompt is given; it adds nothing. Add up the logarithms and do not take the logarithm of the product: the product of a few hundred probabilities is smaller
# than any floating-point number, and becomes 0. With probabilities $\frac12, \frac14, \frac18$ the sum is $-(1 + 2 + 3)\log 2 = -4.16$.
#
# Under *which* $p$? A greedy text drawn at temperature 0 has probability 1 under the distribution it was drawn from, which says nothing. We ask what the **model itself** thinks, with $T = 1$ and nothing cut, whoever wrote the text
# and however.

# %% exercise="log_probability"
def log_probability(
    model: nn.Module, prompt: Tensor, new: Tensor, context: int, pad: int | None = 0
) -> float:
    """The log-probability of a continuation under the model's own distribution.

    Parameters
    ----------
    model : maps contexts, int64 (b, n), to logits (b, V). It is run in evaluation mode and without
        recording for `backward`. Afterwards it is in the mode in which it came, and recording is
        on or off as it was before.
    prompt : int64, shape (L,), what is given; L may be 0 where pad is a number
    new : int64, shape (m,), the words to be judged; m may be 0, or several hundred
    context, pad : the model reads last_window(text so far, context, pad)

    Returns
    -------
    one number: the sum of the natural logarithms of the probabilities of the m new words, each
        after the prompt and the new words before it; 0 for m = 0
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    ids, total = torch.cat([prompt, new]), 0.0
    with torch.no_grad():
        for end in range(len(prompt), len(ids)):
            logits = model(last_window(ids[:end], context, pad)[None])[0]
            total += F.log_softmax(logits, dim=0)[ids[end]].item()
    model.train(was_training)
    return total
    ### END SOLUTION


# %% check="log_probability"
check(log_probability)

# %% [markdown]
# ## The likelihood trap
#
# Now let the model read: its own texts, at several temperatures, and Shakespeare's. Per word, as a perplexity, $\exp(-\log P / m)$, so that it can stand
# beside the test perplexity. (`<unk>` is allowed here, as it is in the test text. Otherwise the comparison would be unfair.)
#
# **Predict.** Sketch the perplexity of the model's own texts against the temperature, from 0 to 1.5, with the test text's, about 66, as a horizontal line. Where
# do they cross? Commit to the left end of the curve: the greedy text, which runs in its circle.

# %% predict="greedy_perplexity"
commit("greedy_perplexity", ..., sure=...)

# %%
LENGTH = 200
temperatures = [0.0, 0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5]
own_perplexity, own_distinct = [], []
for temperature in temperatures:
    logs, runs = [], []
    for seed, prompt in enumerate(prompts[:5]):
        generator = torch.Generator().manual_seed(seed)
        new = generate(model, prompt, LENGTH, generator, CONTEXT, temperature=temperature)
        logs.append(log_probability(model, prompt, new, CONTEXT) / LENGTH)
        runs.append(distinct(new, 2))
    own_perplexity.append(math.exp(-np.mean(logs)))
    own_distinct.append(np.mean(runs))
pieces = test_ids[: len(test_ids) // LENGTH * LENGTH].split(LENGTH)
test_distinct = np.mean([distinct(piece, 2) for piece in pieces])
print("temperature      " + "".join(f"{t:7.2f}" for t in temperatures) + "   test text")
print("perplexity       " + "".join(f"{v:7.1f}" for v in own_perplexity)
      + f"   {test_perplexity:9.1f}")
print("distinct-2       " + "".join(f"{v:7.2f}" for v in own_distinct)
      + f"   {test_distinct:9.2f}")

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for ax, values, human in zip(axes, (own_perplexity, own_distinct),
                             (test_perplexity, test_distinct), strict=True):
    ax.plot(temperatures, values, "o-", color=COLOURS["blue"])
    ax.axhline(human, color=COLOURS["red"], linestyle="--")
    ax.set_xlabel("temperature")
axes[0].set(yscale="log", ylabel="perplexity under the model", title="What the model thinks of it")
axes[0].yaxis.set_major_formatter(ScalarFormatter())
axes[0].yaxis.set_minor_formatter(NullFormatter())
axes[0].text(0.02, test_perplexity * 1.15, "the test text", color=COLOURS["red"])
axes[1].set(ylabel=f"distinct-2 of {LENGTH} words",
            title=titled("and how little it repeats itself", SOURCE))
axes[1].text(1.5, test_distinct - 0.07, "the test text", color=COLOURS["red"], ha="right")
plt.show()

# %% outcome="greedy_perplexity"
outcome("greedy_perplexity", round(own_perplexity[0], 1))

# %% [markdown]
# The greedy text, the worst on the page, is the one that the model likes best by far: its perplexity is a small fraction of what it gives
# Shakespeare. So "find the most probable text" is the wrong wish. This is the **likelihood trap** {cite:p}`zhang2020`; what comes out of it is what {cite:t}`holtzman2020` call degenerate text. People do not say the most probable thing. If they did, there would be
# no need to say it.
#
# And the crossing? Near $T = 1$: text drawn from the model's own distribution surprises it about as much as Shakespeare does. That is what one hopes of a model whose probabilities
# mean what they say, and no temperature needs to be tuned for it. (Five texts of 200 words pin a perplexity down to about a tenth of it.) Above, the model writes what it finds absurd. The second plot adds that people do repeat
# themselves: Shakespeare has a smaller distinct-2 than the model at $T = 1$. (Compare distinct-n at equal lengths only; in a longer text more has been said before.)
#
# Look at one text word by word, now without `<unk>`. The surprise of a word is $-\log p$, in nats.

# %%
generator = torch.Generator().manual_seed(0)
quoted = {
    "greedy": generate(model, PROMPT, 80, generator, CONTEXT, temperature=0.0, banned=[UNKNOWN]),
    "the model itself": generate(model, PROMPT, 80, generator, CONTEXT, banned=[UNKNOWN]),
    "the play": test_ids[starts[0] + CONTEXT : starts[0] + CONTEXT + 80],
}
fig, axes = plt.subplots(3, 1, figsize=(8.4, 4.8), sharex=True, sharey=True)
for ax, (name, new) in zip(axes, quoted.items(), strict=True):
    contexts, targets = windows(torch.cat([PROMPT, new]), CONTEXT)
    surprises = -score(model, contexts, targets)
    ax.bar(range(1, len(new) + 1), surprises, color=COLOURS["blue"], width=0.8)
    ax.text(80.5, 16.5, f"{name}: mean {surprises.mean():.2f}", ha="right", va="top")
    print(f"{name:>16}: mean surprise {surprises.mean():.2f} nats")
axes[0].set(xlim=(0, 81), ylim=(0, 17),
            title=titled("Real text surprises; greedy text stops doing so", SOURCE))
axes[1].set_ylabel("surprise (nats)")
axes[2].set_xlabel("word of the text")
plt.show()

# %% [markdown]
# Once in its circle the greedy text repeats one pattern of small surprises for ever. The play, and the model's own draws, keep throwing in a word that was
# hardly to be expected. A text that surprises *as often as the real one* is what drawing at $T = 1$ is for, if the model is good. Ours is not good enough, so its surprises are often
# nonsense, and a little top-p trades surprise for sense.

# %% recall="likelihood_trap"
recall("likelihood_trap")

# %% [markdown]
# ## Writing at every evaluation
#
# Now the reason why this rung stands where it does. A loss says that something is improving. A sample says *what*. So from now on every evaluation on the test set does both: a perplexity, and a text
# from the same prompt with the same random numbers, so that what changes from one evaluation to the next is the model alone. The perplexity judges the model itself;
# temperature, top-k, top-p and bans shape the sample and nothing else.
#
# An evaluation in the middle of training must leave no trace. Three things are easily left behind:
#
# - the **mode**: a model left in evaluation mode trains on without its dropout;
# - the **recording** of gradients, which costs memory, or a switch left off, which ends training;
# - the **random streams**. Calling `torch.manual_seed` to make the sample repeatable sets the global stream back, at every evaluation, to the same
#   place. The dropout masks of the next steps are then the same ones again. Nothing breaks, nothing warns, and your run is no longer the run that you think it is.

# %% exercise="test_evaluation"
def test_evaluation(
    model: nn.Module,
    test_set: tuple[Tensor, Tensor],
    prompt: Tensor,
    length: int,
    seed: int,
    **settings,
) -> tuple[float, Tensor]:
    """Judge a model on a test set, and let it write.

    Parameters
    ----------
    model : maps contexts (b, n) to logits (b, V). Evaluated without recording for `backward` and in
        evaluation mode; afterwards in the mode in which it came, with recording on or off as it
        was before.
    test_set : (contexts, targets), shapes (m, n) and (m,)
    prompt, length : as in generate; the model reads n words, as many as the contexts have
    seed : of a new generator for the sample. The same seed gives the same sample from the same
        model; torch's global generator is neither used nor changed.
    settings : pad and stop of generate; temperature, k, p, banned of next_word_probabilities

    Returns
    -------
    perplexity : of the whole test set under the model's own probabilities, one number; the
        settings are for the sample alone
    sample : int64, shape (at most length,), the new words
    """
    ### BEGIN SOLUTION
    contexts, targets = test_set
    generator = torch.Generator().manual_seed(seed)
    new = generate(model, prompt, length, generator, contexts.shape[1], **settings)
    return perplexity(score(model, contexts, targets)), new
    ### END SOLUTION


# %% check="test_evaluation"
check(test_evaluation)

# %% [markdown]
# ## The training loop, from a specification
#
# 1. Evaluate once before the first step.
# 2. For each epoch take a new order of all windows from `generator`, `torch.randperm(m, generator=generator)`, and cut it in minibatches (the last may be shorter).
# 3. For each minibatch, in *training mode*, one step of `optimiser` along the gradient of the mean cross-entropy. Record the loss, measured before the step.
# 4. After every `every` steps, counted from the first step of all and not anew for each epoch, evaluate; and at the very end, unless the last step has been evaluated already.
#
# `evaluate(model)` is any function; its result is recorded with the number of steps made so far. It may be a careless function: do not rely on the mode it leaves behind.

# %% exercise="train"
def train(
    model: nn.Module,
    optimiser,
    train_set: tuple[Tensor, Tensor],
    epochs: int,
    batch_size: int,
    generator: torch.Generator,
    every: int,
    evaluate: Callable,
) -> tuple[list[float], list[tuple]]:
    """Train a next-word model and evaluate it on the way.

    Parameters
    ----------
    model : maps contexts (b, n) to logits (b, V); changed in place. It may arrive in either mode.
    optimiser : holds the model's parameters; has zero_grad() and step()
    train_set : (contexts, targets), shapes (m, n) and (m,), m at least 1
    epochs : passes through the windows, at least 1
    batch_size : windows in a minibatch; the last of an epoch may have fewer
    generator : the source of all randomness; one torch.randperm of the windows for each epoch
    every : steps between evaluations, at least 1
    evaluate : called as evaluate(model); it may leave the model in either mode

    Returns
    -------
    losses : one number for each step, the minibatch's mean cross-entropy before the step
    history : (steps made, result of evaluate) for 0 steps, for every multiple of `every`, and for
        the end of training; no number of steps comes twice
    """
    ### BEGIN SOLUTION
    contexts, targets = train_set
    losses, history = [], [(0, evaluate(model))]
    for _ in range(epochs):
        for batch in torch.randperm(len(targets), generator=generator).split(batch_size):
            model.train()
            loss = F.cross_entropy(model(contexts[batch]), targets[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            if len(losses) % every == 0:
                history.append((len(losses), evaluate(model)))
    if history[-1][0] != len(losses):
        history.append((len(losses), evaluate(model)))
    return losses, history
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# Your loop, one pass over the training part, with a sample at each evaluation: the same prompt, the same twenty-five random numbers.

# %%
def evaluation(model: nn.Module) -> tuple[float, Tensor]:
    """Perplexity on the test part and a sample, printed as they come."""
    result, new = test_evaluation(model, test_set, PROMPT, 25, seed=2, p=0.9, banned=[UNKNOWN])
    print(f"{result:7.1f} | {written(new)}")
    return result, new


def fresh() -> tuple[nn.Module, torch.optim.Optimizer]:
    """An untrained model and its optimiser, always the same."""
    torch.manual_seed(3)
    model = WordModel(SIZE, CONTEXT)
    return model, Adam(model.parameters(), lr=3e-3)


print(f"prompt: {written(PROMPT)}\nperplexity | sample")
learner, learner_optimiser = fresh()
losses, history = train(learner, learner_optimiser, train_set, 1, 512,
                        torch.Generator().manual_seed(3), 80, evaluation)

steps = [step for step, _ in history]
results = [result for _, (result, _) in history]
means = [np.mean(losses[i : i + 20]) for i in range(0, len(losses), 20)]
plot_curves({"training": (20 * np.arange(len(means)) + 10, np.exp(means)), "test": (steps, results)},
            xlabel="step", ylabel="perplexity", logy=True,
            title=titled("The loss falls smoothly; the text grows in stages", SOURCE))
plt.show()

# %% [markdown]
# Read the samples from top to bottom. First any word is as good as another. At the second evaluation the frequent words and marks are there already; then pairs fit together, speakers get their colons, and
# here and there a short phrase could be from a play. The perplexity says that it gets better. Only the text says *better at what*. (That the test curve lies below the training curve is no miracle: the test part has more `<unk>`, which are easy to guess, and the
# training losses were measured while the model was still worse.)
#
# ## Did it leave a trace?
#
# Three short runs from the same start: without evaluations; with your `test_evaluation` after every five steps; and with a careless one that hands *the training's
# generator* to `generate`. All print the losses of their steps.
#
# **Predict.** The training part is cut to a twentieth, for two passes in batches of 512. Does the careful run agree with the one without evaluations, and to how many
# digits? From which step on does the careless one differ?

# %% predict="first_difference"
commit("first_difference", ..., sure=...)

# %%
part = tuple(tensor[: len(train_set[1]) // 20] for tensor in train_set)
few = tuple(tensor[:2000] for tensor in test_set)
stream = torch.Generator()


def nothing(model: nn.Module) -> None:
    """No evaluation at all."""


def careful(model: nn.Module) -> tuple[float, Tensor]:
    """Yours."""
    return test_evaluation(model, few, PROMPT, 10, seed=0)


def careless(model: nn.Module) -> Tensor:
    """A sample from the training's own stream."""
    return generate(model, PROMPT, 10, stream, CONTEXT)


runs = {}
for evaluate in (nothing, careful, careless):
    short, short_optimiser = fresh()
    stream.manual_seed(0)
    runs[evaluate.__name__], _ = train(short, short_optimiser, part, 2, 512, stream, 5, evaluate)
for name in ("careful", "careless"):
    pairs = zip(runs["nothing"], runs[name], strict=True)
    differs = [step for step, (one, two) in enumerate(pairs, 1) if one != two]
    where = f"differ from step {differs[0]} on" if differs else "are equal to the last bit"
    print(f"nothing and {name}: {len(runs[name])} losses {where}")
first_difference = differs[0] if differs else 0  # of the careless run, the last of the two

# %% outcome="first_difference"
outcome("first_difference", first_difference)

# %% [markdown]
# Yours leaves no trace, to the last bit. The careless evaluation moved the stream even before the first step, so every order that followed was another one. Its curve would look as good; but switch evaluations
# off to save time, or ask for eleven words instead of ten, and the run can no longer be repeated. Comparisons between runs then measure the printing.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# **Beam search.** Keep the five most probable texts so far, extend each by every word, keep the best five. Find a text with a higher log-probability than the greedy one.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A longer prompt of real text, the log-probabilities of both, and their distinct-2. Greedy is not the most probable text, beam search is nearer to it, and its text is no better: the trap again, one
# step deeper. Where the most probable answer *is* wanted, as in translation, it is a good method.
# :::
#
# **A penalty for repeating.** Lower the logits of words that came in the last twenty. Which strength gives the test text's distinct-2 at temperature 0.5?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A curve of distinct-2 against the strength over several seeds, the remark that commas and "the" must be allowed to come back, and what the penalty does to the perplexity under the model.
# :::
#
# **Is the model calibrated?** Among all test words to which it gave a probability between 0.2 and 0.3, how many came?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A plot of the share that came against the probability given, with counts, over all words of the vocabulary and not the best one alone. The temperature that lowers the *validation* perplexity most, and on which side of 1 it lies.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="fifty_draws"
write("fifty_draws", """
""")

# %% write="order_of_cuts"
write("order_of_cuts", """
""")

# %% write="is_it_broken"
write("is_it_broken", """
""")

# %% [markdown]
# Next, [rung 13](13_causal_transformer.ipynb): a model that reads more than three words. It can write with the `generate` that you have.
