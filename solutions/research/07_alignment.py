# ---
# title: Alignment
# subtitle: "A small model of Shakespeare is taught to be cheerful, and how that goes wrong is measured"
# part: research
# hours: 40
# needs: [ladder/12_sampling, ladder/13_causal_transformer]
# teaches: [RLHF, reward model, DPO, GRPO, best-of-n, overoptimisation]
# builds: sampling with log-probabilities, soft labels, a reward model with its calibration and a fixed scale, three estimators of the KL held against enumeration, the policy loss, the choice of a checkpoint, a diagnosis of logs, best-of-n without bias, GRPO's advantages and DPO's loss, a blind rating, a study with a control
# number: more positive lines by the lexicon, at 10 nats per line at the most and with nearly all lines different
# data: tiny Shakespeare, cut into phrases; labels by a lexicon or by you
# run: rlhf_shakespeare
# readings:
#   - {key: stiennon2020, where: "the part on methods, then the figure in which too much optimisation makes summaries worse", skip: "the appendices on how labellers were hired, at first"}
#   - {key: gao2023, where: "the two functional forms, and the figures that they are fitted to", skip: "the part on scaling with the policy's size, for now"}
#   - {key: rafailov2023, where: "the derivation of the loss from the KL-constrained problem", skip: "the proofs in the appendix"}
#   - {key: shao2024, where: "the part that goes from PPO to GRPO", skip: "how the mathematical corpus was collected"}
#   - {key: christiano2021, where: "the first thirty pages: the diamond in the vault, and the first counterexamples", skip: "the long appendices"}
# sections:
#   - {id: lines, heading: "A model of lines", for: "a language model small enough that everything after it runs on one page", needs: [ladder/13#model]}
#   - {id: sampling, heading: "Lines, and how likely they were", for: "samples with the log-probabilities that every later formula needs", needs: [lines, ladder/12#generation]}
#   - {id: labels, heading: "Who says what is happy?", for: "labels whose source is known, and that keep doubt", needs: [sampling]}
#   - {id: reward, heading: "A model of the labels", for: "a reward that can be asked a million times, and a measure of whether it can be believed", needs: [labels]}
#   - {id: scale, heading: "One scale, measured once", for: "a weight of the KL that means the same in every batch", needs: [reward]}
#   - {id: kl, heading: "How far is it from the start?", for: "nats per completion: the distance by which every method of the page is compared", needs: [sampling, ladder/12#likelihood]}
#   - {id: policy, heading: "Training the policy", for: "the loss behind models trained on human feedback", needs: [scale, kl]}
#   - {id: choosing, heading: "Where to stop", for: "choosing a checkpoint by what was not trained on", needs: [policy]}
#   - {id: diagnosis, heading: "Six logs", for: "finding a fault of the bookkeeping before believing a curve", needs: [policy, choosing]}
#   - {id: best, heading: "No training at all", for: "a baseline that costs nothing, and the laws of overoptimisation", needs: [kl, scale]}
#   - {id: others, heading: "Two other ways", for: "GRPO and DPO, which most open models are trained with", needs: [policy, labels]}
#   - {id: control, heading: "Is it the reward?", for: "claims about alignment with a control, an interval and a blind eye", needs: [choosing, best]}
# recall:
#   - {id: per_token, section: kl, transfer: true, q: "A log says KL 0.6, per token, and completions have 64 tokens. Is a limit of 10 nats per completion kept?", a: "No. It is 38 nats: the KL of a completion is the sum over its tokens."}
#   - {id: negative_kl, section: policy, transfer: true, q: "A run's mean KL is −2.3 nats over 1000 samples. Name two causes.", a: "A mean KL cannot be negative. The sign is turned, or the log-probabilities are not those of the policy that drew the samples (another temperature, padding)."}
#   - {id: three_estimators, section: kl, transfer: false, q: "Which of k1, k2, k3 are unbiased, and which one is never negative and unbiased?", a: "k1 and k3 are unbiased, k3 where the policy can write all that the start can. k3 is never negative."}
#   - {id: soft_floor, section: reward, transfer: true, q: "All labels of a set are 0.8. Which cross-entropy has a perfect reward model?", a: "$-0.8 \\ln 0.8 - 0.2 \\ln 0.2 = 0.50$ nats: the entropy of the label."}
#   - {id: frozen_scale, section: scale, transfer: true, q: "Rewards are normalised anew in every batch. The penalty's weight stays. What happens late in training, when all lines score nearly the same?", a: "Their small differences are blown up to deviation 1, so noise outweighs the penalty: the same weight now means less KL penalty per unit of real reward."}
#   - {id: temperature, section: sampling, transfer: true, q: "Lines are drawn at temperature 0.7, and their log-probabilities are taken at 1. What are the ratios of the first step?", a: "Not 1, though nothing was trained yet. The policy that drew the lines is the heated one."}
#   - {id: best_of_64, section: best, transfer: true, q: "How many nats from the start is the best of 64?", a: "$\\ln 64 - 63/64 = 3.17$."}
#   - {id: gao_forms, section: best, transfer: false, q: "Which laws of overoptimisation did Gao and colleagues fit, with $d = \\sqrt{\\mathrm{KL}}$?", a: "Best of n: $d(\\alpha - \\beta d)$. Reinforcement learning: $d(\\alpha - \\beta \\log d)$."}
#   - {id: equal_group, section: others, transfer: true, q: "In GRPO all eight answers to a question are wrong. What is learned from it?", a: "Nothing: all eight got the same, so every advantage is 0."}
#   - {id: random_reward, section: control, transfer: true, q: "A model trained with a random reward also scores higher on a benchmark than before. What did the real reward add?", a: "The difference between the two, with an interval over seeds; not the whole gain."}
# predictions:
#   - {id: spread_ratio, ask: "One token, two words: the policy says love with 0.65 and hate with 0.35, the start 0.4 and 0.6. How many times as large is the standard deviation of k1 as that of k3?", factor: 2.0, because: "k1 changes sign from word to word. In k3 the term r − 1, whose mean is 0, takes most of that away."}
#   - {id: past_the_limit, ask: "Training goes on past 10 nats, without a penalty. At the start the five commonest words are a seventh of all that the lines say. How much are they in the end?", choices: ["below 20 %", "20 to 40 %", "above 40 %"], because: "The reward asks for happy words and not for many. Nothing in it pays for another one."}
#   - {id: random_gain, ask: "A policy is trained with a reward that is random, fixed once for each word. What does the mean score of its lines by the lexicon do?", choices: ["rises by more than 0.1", "stays within 0.1", "falls by more than 0.1"], because: "The random reward prefers some words, and which of them are happy is chance."}
# written:
#   - {id: elk_proposal, ask: "An AI guards a diamond in a vault. It predicts what the camera will show, and knows more than the camera shows. Propose a training strategy for a reporter that answers whether the diamond is still there, and not what a person who looks at the camera would believe. Then write the world in which your strategy gives you the second.", rubric: ["the proposal says what is trained, on which data, with which loss", "it says why the reporter would not become a simulator of a human who looks at the data", "a counterexample in the worst case is given: a concrete reporter that has as low a loss and reports what a human would think", "names what the counterexample exploits: the loss sees only what humans can label"], answer: "One proposal: train the reporter on cases that people can label, and penalise computation time, so that the direct translator, which only reads off what the predictor knows, is cheaper than a simulated human. Counterexamples that are known: (1) the predictor's own inference can be so large that translating from it costs more than simulating a human, so that the penalty prefers the simulator. (2) Ask for consistency of answers to many questions: the simulator of one coherent human is consistent as well. (3) Train with better labellers, who have assistants: a simulator of the better labeller has the same loss, and tampering that goes beyond them is still missed. (4) Train a reporter that serves several predictors, or that reads a compressed predictor: the human simulator can be read off from any predictor through its predicted pictures. In each, both reporters give the same answers wherever there are labels, and the loss sees nothing else."}
#   - {id: goodhart, ask: "Explain to a friend why a policy that is trained longer on a reward model can get worse, although the reward rises.", rubric: ["the reward model is a stand-in, right where it had labels", "the policy goes where samples were rare at the start, and looks for the reward model's errors", "the distance is measured as a KL, and the loss grows with it", "says how to notice: labels that were not trained on, different samples, a blind reader"], answer: "The reward model has learned from samples of the start. The policy moves to where its score is highest, and there the score is highest in part because it is wrong. The farther it goes, in nats, the less the labels say about where it is. So look at labels that the reward model never saw, count how many samples differ, and let somebody read them who does not know whose they are."}
#   - {id: which_method, ask: "You have 300 labelled samples and an afternoon. Best-of-n, PPO, GRPO or DPO: which would you take first, and when another?", rubric: ["best-of-n first: no training, known KL, the baseline for all others", "says what best-of-n costs: n samples for each answer, for ever", "DPO where there are pairs and no samples are to be drawn in training; GRPO where a prompt has many answers and a reward that can be computed", "whatever is taken: KL, different samples and held-out labels are reported"], answer: "Best-of-n first: nothing is trained, its KL is known, and whatever is trained must beat it at the same KL. It costs n samples for every answer. PPO or GRPO move that cost into training; GRPO needs no value function and several answers to a prompt. DPO needs no sampling and no reward model, and sees only the pairs it was given. For all of them report the KL per completion, the share of different samples and labels that were held out."}
# ---

