# %% [markdown]
# # Pleasant Shakespeare
#
# The report of one run: a language model learns the plays; its samples are labelled; a reward model
# learns the labels; and five policies learn from the reward, or from the labels. What they gain
# stands beside what they lose.

# %%
from descent.runs.folder import RunFolder
from descent.runs.results.report_cells import (
    show_comparison,
    show_machine,
    show_settings,
    train_run,
)
from descent.runs.rlhf_shakespeare.report_cells import (
    show_calibration,
    show_distances,
    show_labels,
    show_overoptimisation,
    show_samples,
    show_table,
)

# %% tags=["parameters"]
folder = ""

# %%
run = RunFolder(folder)
show_settings(run)

# %%
show_machine()

# %% [markdown]
# ## The training
#
# All stages follow one another: language model, reward model, then PPO, GRPO, DPO, PPO with random
# rewards, and PPO that is not stopped. The loss is that of the stage under way.

# %%
train_run(run)

# %% [markdown]
# ## The labels
#
# Where no person labelled anything, the lexicon did, and everything below is about what the lexicon
# likes.

# %%
show_labels(run)

# %% [markdown]
# ## The reward model
#
# It reads the last token, and learns soft labels: 0.5 is neutral.

# %%
show_calibration(run)

# %% [markdown]
# ## The distance from the language model
#
# KL is in nats for each completion, the mean of log p(policy) - log p(language model) over samples
# of the policy. Its root grows about in a line. Training ends at the limit; the weights of the
# iteration before are kept. The policy `unstopped` shows what comes after.

# %%
show_distances(run)

# %% [markdown]
# ## What is learnt, and what is wanted
#
# The reward model is what PPO and GRPO maximise; the lexicon gave the labels, so it says what was
# wanted. Where the first rises and the second does not, the reward is overoptimised. Where the
# share of distinct samples falls, the policy collapses.

# %%
show_overoptimisation(run)

# %%
show_table(run)

# %% [markdown]
# ## What they write
#
# Samples at each checkpoint; a slash is the end of a line. To rate samples of two models without
# seeing whose they are: `blind_rating(*samples_to_rate(run))` in a notebook, with
# `from descent.runs.rlhf_shakespeare.report_cells import samples_to_rate`.

# %%
show_samples(run, "ppo")

# %%
show_samples(run, "unstopped")

# %%
show_samples(run, "dpo")

# %%
show_comparison(run)