# %% [markdown]
# # Alignment
#
# A public solution of this chapter's exercise trained a model of Shakespeare to write positive samples. Its reward rose to the end.
# Its log also has samples. By iteration 12 of 53, samples begin with "Becomes him nobly". At iteration 24 the
# three that it prints are the same. The KL in its log ends at 0.6, which looks small.
#
# On this page you will train such a model in seconds, watch the same thing happen, and say in numbers where it begins. Every step has a
# measure that is easy to get wrong. Most faults here make a curve look *better*.
#
# **You need** [rung 12](../ladder/12_sampling.ipynb) (sampling), [rung 13](../ladder/13_causal_transformer.ipynb) (a transformer)
# and, if you can, policy gradients. **You will have** a policy trained on a reward of your own, with its distance from the start in nats, and a verdict on it with
# an interval. **It takes** about forty hours with the papers.

# %% tags=["setup"]
import copy
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import (
    blind_rating,
    chapter,
    check,
    commit,
    hint,
    label_samples,
    labels,
    outcome,
    progress,
    rated,
    recall,
    recorded,
    run,
    write,
)
from descent.data import sentiment, shakespeare
from descent.figures import COLOURS, overoptimisation_figure, plot_curves, use_style

torch.set_num_threads(1)  # the matrices here are small: one core is fastest
chapter("research/07_alignment")
use_style()

# %% [markdown]
# ## A model of lines
#
# The plays are cut at every mark of punctuation. Phrases of 3 to 9 words remain, all of them among the 800 most frequent
# words. A **line** is such a phrase, then an end token. Token 0 is padding, 1 the end, 2 the start.

# %%
LONGEST = 10
text = shakespeare()
phrases = [re.findall(r"[a-z']+", part) for part in re.split(r"[^a-z' ]", text.text.lower())]
counts = Counter(word for phrase in phrases for word in phrase)
vocabulary = ["(pad)", "(end)", "(start)", *(word for word, _ in counts.most_common(800))]
number = {word: i for i, word in enumerate(vocabulary)}
known = [p for p in phrases if 3 <= len(p) < LONGEST and all(word in number for word in p)]
lines = torch.zeros(len(known), LONGEST + 1, dtype=torch.int64)
for row, phrase in enumerate(known):
    lines[row, : len(phrase) + 2] = torch.tensor([2, *(number[word] for word in phrase), 1])


def words_of(tokens: Tensor) -> list[str]:
    """Rows of tokens as text."""
    return [" ".join(vocabulary[i] for i in row if i > 2) for row in tokens.tolist()]


print(f"{text.source}: {len(known)} lines, {len(vocabulary)} tokens")
print("\n".join(words_of(lines[[5, 500, 5000]])))

# %% [markdown]
# The model is rung 13's transformer with two small blocks. It has a method `hidden`, which gives the vectors before
# the logits: a reward model will be built on them. In all shapes $n$ is the number of lines and $t$ the number of tokens.

# %% tags=["hide-input"]
class Block(nn.Module):
    """Causal attention with three heads, then two layers: (n, t, 48) → (n, t, 48)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.qkv(self.before(x)).view(n, t, 3, 3, d // 3).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.between(x))


class LineModel(nn.Module):
    """Tokens (n, t) → logits of the next token (n, t, words)."""

    def __init__(self, words: int, d: int = 48) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, d), nn.Embedding(LONGEST + 1, d)
        self.blocks = nn.Sequential(Block(d), Block(d))
        self.after = nn.LayerNorm(d)
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.05)

    def hidden(self, tokens: Tensor) -> Tensor:
        """Tokens (n, t) → vectors (n, t, d)."""
        return self.after(self.blocks(self.words(tokens) + self.places.weight[: tokens.shape[1]]))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.hidden(tokens) @ self.words.weight.T

# %%
def fit(parameters: Any, loss: Callable[[], Tensor], steps: int, rate: float) -> None:
    """Minimise with Adam; the rate falls along half a cosine."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()


def next_token_loss(model: nn.Module, batch: Tensor) -> Tensor:
    """The mean surprise at the next token, in nats, padding left out."""
    return F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten(), ignore_index=0)


torch.manual_seed(0)
lines = lines[torch.randperm(len(lines))]
held_lines, train_lines = lines[:800], lines[800:]
start = LineModel(len(vocabulary))
fit(start.parameters(), lambda: next_token_loss(start, train_lines[torch.randint(len(train_lines), (64,))]), 360, 7e-3)
with torch.no_grad():
    print(f"{sum(p.numel() for p in start.parameters())} parameters; held-out loss {next_token_loss(start, held_lines):.2f} nats a token")

# %% [markdown]
# ## Lines, and how likely they were
#
# Training a policy needs samples, and for each token the log-probability with which it was *drawn*. Divide the logits by the **temperature**, take
# the softmax, and draw from it. The same softmax gives the log-probability. A line that has ended is padded, and the padding was not
# chosen by anybody. So a **mask** says which tokens are real: all up to the end token, and the end token too.
#
# Two things go wrong here and spoil all that follows. Drawing at 0.7 and taking log-probabilities at 1 makes the first ratio of new to old policy differ from 1 before
# any training. Padding that counts makes short lines look as if they had gone far.

# %% exercise="sample_completions"
def sample_completions(
    model: nn.Module, n: int, longest: int, temperature: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw lines from a model, with the log-probabilities they were drawn with.

    Parameters
    ----------
    model : tokens (n, t) → logits (n, t, words). It is given the start token, 2, and then all
        that was drawn so far.
    n : how many lines
    longest : how many tokens a line has at the most; a line that has not ended by then is cut
    temperature : positive; the logits are divided by it
    generator : the only source of chance

    Returns
    -------
    tokens : int64 (n, longest), without the start token; what follows the end token, 1, is 0
    mask : bool (n, longest), whether a token is real: up to the end token, which is real too. A 0
        that the model drew before the end is real.
    log_probs : (n, longest), of each real token under the distribution it was drawn from; 0 at
        padding. No gradient is recorded.
    All are `longest` wide, also if every line ends sooner.
    """
    ### BEGIN SOLUTION
    seen = torch.full((n, 1), 2)
    running = torch.ones(n, dtype=torch.bool)
    mask, found = [], []
    with torch.no_grad():
        for _ in range(longest):
            log_shares = (model(seen)[:, -1] / temperature).log_softmax(dim=-1)
            token = torch.multinomial(log_shares.exp(), 1, generator=generator)
            mask.append(running)
            found.append(log_shares.gather(1, token)[:, 0].masked_fill(~running, 0.0))
            token = token.masked_fill(~running[:, None], 0)
            seen = torch.cat([seen, token], dim=1)
            running = running & (token[:, 0] != 1)
    return seen[:, 1:], torch.stack(mask, dim=1), torch.stack(found, dim=1)
    ### END SOLUTION


# %% check="sample_completions"
check(sample_completions)

# %%
dice = torch.Generator().manual_seed(1)
tokens, mask, drawn = sample_completions(start, 3000, LONGEST, 1.0, dice)
texts = words_of(tokens)
print("\n".join(texts[:6]))
print(f"\nmean length {mask.sum(1).float().mean():.1f} tokens; most surprising line {-drawn.sum(1).min():.0f} nats")

# %% recall="sampling"
recall("sampling")

# %% [markdown]
# ## Who says what is happy?
#
# Now label. The tool below shows sample after sample; press positive, neutral, negative or skip. Every label is kept
# at once and survives a restart. Label a hundred lines at least: you will learn how often you hesitate.

# %%
label_samples(texts[:300], name="sentiment")

# %% [markdown]
# Several people may label the same line, and one may skip it. Their votes become a **soft label**: the mean of 1 for positive, ½ for neutral and 0 for negative.
# A neutral vote is a statement: this line belongs in the middle. A skip is none.

# %% exercise="votes_to_labels"
def votes_to_labels(votes: list[list[str | None]]) -> tuple[list[int], list[float]]:
    """Turn votes on texts into soft labels.

    Parameters
    ----------
    votes : for each text its votes, in any number: "positive", "neutral", "negative", or None
        where somebody skipped it. There may be no texts, and texts without votes.

    Returns
    -------
    kept : the places in `votes`, from 0, of the texts with at least one vote that is not None
    labels : for each of these the mean of its votes, worth 1, ½ and 0; None is no vote
    """
    ### BEGIN SOLUTION
    worth = {"positive": 1.0, "neutral": 0.5, "negative": 0.0}
    kept, means = [], []
    for place, given in enumerate(votes):
        said = [worth[vote] for vote in given if vote is not None]
        if said:
            kept.append(place)
            means.append(sum(said) / len(said))
    return kept, means
    ### END SOLUTION


# %% check="votes_to_labels"
check(votes_to_labels)

# %% [markdown]
# The page has to go on without you, so a *lexicon* fills in: VADER, which adds up rated words. It says so loudly, and it should. What
# follows learns what the lexicon likes. The lexicon has one advantage: it labels everything, so we can measure
# what a human labeller could not. Call its label on lines that no reward model was trained on the **gold** label.

# %%
labelled = labels(texts)
label_of = dict(zip(labelled.texts, labelled.soft, strict=True))
rows = [i for i, line in enumerate(texts) if line in label_of]
tokens, mask = tokens[rows], mask[rows]
soft = torch.tensor([label_of[texts[i]] for i in rows]).float()
print(f"{(soft > 0.5).float().mean():.0%} positive, {(soft < 0.5).float().mean():.0%} negative, the rest neutral")

# %% [markdown]
# ## A model of the labels
#
# A **reward model** is the language model with one number at its end. It is a copy: it begins with all that the policy knows about
# words, and then goes its own way. Read the number where the whole line has been read, at the last *real* token. Lines
# have different lengths, so that place differs from row to row.

# %% exercise="RewardModel"
class RewardModel(nn.Module):
    """Score lines, with a copy of a language model's body.

    Parameters
    ----------
    body : a module with a method hidden: tokens (n, t) → (n, t, d). It is copied: training the
        reward model does not change it.
    d : the size of the hidden vectors

    Attributes
    ----------
    body : the copy, which is trained too
    head : nn.Linear with bias, d → 1
    There are no other parameters.
    """

    def __init__(self, body: nn.Module, d: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.body = copy.deepcopy(body)
        self.head = nn.Linear(d, 1)
        ### END SOLUTION

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens and mask (n, t) → scores (n,), logits.

        The start token, 2, is put in front before the body reads. Each line is scored at its last
        real token by the mask, whatever the padding holds; a line has at least one.
        """
        ### BEGIN SOLUTION
        n = len(tokens)
        hidden = self.body.hidden(torch.cat([torch.full((n, 1), 2), tokens], dim=1))
        return self.head(hidden[torch.arange(n), mask.sum(dim=1)])[:, 0]
        ### END SOLUTION


# %% check="RewardModel"
check(RewardModel)

# %% [markdown]
# A label of 0.7 stands for seven readers of ten. So the loss is the mean surprise of a reader: $-y \log p - (1-y) \log(1-p)$, with $p$ the sigmoid of
# the score. What is the lowest it can be? A perfect model says $p = y$, and is still surprised by the entropy of $y$. By hand, for $y = 0.7$:
# $-0.7 \ln 0.7 - 0.3 \ln 0.3 = 0.61$ nats. A loss of 0.65 would be nearly perfect there, and poor where all labels are 0 or 1.

# %% exercise="soft_label_loss"
def soft_label_loss(scores: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """Compute the loss of scores against soft labels, and the lowest that it can be.

    Parameters
    ----------
    scores : shape (n,), logits, perhaps in the hundreds
    labels : shape (n,), from 0 to 1, both among them

    Returns
    -------
    loss : one number, the mean cross-entropy in nats; gradients flow to the scores
    floor : a float, the mean entropy of the labels themselves, in nats; 0 · log 0 counts as 0
    """
    ### BEGIN SOLUTION
    loss = F.binary_cross_entropy_with_logits(scores, labels)
    entropies = torch.special.entr(labels) + torch.special.entr(1 - labels)
    return loss, entropies.mean().item()
    ### END SOLUTION


# %% check="soft_label_loss"
check(soft_label_loss)

# %%
FEW = 600  # labels to train on, about what one person gives in an hour
torch.manual_seed(0)
reward_model = RewardModel(start, 48)


def reward_loss() -> Tensor:
    """Sixty-four of the labelled lines."""
    some = torch.randint(FEW, (64,))
    return soft_label_loss(reward_model(tokens[some], mask[some]), soft[some])[0]


fit(reward_model.parameters(), reward_loss, 90, 2e-3)
with torch.no_grad():
    scores = reward_model(tokens, mask)
for name, part in (("trained on", slice(FEW)), ("held out", slice(FEW, None))):
    loss, floor = soft_label_loss(scores[part], soft[part])
    agree = np.corrcoef(scores[part], soft[part])[0, 1]
    print(f"{name:<10} loss {loss:.3f}, floor {floor:.3f}; correlation with the label {agree:.2f}")

# %% [markdown]
# Trained on and held out differ: that is what a few hundred labels buy. Can its probabilities be believed at least? **Calibration** compares
# what was said with what came, in bins: of the lines that got about 0.7, the mean label should be 0.7.

# %% exercise="calibration"
def calibration(
    probabilities: Tensor, labels: Tensor, bins: int
) -> tuple[list[tuple[float, float, int]], float]:
    """Compare probabilities with soft labels, in bins of equal width.

    Parameters
    ----------
    probabilities : shape (n,), from 0 to 1, n at least 1. Bin k of `bins` holds those from k/bins
        up to, but without, (k + 1)/bins; the last bin holds 1 as well.
    labels : shape (n,), from 0 to 1, used as they are
    bins : how many, at least 1

    Returns
    -------
    rows : for each bin that is not empty, the lowest first: (mean probability, mean label, how
        many)
    error : the mean over the n texts of |mean probability − mean label| of the bin a text is in
    """
    ### BEGIN SOLUTION
    place = (probabilities * bins).long().clamp(max=bins - 1)
    rows, error = [], 0.0
    for k in place.unique():
        inside = place == k
        said, came = probabilities[inside].mean().item(), labels[inside].mean().item()
        rows.append((said, came, int(inside.sum())))
        error += int(inside.sum()) / len(labels) * abs(said - came)
    return rows, error
    ### END SOLUTION


# %% check="calibration"
check(calibration)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.2, 4.6))
for name, part, colour, height in (("trained on", slice(FEW), "orange", 0.95), ("held out", slice(FEW, None), "blue", 0.88)):
    table, error = calibration(scores[part].sigmoid(), soft[part], 8)
    said, came, many = zip(*table, strict=True)
    ax.plot(said, came, "o-", color=COLOURS[colour])
    ax.annotate(f"{name}: error {error:.3f}", (0.03, height), color=COLOURS[colour])
ax.plot([0, 1], [0, 1], color=COLOURS["grey"], lw=1)
ax.set(xlabel="probability given", ylabel="mean label", title="What the reward model says, and what came")
plt.show()

# %% recall="reward"
recall("reward")

# %% [markdown]
# ## One scale, measured once
#
# Scores have no unit. Before they are weighed against a KL in nats they get one: the mean and the standard deviation of the *starting model's*
# samples, measured once and then frozen. Were they measured in every batch, the reward could never rise, and the penalty's weight would
# mean something else each time. By hand: rewards 1, 2 and 4 have mean 2.33 and deviation 1.53; a later 4 is worth 1.09.

# %% exercise="RewardScale"
class RewardScale:
    """Bring rewards to a scale that is measured once.

    Parameters
    ----------
    rewards : shape (n,), of the starting model's samples, of any size and spread. The standard
        deviation divides by n − 1.

    Raises
    ------
    ValueError : fewer than two rewards, or all of them equal, whatever rounding makes of their
        deviation

    What is measured stays as it is, also if the tensor is changed later.
    """

    def __init__(self, rewards: Tensor) -> None:
        ### BEGIN SOLUTION
        if len(rewards) < 2 or rewards.min() == rewards.max():
            raise ValueError("a scale needs rewards that differ")
        self.mean = rewards.double().mean().item()
        self.deviation = rewards.double().std().item()
        ### END SOLUTION

    def __call__(self, rewards: Tensor) -> Tensor:
        """Rewards of any shape → as many, (reward − mean) / deviation; a batch of one too."""
        ### BEGIN SOLUTION
        return (rewards - self.mean) / self.deviation
        ### END SOLUTION


# %% check="RewardScale"
check(RewardScale)

# %%
scale = RewardScale(scores)


@torch.no_grad()
def proxy(tokens: Tensor, mask: Tensor) -> Tensor:
    """The reward model's score on the frozen scale."""
    return scale(reward_model(tokens, mask))

# %% recall="scale"
recall("scale")

# %% [markdown]
# ## How far is it from the start?
#
# The reward model has read samples of the start alone. How far may the policy go before its word is worth nothing? Distance is measured by the
# Kullback-Leibler divergence of the policy $p$ from the start $q$, **per completion**: the mean, over lines that the *policy* writes, of $\log p(\text{line}) - \log q(\text{line})$, in nats.
#
# Take models so small that it can be added up. They know two words, love (0) and hate (2), and write two of them. The end, token 1, never comes:

# %% tags=["hide-input"]
LOVE, HATE = 0, 2
tree_start = {(): [0.4, 0.0, 0.6], (LOVE,): [0.7, 0.0, 0.3], (HATE,): [0.2, 0.0, 0.8], (1,): [0.5, 0.0, 0.5]}
tree_policy = {(): [0.65, 0.0, 0.35], (LOVE,): [0.9, 0.0, 0.1], (HATE,): [0.5, 0.0, 0.5], (1,): [0.5, 0.0, 0.5]}
fig, ax = plt.subplots(figsize=(9, 3.6))
spots = {(): (0, 1.5), (LOVE,): (1, 2.5), (HATE,): (1, 0.5), (LOVE, LOVE): (2, 3), (LOVE, HATE): (2, 2), (HATE, LOVE): (2, 1), (HATE, HATE): (2, 0)}
name_of = {LOVE: "love", HATE: "hate"}
for prefix, (x, y) in spots.items():
    if not prefix:
        continue
    x0, y0 = spots[prefix[:-1]]
    p, q = tree_policy[prefix[:-1]][prefix[-1]], tree_start[prefix[:-1]][prefix[-1]]
    ax.plot([x0, x], [y0, y], color=COLOURS["grey"], lw=1)
    ax.annotate(f"{p:g}", ((x0 + x) / 2, (y0 + y) / 2 + 0.08), color=COLOURS["blue"], ha="center")
    ax.annotate(f"{q:g}", ((x0 + x) / 2, (y0 + y) / 2 - 0.1), color=COLOURS["orange"], ha="center", va="top")
    ax.annotate(name_of[prefix[-1]], (x, y), ha="center", va="center", bbox={"fc": "white", "ec": "none"})
    if len(prefix) == 2:
        whole_p, whole_q = tree_policy[()][prefix[0]] * p, tree_start[()][prefix[0]] * q
        ax.annotate(f"{whole_p:.3f} against {whole_q:.3f}: {whole_p * math.log(whole_p / whole_q):+.3f}", (2.18, y), va="center")
ax.annotate("policy", (0.02, 2.9), color=COLOURS["blue"])
ax.annotate("start", (0.02, 2.6), color=COLOURS["orange"])
ax.set(xlim=(-0.1, 3.3), ylim=(-0.4, 3.4), xticks=[0.5, 1.5], yticks=[], title="Four lines; the last column adds up to the KL")
ax.set_xticklabels(["first token", "second token"])
ax.grid(False)
plt.show()

# %% exercise="exact_kl"
def exact_kl(
    policy: Callable[[tuple[int, ...]], Sequence[float]],
    start: Callable[[tuple[int, ...]], Sequence[float]],
    longest: int,
) -> float:
    """Add up the KL divergence of a policy's lines from those of the start.

    Parameters
    ----------
    policy, start : called with a prefix, a tuple of tokens drawn so far, () at first, they give
        the probabilities of the next token, 0, 1, 2, …; both know as many tokens.
    longest : tokens in a line at the most, at least 1. A line ends after token 1, or is cut at
        `longest`; lines that are cut count like any other.

    Returns
    -------
    KL(policy ‖ start) of whole lines, in nats. Lines that the policy never writes count 0;
    math.inf if it writes a line that the start never does.
    """

    ### BEGIN SOLUTION
    def rest(prefix: tuple[int, ...]) -> float:
        if len(prefix) == longest or prefix[-1:] == (1,):
            return 0.0
        total = 0.0
        for token, p in enumerate(policy(prefix)):
            q = start(prefix)[token]
            if p > 0:
                total += p * (math.log(p / q) + rest((*prefix, token))) if q > 0 else math.inf
        return total

    return rest(())
    ### END SOLUTION


# %% check="exact_kl"
check(exact_kl)

# %%
exact = exact_kl(tree_policy.__getitem__, tree_start.__getitem__, 2)
print(f"KL of the policy from the start: {exact:.3f} nats per line of two tokens")

# %% [markdown]
# Real lines cannot be enumerated. They are sampled, and each sample gives an estimate. Write $r = q/p$ for one *token*: the start's probability over the
# policy's. Three estimators are common. Each is summed over a line's real tokens, since the logarithm of a line's probability is such a sum.
#
# $$ k_1 = -\log r, \qquad k_2 = \tfrac12 (\log r)^2, \qquad k_3 = r - 1 - \log r. $$
#
# By hand, for "love hate": $r$ is $0.4/0.65 = 0.62$, then $0.3/0.1 = 3$. So $k_1 = 0.49 - 1.10 = -0.61$. A single estimate may be negative; the mean cannot be.

# %% exercise="kl_estimates"
def kl_estimates(
    policy_log_probs: Tensor, start_log_probs: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Estimate the KL from the start, for each completion, in three ways.

    Parameters
    ----------
    policy_log_probs, start_log_probs : shape (n, t), of the tokens that the policy drew, under each
        of the models. At padding anything may stand, −inf and NaN too.
    mask : bool (n, t), whether a token is real

    Returns
    -------
    k1, k2, k3 : shape (n,) each, in nats per completion: the token's estimates above, summed over
        the real tokens. Gradients flow, and are 0 at padding.
    """
    ### BEGIN SOLUTION
    log_r = torch.where(mask, start_log_probs - policy_log_probs, 0.0)
    k3 = log_r.exp() - 1 - log_r
    return -log_r.sum(dim=1), log_r.square().sum(dim=1) / 2, k3.sum(dim=1)
    ### END SOLUTION


# %% check="kl_estimates"
check(kl_estimates)

# %% [markdown]
# Which one is best? For one token with few words the question has an exact answer: an estimator's mean and standard deviation are
# sums over the words. Its **bias** is its mean minus the true KL.
#
# **Predict.** Take the first token of the tree.

# %% predict="spread_ratio"
commit("spread_ratio", ..., sure=...)

# %% exercise="estimator_report"
def estimator_report(policy: Tensor, start: Tensor) -> tuple[float, Tensor, Tensor]:
    """Work out bias and spread of the three estimators for one token, without sampling.

    Parameters
    ----------
    policy, start : float64 of shape (words,), probabilities; those of the start are above 0, and
        some of the policy's may be 0: such a word is never drawn

    Returns
    -------
    kl : KL(policy ‖ start) in nats
    biases : shape (3,), mean − kl of k1, k2, k3, when the policy draws the word
    deviations : shape (3,), their standard deviations, each about its own mean
    """
    ### BEGIN SOLUTION
    p, q = policy[policy > 0], start[policy > 0]
    log_r = (q / p).log()
    k = torch.stack([-log_r, log_r.square() / 2, q / p - 1 - log_r])
    means = (p * k).sum(dim=1)
    deviations = (p * (k - means[:, None]).square()).sum(dim=1).sqrt()
    return means[0].item(), means - means[0], deviations
    ### END SOLUTION


# %% check="estimator_report"
check(estimator_report)

# %%
two_p, two_q = torch.tensor([0.65, 0.35]).double(), torch.tensor([0.4, 0.6]).double()
true_kl, biases, deviations = estimator_report(two_p, two_q)
print(f"KL {true_kl:.3f} nats")
for name, bias, deviation in zip(("k1", "k2", "k3"), biases, deviations, strict=True):
    print(f"{name}: bias {bias:+.4f}, standard deviation {deviation:.3f}")

# %% outcome="spread_ratio"
outcome("spread_ratio", float(deviations[0] / deviations[2]))

# %% tags=["hide-input"]
shifts = np.linspace(0.05, 4.0, 60)
reports = [estimator_report(torch.tensor([s, 0.0]).double().softmax(0), torch.tensor([0.0, 0.0]).double().softmax(0)) for s in shifts]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
plot_curves({f"k{k + 1}": (shifts, [r[1][k].item() for r in reports]) for k in range(3)}, xlabel="logit of one word above the start's", ylabel="bias, nats", title="Bias: k2 leaves the truth", ax=axes[0])
plot_curves({f"k{k + 1}": (shifts, [r[2][k].item() for r in reports]) for k in range(3)}, xlabel="logit of one word above the start's", ylabel="standard deviation, nats", title="Spread: k1 near the start, k3 far away", ax=axes[1])
plt.show()

# %% [markdown]
# Near the start k2 is calm and nearly right; far away it is biased. The first, k1, has no bias and is restless near the start. The third has none either, *if* the policy can write all
# that the start can. It is never negative, and far away its spread is the largest. We train with k1, whose
# sum over a line is the logarithm of the line's ratio, and watch k3 beside it. When they disagree by much, something is wrong.

# %% recall="kl"
recall("kl")

# %% [markdown]
# ## Training the policy
#
# Now the policy. For a batch of lines drawn by the *old* policy, each line gets one **advantage**: its scaled reward minus $\beta$ times its
# distance, $A = R - \beta\,\sum_t (\log p_{\text{old}} - \log q)$. There is no value function: the reward's mean was 0 at the start, and that is all the baseline there is.
# Every real token of the line gets the line's advantage, and a ratio $\rho$ of its new to its old probability. PPO's clipped objective takes, token by token,
# the smaller of $\rho A$ and $\operatorname{clip}(\rho, 1 - \epsilon, 1 + \epsilon)\, A$: nothing is gained by moving further.
#
# By hand, "love hate" with reward 1.2 and $\beta = 0.5$: its distance is $-0.61$ nats, so $A = 1.2 + 0.31 = 1.51$. With a ratio of 1.3 and $\epsilon = 0.2$ a token counts
# $1.2 \cdot 1.51$. With $A = -1.51$ it would count $-1.3 \cdot 1.51$: a mistake is never clipped away.
#
# Report the KL that is trained. A log with another KL is how ten nats become forty. The public log's 0.6 is half a
# squared difference *per token*; lines there have 64 tokens.

# %% exercise="policy_loss"
def policy_loss(
    new: Tensor,
    old: Tensor,
    start: Tensor,
    mask: Tensor,
    rewards: Tensor,
    weight: float,
    clip: float,
) -> tuple[Tensor, float, float]:
    """Compute the clipped loss of a policy without value function, with a penalty for distance.

    Parameters
    ----------
    new, old, start : shape (n, t), log-probabilities of the tokens under the policy in training,
        under the one that drew them, and under the start. At padding anything may stand in `start`,
        −inf and NaN too.
    mask : bool (n, t), whether a token is real; every line has at least one
    rewards : shape (n,), on their fixed scale: they are not normalised again, nor is the advantage
    weight : β, of the KL
    clip : ε

    Returns
    -------
    loss : one number, to be minimised: minus the mean over all real tokens of the batch of the
        smaller of ρA and clipped ρA, with A = reward − β · (old − start summed over the line's real
        tokens). Only `new` gets a gradient.
    kl : a float, the mean over lines of that sum, in nats per completion: the KL that is trained
    clipped : a float, the share of real tokens whose ratio lies outside of [1 − ε, 1 + ε]
    """
    ### BEGIN SOLUTION
    old = old.detach()
    drift = torch.where(mask, old - start.detach(), 0.0).sum(dim=1)
    advantage = (rewards - weight * drift)[:, None]
    ratio = torch.where(mask, new - old, 0.0).exp()
    limited = ratio.clamp(1 - clip, 1 + clip)
    gain = torch.minimum(ratio * advantage, limited * advantage)
    loss = -gain[mask].mean()
    return loss, drift.mean().item(), (ratio != limited)[mask].float().mean().item()
    ### END SOLUTION


# %% check="policy_loss"
check(policy_loss)

# %% [markdown]
# Before it trains: if all lines became the same, how would you notice? Neither reward nor KL would say so. Count the different lines.

# %% exercise="distinct_share"
def distinct_share(tokens: Tensor, mask: Tensor) -> float:
    """Compute how many of the lines differ, as a share of all.

    Parameters
    ----------
    tokens : int64 (n, t), n at least 1
    mask : bool (n, t). Lines are the same if their real tokens are, in the same order;
        padding is not compared, and a real token may be 0.

    Returns
    -------
    the number of different lines divided by n; 1 ⁄ n where all are the same
    """
    ### BEGIN SOLUTION
    seen = {tuple(tokens[i, mask[i]].tolist()) for i in range(len(tokens))}
    return len(seen) / len(tokens)
    ### END SOLUTION


# %% check="distinct_share"
check(distinct_share)

# %% [markdown]
# **Predict.** The run below has no penalty, $\beta = 0$, and goes on past 10 nats.

# %% predict="past_the_limit"
commit("past_the_limit", ..., sure=...)

# %%
def log_probs_of(model: nn.Module, tokens: Tensor) -> Tensor:
    """The log-probability of every token (n, t), after the start token and those before it."""
    seen = F.pad(tokens, (1, 0), value=2)
    return model(seen[:, :-1]).log_softmax(dim=-1).gather(2, tokens[..., None])[..., 0]


def gold(tokens: Tensor) -> float:
    """The mean of the lexicon's scores of lines, from −1 to 1: what nobody trains on."""
    return float(np.mean(sentiment(words_of(tokens))))


def common_share(tokens: Tensor, count: int = 5) -> float:
    """How much of all that the lines say is said with the few commonest words."""
    said = Counter(word for line in words_of(tokens) for word in line.split())
    return sum(n for _, n in said.most_common(count)) / said.total()


def train_policy(reward: Callable[[Tensor, Tensor], Tensor], weight: float, iterations: int, seed: int = 0) -> list[dict[str, Any]]:
    """Train a copy of the start; return a checkpoint for every iteration, each of its own samples."""
    torch.manual_seed(seed)
    dice = torch.Generator().manual_seed(seed)
    policy = copy.deepcopy(start)
    optimiser = torch.optim.Adam(policy.parameters(), lr=1e-3)
    seen = []
    for step in range(iterations):
        tokens, mask, old = sample_completions(policy, 256, LONGEST, 1.0, dice)
        with torch.no_grad():
            before, rewards = log_probs_of(start, tokens), reward(tokens, mask)
        row = {
            "step": step, "proxy": rewards.mean().item(), "held_out": gold(tokens),
            "distinct": distinct_share(tokens, mask), "common": common_share(tokens),
            "k3": kl_estimates(old, before, mask)[2].mean().item(),
            "policy": copy.deepcopy(policy), "samples": words_of(tokens[:6]),
        }
        clips = []
        for part in (*torch.randperm(256).split(128), *torch.randperm(256).split(128)):
            new = log_probs_of(policy, tokens[part])
            loss, _, clipped = policy_loss(new, old[part], before[part], mask[part], rewards[part], weight, 0.2)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            clips.append(clipped)
        row["kl"] = policy_loss(old, old, before, mask, rewards, weight, 0.2)[1]
        seen.append({**row, "clipped": float(np.mean(clips))})
    return seen


trained = train_policy(proxy, weight=0.0, iterations=30)
print("step  proxy   gold     KL     k3  clipped  different  five words")
for row in trained[::3]:
    print(f"{row['step']:4} {row['proxy']:6.2f} {row['held_out']:6.2f} {row['kl']:6.1f} {row['k3']:6.1f} {row['clipped']:8.1%} {row['distinct']:9.0%} {row['common']:10.0%}")
print("\nat the end:", *trained[-1]["samples"], sep="\n  ")
in_the_end = trained[-1]["common"]
five_words = "below 20 %" if in_the_end < 0.2 else "20 to 40 %" if in_the_end <= 0.4 else "above 40 %"

# %% outcome="past_the_limit"
outcome("past_the_limit", five_words)

# %% tags=["hide-input"]
root = [math.sqrt(max(row["kl"], 0.0)) for row in trained]
fig, axes = plt.subplots(1, 3, figsize=(14, 3.8))
plot_curves({"√KL": root, "10 nats": [math.sqrt(10)] * len(root)}, xlabel="iteration", ylabel="√(nats per line)", title="Ten nats are passed on the way", ax=axes[0])
plot_curves({"proxy": (root, [row["proxy"] for row in trained])}, xlabel="√KL", ylabel="reward, deviations", title="The reward that is trained", ax=axes[1])
plot_curves({"gold": (root, [row["held_out"] for row in trained]), "different": (root, [row["distinct"] for row in trained]), "five words": (root, [row["common"] for row in trained])}, xlabel="√KL", ylabel="lexicon; shares", title="What it does not see", ax=axes[2])
plt.show()

# %% [markdown]
# The reward rises to the end, and the lines at the end are worth nothing. This is **overoptimisation**: the proxy is pushed to where it was never
# labelled. In our toy the gold label is a lexicon, and a line of one good word repeated pleases it too. So count words: five of them are most of what is said.
#
# The share of different lines is a late alarm, since a few words stand in many orders. With three other seeds nearly all lines were different to the end, and the five words had 47 to 68 %.

# %% recall="policy"
recall("policy")

# %% [markdown]
# ## Where to stop
#
# The rule, set before the run: training stops when the KL first exceeds 10 nats per completion. Checkpoints up to there exist; later ones do not. Among them, those with
# too few different lines are out. The best of the rest, by what was *held out* and not by the proxy, is taken.

# %% exercise="choose_checkpoint"
def choose_checkpoint(
    checkpoints: list[dict[str, Any]], limit: float, fewest_distinct: float
) -> int | None:
    """Choose the checkpoint to keep, by rules set beforehand.

    Parameters
    ----------
    checkpoints : in any order; each has "step", "kl" (nats per completion, a little below 0 by
        chance at times), "proxy", "held_out" (None where it was not measured) and "distinct". There
        may be none.
    limit : in order of steps, the first checkpoint with a KL above it, be it measured or not, and
        all after it, are out
    fewest_distinct : checkpoints with a smaller share are out, as are those not measured

    Returns
    -------
    the "step" of the one with the highest "held_out"; of equals the one with the smallest KL, then
        the earliest; None if all are out
    """
    ### BEGIN SOLUTION
    allowed = []
    for row in sorted(checkpoints, key=lambda row: row["step"]):
        if row["kl"] > limit:
            break
        if row["distinct"] >= fewest_distinct and row["held_out"] is not None:
            allowed.append(row)
    best = min(allowed, key=lambda row: (-row["held_out"], row["kl"], row["step"]), default=None)
    return None if best is None else best["step"]
    ### END SOLUTION


# %% check="choose_checkpoint"
check(choose_checkpoint)

# %%
chosen_step = choose_checkpoint(trained, 10.0, 0.9)
if chosen_step is None:
    raise ValueError("no checkpoint keeps to the limits; train with a lower rate")
chosen = trained[chosen_step]
print(f"chosen: iteration {chosen['step']}, KL {chosen['kl']:.1f} nats, gold {trained[0]['held_out']:.2f} → {chosen['held_out']:.2f}, "
      f"{chosen['distinct']:.0%} different")
print(*chosen["samples"], sep="\n")

# %% [markdown]
# ## Six logs
#
# Six colleagues send you the last batch of a run, and the KL they reported for it. Here are the six reports beside what their lines look like.
# The reports alone do not tell who is right.

# %%
def batch_of(policy: nn.Module, seed: int, temperature: float = 1.0) -> SimpleNamespace:
    """What a run writes down about a batch: tokens, mask, three kinds of log-probabilities, the KL."""
    tokens, mask, sampled = sample_completions(policy, 300, LONGEST, temperature, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        own, before = log_probs_of(policy, tokens), log_probs_of(start, tokens)
    kl = kl_estimates(own, before, mask)[0].mean().item()
    return SimpleNamespace(tokens=tokens, mask=mask, sampled_log_probs=sampled, policy_log_probs=own, start_log_probs=before, reported_kl=kl)


logs = {name: batch_of(chosen["policy"], seed) for seed, name in enumerate("ABCD")}
logs["A"].reported_kl *= -1
logs["B"].reported_kl /= logs["B"].mask.sum(dim=1).float().mean().item()
logs["C"].reported_kl = (logs["C"].policy_log_probs - logs["C"].start_log_probs).sum(dim=1).mean().item()
logs["E"] = batch_of(chosen["policy"], 5, temperature=0.7)
logs["F"] = batch_of(trained[-1]["policy"], 6, temperature=1.0)
few = torch.arange(300) % 4
for part in ("tokens", "mask", "sampled_log_probs", "policy_log_probs", "start_log_probs"):
    setattr(logs["F"], part, getattr(logs["F"], part)[few])
logs["F"].reported_kl = kl_estimates(logs["F"].policy_log_probs, logs["F"].start_log_probs, logs["F"].mask)[0].mean().item()
for name, log in logs.items():
    print(f"{name}: KL {log.reported_kl:6.2f}   {' | '.join(words_of(log.tokens[:3]))}")

# %% [markdown]
# Go down this table; the first row that applies is the diagnosis. Your own KL is $k_1$, summed over the real tokens of a line and averaged over lines.
# "Agrees" means within 2 % of its size.
#
# | diagnosis | what is seen |
# |---|---|
# | another temperature | at some real token, sampled and policy log-probability differ by more than 0.01 |
# | sign | the report agrees with minus your KL |
# | not per completion | the report agrees with your KL divided by the mean number of real tokens in a line |
# | padding counted | the report does not agree with your KL, in none of these ways |
# | collapsed | fewer than a tenth of the lines are different |
# | sound | none of these |

# %% exercise="diagnose_run"
def diagnose_run(log: Any) -> str:
    """Say what is wrong with a run, by the table above.

    Parameters
    ----------
    log : with attributes tokens (n, t), mask (n, t); of the same shape sampled_log_probs (written
        down while sampling), policy_log_probs and start_log_probs (worked out for the loss), in
        which anything finite may stand at padding; and reported_kl, a float. No KL is near 0, and
        lines have two real tokens or more on average.

    Returns
    -------
    "another temperature", "sign", "not per completion", "padding counted", "collapsed" or "sound":
        the first row that applies. Log-probabilities and lines are compared at real tokens alone.
    """
    ### BEGIN SOLUTION
    gap = (log.sampled_log_probs - log.policy_log_probs)[log.mask].abs().max()
    if gap > 0.01:
        return "another temperature"
    difference = torch.where(log.mask, log.policy_log_probs - log.start_log_probs, 0.0)
    own = difference.sum(dim=1).mean().item()
    length = log.mask.sum(dim=1).float().mean().item()
    if abs(log.reported_kl + own) <= 0.02 * abs(own):
        return "sign"
    if abs(log.reported_kl - own / length) <= 0.02 * abs(own / length):
        return "not per completion"
    if abs(log.reported_kl - own) > 0.02 * abs(own):
        return "padding counted"
    lines = {tuple(log.tokens[i, log.mask[i]].tolist()) for i in range(len(log.mask))}
    return "collapsed" if len(lines) < 0.1 * len(log.mask) else "sound"
    ### END SOLUTION


# %% check="diagnose_run"
check(diagnose_run)

# %%
for name, log in logs.items():
    print(f"{name}: {diagnose_run(log)}")

# %% [markdown]
# ## No training at all
#
# Draw $n$ lines from the start and keep the one the proxy likes best. That is **best-of-n**. It moves no weight, and its distance is known without a sample: at most
# $\ln n - (n-1)/n$ nats, and equal to it where no line comes twice. Whoever trains a policy has to beat it at the same KL.
#
# With $N$ scored lines at hand, do not take the best of the first $n$: average over *all* choices of $n$ different ones. Sorted by the proxy, the $i$-th smallest is the best
# of $\binom{i-1}{n-1}$ of the $\binom{N}{n}$ choices. By hand: of 1, 2 and 4 with $n = 2$ the choices give 2, 4 and 4, on average 3.33.

# %% exercise="best_of_n"
def best_of_n(proxy: Tensor, gold: Tensor, n: int) -> tuple[float, float]:
    """Estimate, without bias, the gold reward of best-of-n, and its KL.

    Parameters
    ----------
    proxy, gold : shape (N,), two rewards of the same lines, in any order; N may be some thousands.
        The proxy chooses; the gold reward scores the chosen one.
    n : from 1 to N

    Returns
    -------
    value : the mean gold reward of the line with the highest proxy, over all choices of n different
        lines; where several lines of a choice tie for the highest proxy, the mean of their gold
        rewards
    kl : ln n − (n − 1)/n, in nats

    Raises
    ------
    ValueError : n below 1 or above N
    """
    ### BEGIN SOLUTION
    count = len(proxy)
    if not 1 <= n <= count:
        raise ValueError(f"n is from 1 to {count}, not {n}")
    value, below = 0.0, 0
    for score in proxy.unique():
        tied = proxy == score
        upto = below + int(tied.sum())
        share = (math.comb(upto, n) - math.comb(below, n)) / math.comb(count, n)
        value += share * gold[tied].double().mean().item()
        below = upto
    return value, math.log(n) - (n - 1) / n
    ### END SOLUTION


# %% check="best_of_n"
check(best_of_n)

# %%
fresh = slice(FEW, FEW + 1500)  # lines the reward model was not trained on
fresh_proxy = proxy(tokens[fresh], mask[fresh])
fresh_gold = torch.tensor(sentiment(words_of(tokens[fresh])))
sizes = [1, 2, 4, 8, 16, 32, 64, 128]
best = {n: (*best_of_n(fresh_proxy, fresh_gold, n), best_of_n(fresh_proxy, fresh_proxy, n)[0]) for n in sizes}
for n, (value, kl, own_value) in best.items():
    print(f"best of {n:3}: KL {kl:.2f} nats, proxy {own_value:5.2f}, gold {value:5.2f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
inside = [row for row in trained if row["kl"] <= 16]
plot_curves({"best of n": ([math.sqrt(kl) for _, kl, _ in best.values()], [value for value, _, _ in best.values()]),
             "policy": ([math.sqrt(max(row["kl"], 0)) for row in inside], [row["held_out"] for row in inside])},
            xlabel="√KL from the start, √nats", ylabel="gold: the lexicon's mean", title="At the same distance, is training better?", ax=ax)
plt.show()

# %% [markdown]
# With a gold reward that turns, {cite:t}`gao2023` found two laws. Let $d = \sqrt{\mathrm{KL}}$, and count the gold reward from the start's:
#
# $$ R_{\text{best of } n}(d) = d\,(\alpha - \beta d), \qquad R_{\text{RL}}(d) = d\,(\alpha - \beta \log d). $$
#
# Mind the second. $\alpha\sqrt{\mathrm{KL}} - \beta\,\mathrm{KL}$ is often quoted for reinforcement learning; it is the first law. With $\alpha = 1$, $\beta = 0.25$ best of n peaks at
# $d = \alpha/2\beta = 2$, and the law of RL only at $d = e^{\alpha/\beta - 1} = e^3 = 20$: another world. Both are linear in $\alpha$ and $\beta$, so a fit is one least squares.

# %% exercise="fit_gao"
def fit_gao(kl: np.ndarray, rewards: np.ndarray, kind: str) -> tuple[float, float, float]:
    """Fit the law of overoptimisation for one kind of optimisation, by least squares in the reward.

    Parameters
    ----------
    kl : shape (m,), nats per completion, in any order; 0 may be among them, where the law is 0
    rewards : shape (m,), gold rewards, counted from the start's
    kind : "best of n" or "rl"

    Returns
    -------
    alpha, beta : of the law above, with the natural logarithm; the law has no constant term
    peak : the *KL* at which the fitted law is highest, alpha being positive; math.inf where beta is
        not positive

    Raises
    ------
    ValueError : another kind, a KL below 0, or fewer than two different KLs above 0
    """
    ### BEGIN SOLUTION
    if kind not in ("best of n", "rl") or (kl < 0).any() or len(np.unique(kl[kl > 0])) < 2:
        raise ValueError("no law can be fitted to these")
    d = np.sqrt(kl)
    falls = d if kind == "best of n" else np.log(np.where(d > 0, d, 1.0))
    alpha, beta = np.linalg.lstsq(np.stack([d, -d * falls], axis=1), rewards, rcond=None)[0]
    if beta <= 0:
        return float(alpha), float(beta), math.inf
    top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)
    return float(alpha), float(beta), float(top**2)
    ### END SOLUTION


# %% check="fit_gao"
check(fit_gao)

# %%
base = best[1][0]
alpha, beta, peak = fit_gao(np.array([kl for _, kl, _ in best.values()]), np.array([value - base for value, _, _ in best.values()]), "best of n")
print(f"best of n: α {alpha:.2f}, β {beta:.3f}, peak at {peak:.0f} nats")
far = [row for row in trained if row["kl"] > 0]
alpha, beta, peak = fit_gao(np.array([row["kl"] for row in far]), np.array([row["held_out"] - base for row in far]), "rl")
print(f"policy:    α {alpha:.2f}, β {beta:.3f}, peak at {peak:.3g} nats")

# %% [markdown]
# A $\beta$ that is not positive says that the gold reward was not seen to turn: a law without a peak. That is no proof that it never turns. Our gold label and our proxy come from one
# lexicon, and a lexicon is pleased by "good" once more. Say how far your data reach, and claim no more. Compare the two curves at equal distance, too: best-of-n costs no training.

# %% [markdown]
# Here is a made-up reward model whose gold reward does turn. Move the distance and β, and see what the proxy says meanwhile.

# %%
overoptimisation_figure()

# %% recall="best"
recall("best")

# %% [markdown]
# ## Two other ways
#
# **GRPO** {cite:p}`shao2024` draws several completions to *one prompt* and compares them with each other. The advantage is the reward minus the mean of its group, divided by the
# group's standard deviation. So a hard prompt is no disadvantage, and no value function is needed.

# %% exercise="group_advantages"
def group_advantages(rewards: Tensor, prompts: Tensor) -> Tensor:
    """Compute GRPO's advantages: each completion beside others of its prompt.

    Parameters
    ----------
    rewards : float, shape (n,)
    prompts : int64 (n,), the number of each completion's prompt. Completions of a prompt may stand
        anywhere; groups may have any sizes, 1 too.

    Returns
    -------
    shape (n,), in the order given: (reward − group mean) / group standard deviation, which divides
        by the group's size. 0 for all of a group whose rewards are equal, however their mean is
        rounded, and for a completion alone. Rewards may be small: nothing is added to the deviation
        that is not far below 1e-4 of it.
    """
    ### BEGIN SOLUTION
    found = torch.zeros_like(rewards)
    for prompt in prompts.unique():
        group = prompts == prompt
        values = rewards[group]
        if values.max() > values.min():
            found[group] = (values - values.mean()) / values.std(correction=0)
    return found
    ### END SOLUTION


# %% check="group_advantages"
check(group_advantages)

# %% [markdown]
# **DPO** {cite:p}`rafailov2023` needs neither a reward model nor samples of the policy. It takes pairs of completions of which one is better, and asks for each how much *more* likely
# it became than under the start: $g = \log p - \log q$ of the whole completion. The loss is $-\log \sigma(\beta\,(g_{\text{better}} - g_{\text{worse}}))$. Our soft labels make such pairs.
# A pair with equal labels says nothing, and is left out.

# %% exercise="dpo_loss"
def dpo_loss(
    policy: Tensor, start: Tensor, labels: Tensor, pairs: Tensor, beta: float
) -> tuple[Tensor, float]:
    """Compute DPO's loss on pairs of labelled completions.

    Parameters
    ----------
    policy, start : shape (n,), log-probabilities of whole completions under both models
    labels : shape (n,), soft labels; the higher one of two is the better
    pairs : int64 (m, 2), places of two completions each, in either order. Pairs with equal labels
        are left out of everything.
    beta : positive

    Returns
    -------
    loss : one number, the mean over the remaining pairs; 0 if none remains. Margins may be in the
        hundreds. Only `policy` gets a gradient.
    share : a float, of the remaining pairs, for which the better one's log p − log q is larger than
        the worse one's; 0 if none remains
    """
    ### BEGIN SOLUTION
    pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
    turned = labels[pairs[:, 0]] < labels[pairs[:, 1]]
    ordered = torch.where(turned[:, None], pairs.flip(1), pairs)
    gone = policy - start.detach()
    margin = gone[ordered[:, 0]] - gone[ordered[:, 1]]
    count = max(len(margin), 1)
    return F.softplus(-beta * margin).sum() / count, (margin > 0).sum().item() / count
    ### END SOLUTION


# %% check="dpo_loss"
check(dpo_loss)

# %% [markdown]
# Both on the same labels. GRPO gets prompts: the first two words of held-out lines, eight completions to each. Its penalty is inside of the reward, as ours was.

# %%
class Prompted(nn.Module):
    """A model that has read a prompt (n, 2) where others read the start token alone."""

    def __init__(self, model: nn.Module, prompts: Tensor) -> None:
        super().__init__()
        self.model, self.prompts = model, prompts

    def forward(self, seen: Tensor) -> Tensor:
        return self.model(torch.cat([F.pad(self.prompts, (1, 0), value=2), seen[:, 1:]], dim=1))[:, 2:]


def train_grpo(iterations: int, seed: int = 0) -> nn.Module:
    """Thirty-two prompts with eight completions each, an iteration."""
    torch.manual_seed(seed)
    dice = torch.Generator().manual_seed(seed)
    policy = copy.deepcopy(start)
    optimiser = torch.optim.Adam(policy.parameters(), lr=1e-3)
    for _ in range(iterations):
        which = torch.arange(32).repeat_interleave(8)
        prompts = held_lines[torch.randint(len(held_lines), (32,)), 1:3][which]
        tokens, mask, old = sample_completions(Prompted(policy, prompts), 256, LONGEST - 2, 1.0, dice)
        whole, real = torch.cat([prompts, tokens], dim=1), F.pad(mask, (2, 0), value=True)
        advantages = group_advantages(proxy(whole, real), which)
        with torch.no_grad():
            before = log_probs_of(start, whole)[:, 2:]
        for part in (*torch.randperm(256).split(128), *torch.randperm(256).split(128)):
            new = log_probs_of(policy, whole[part])[:, 2:]
            loss, _, _ = policy_loss(new, old[part], before[part], mask[part], advantages[part], 0.05, 0.2)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return policy


def train_dpo(steps: int, seed: int = 0) -> nn.Module:
    """Pairs of the labelled lines, 96 a step."""
    torch.manual_seed(seed)
    policy = copy.deepcopy(start)
    with torch.no_grad():
        before = (log_probs_of(start, tokens[:FEW]) * mask[:FEW]).sum(dim=1)

    def loss() -> Tensor:
        some = torch.randint(FEW, (96,))
        now = (log_probs_of(policy, tokens[some]) * mask[some]).sum(dim=1)
        return dpo_loss(now, before[some], soft[some], torch.arange(96).reshape(48, 2), 0.1)[0]

    fit(policy.parameters(), loss, steps, 1e-3)
    return policy


def measured_on_samples(policy: nn.Module, seed: int = 11) -> tuple[float, float, float]:
    """KL from the start in nats per line, gold, share of different lines; from 512 samples."""
    tokens, mask, own = sample_completions(policy, 512, LONGEST, 1.0, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        kl = kl_estimates(own, log_probs_of(start, tokens), mask)[0].mean().item()
    return kl, gold(tokens), distinct_share(tokens, mask)


rivals = {"start": start, "PPO, chosen": chosen["policy"], "GRPO": train_grpo(9), "DPO": train_dpo(60)}
for name, policy in rivals.items():
    kl, value, share = measured_on_samples(policy)
    print(f"{name:<12} KL {round(kl, 1) + 0.0:5.1f} nats   gold {value:5.2f}   different {share:.0%}")

# %% [markdown]
# These are single runs at different distances: no ranking follows from them. Compare them at the same KL, with several seeds, before you say which is better.

# %% recall="others"
recall("others")

# %% [markdown]
# ## Is it the reward?
#
# A policy that is trained drifts, whatever the reward. So train another with a reward that knows nothing of happiness: a random number for each word, fixed once, averaged over the line.
#
# **Predict.** What will its lines score?

# %% predict="random_gain"
commit("random_gain", ..., sure=...)

# %%
worth = torch.randn(len(vocabulary), generator=torch.Generator().manual_seed(3))


def random_score(tokens: Tensor, mask: Tensor) -> Tensor:
    """The mean worth of a line's real tokens."""
    return (worth[tokens] * mask).sum(dim=1) / mask.sum(dim=1)


random_scale = RewardScale(random_score(tokens, mask))
control = train_policy(lambda tokens, mask: random_scale(random_score(tokens, mask)), weight=0.0, iterations=14)
within = [row for row in control if row["kl"] <= 10][-1]
change = within["held_out"] - control[0]["held_out"]
print(f"random reward: {control[0]['proxy']:.2f} → {within['proxy']:.2f} of its own, KL {within['kl']:.1f} nats, gold {control[0]['held_out']:.2f} → {within['held_out']:.2f}")
moved = "stays within 0.1" if abs(change) <= 0.1 else "rises by more than 0.1" if change > 0 else "falls by more than 0.1"

# %% outcome="random_gain"
outcome("random_gain", moved)

# %% [markdown]
# The lexicon is not the judge you care about. Rate twenty lines of the start and twenty of your policy yourself, mixed, without knowing whose they are. The tool
# keeps the order and your ratings; the result comes with the last one, so that nobody stops when it looks good.

# %%
dice = torch.Generator().manual_seed(20)
blind_rating(words_of(sample_completions(start, 20, LONGEST, 1.0, dice)[0]), words_of(sample_completions(chosen["policy"], 20, LONGEST, 1.0, dice)[0]), name="happy_lines")

# %%
rated("happy_lines")

# %% [markdown]
# What do forty ratings prove? Pair the $k$-th line of one side with the $k$-th of the other; each pair is a win, a loss or a tie. A tie counts as half a win. The share of wins
# $w$ among $n$ pairs gets Wilson's interval, which stays honest at 0 and 1: with $z = 1.96$ for 95 %,
#
# $$ \frac{w + \frac{z^2}{2n} \pm z \sqrt{\frac{w(1-w)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}. $$

# %% exercise="blind_result"
def blind_result(
    key: list[str], ratings: list[float | None], z: float
) -> tuple[float, float, float]:
    """Evaluate a blind rating of two models' samples.

    Parameters
    ----------
    key : for each sample, in the order shown, "start" or "trained"
    ratings : 1 positive, 0.5 neutral, 0 negative, in the same order; None where not rated yet
    z : how many standard errors the interval reaches to each side

    Returns
    -------
    share, low, high : the trained policy's wins, ties counted as half, as a share of the pairs; and
        Wilson's interval for as many pairs. The k-th "start" shown is paired with the k-th
        "trained" shown.

    Raises
    ------
    ValueError : no samples, a sample that is not rated, or not as many of both
    """
    ### BEGIN SOLUTION
    before = [ratings[i] for i, whose in enumerate(key) if whose == "start"]
    after = [ratings[i] for i, whose in enumerate(key) if whose == "trained"]
    n = len(before)
    if n == 0 or len(after) != n or None in ratings:
        raise ValueError("the sheet is not finished, or does not pair")
    points = [0.5 if a == b else float(a > b) for a, b in zip(after, before, strict=True)]
    share = sum(points) / n
    middle, width = (
        share + z**2 / (2 * n),
        z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)),
    )
    return share, (middle - width) / (1 + z**2 / n), (middle + width) / (1 + z**2 / n)
    ### END SOLUTION


# %% check="blind_result"
check(blind_result)

# %%
for wins in (12, 15, 18):
    share, low, high = blind_result(["start", "trained"] * 20, [0.5, 1.0] * wins + [0.5, 0.0] * (20 - wins), 1.96)
    print(f"{wins} of 20 pairs won: {share:.2f}, from {low:.2f} to {high:.2f}")

# %% [markdown]
# Now the science. *Does the learned reward make lines happier than a random one does?* You are given a budget of trainings, each with a reward and a seed. You choose seeds,
# controls and the interval. A colleague will draw the same conclusion from your runs as you do, or will find out why not.

# %% exercise="compare_rewards"
def compare_rewards(
    train: Callable[[str, int], list[tuple[float, float]]], budget: int, limit: float
) -> tuple[str, float, float, float]:
    """Find out whether the learned reward does more than a random one, within a budget.

    Parameters
    ----------
    train : train("learned" or "random", seed) makes a training, seed a whole number from 0 on, and
        returns its checkpoints in order: (KL in nats, held-out reward), the first before training.
        The same reward and seed give the same. The same seed with another reward has part of its
        luck in common.
    budget : the most trainings there may be, 8 to 20, an even number
    limit : nats. A run is measured at its last checkpoint before its KL first exceeds the limit.

    Returns
    -------
    conclusion : "better" if the whole interval is above 0, "worse" if it is below, "cannot tell"
        otherwise
    difference : the mean measure with the learned reward, minus that with the random one, of the
        runs made
    low, high : a 95 % interval for that difference over new seeds, around it. It holds the truth in
        19 studies of 20, with four seeds too, and is at most one and a half times as wide as one
        from the paired differences of all seeds there is budget for.

    At least four seeds for each reward, as many for both, none twice. How many is settled before
    the first training.
    """
    ### BEGIN SOLUTION
    def measure(reward: str, seed: int) -> float:
        value = math.nan
        for kl, held_out in train(reward, seed):
            if kl > limit:
                break
            value = held_out
        return value

    seeds = budget // 2
    gaps = np.array([measure("learned", seed) - measure("random", seed) for seed in range(seeds)])
    # Student's t, n − 1
    quantiles = {4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
    mean, half = float(gaps.mean()), quantiles[seeds] * float(gaps.std(ddof=1)) / math.sqrt(seeds)
    conclusion = "better" if mean - half > 0 else "worse" if mean + half < 0 else "cannot tell"
    return conclusion, mean, mean - half, mean + half
    ### END SOLUTION


# %% check="compare_rewards"
check(compare_rewards)

# %% recall="control"
recall("control")

# %% [markdown]
# The real run does this at a size that a page cannot: more text, a larger transformer and more samples, with all the policies of this page side by side. It trains your
# `Decoder` of [Research 1](01_transformers.ipynb), or ours.

# %% tags=["real-run"]
run("rlhf_shakespeare", model="mine")

# %%
recorded("rlhf_shakespeare")

# %% [markdown]
# ## Go further
#
# **Comparisons.** Label pairs instead of single lines: which of two is happier? Train the reward model on $-\log \sigma$ of the difference of scores, with prompts.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same number of minutes spent on both kinds of label, not the same number of labels. Held-out pairs for both. A word on ties: what the tool
# asks you when both lines are neutral, and what becomes of the answer.
# :::
#
# **A penalty that holds the line.** With which $\beta$ does the policy settle at 5 nats by itself?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The optimal policy for a penalty $\beta$ is the start's distribution times $e^{R/\beta}$. A curve of KL against $\beta$ with several seeds. A remark that training
# that stops early looks like a larger $\beta$.
# :::
#
# ## Explain it to a friend
#
# The first question is the exercise of {cite:t}`christiano2021`: a proposal for **eliciting latent knowledge**, and its counterexample. Write both before you look
# at the answer, which lists counterexamples that are known.

# %% write="elk_proposal"
write("elk_proposal", """
""")

# %% write="goodhart"
write("goodhart", """
""")

# %% write="which_method"
write("which_method", """
""")
