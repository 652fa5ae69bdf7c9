# %% [markdown]
# # The induction heads of GPT-2
#
# The report of one sweep: what was asked, the machine, every head's scores on repeated random
# tokens, and the loss when heads are taken out. Nothing is trained: each "training" is one look.
#
# An induction head looks from a token to what followed that token before. A previous-token head,
# in a layer below, is what lets it find the place.

# %%
from descent.runs.folder import RunFolder
from descent.runs.gpt2_induction.report_cells import show_best, show_scores, show_without
from descent.runs.results.report_cells import show_comparison, show_machine, show_settings
from descent.runs.results.sweep_cells import show_whole, train_sweep

# %% tags=["parameters"]
folder = ""

# %%
run = RunFolder(folder)
show_settings(run)

# %%
show_machine()

# %% [markdown]
# ## The looks

# %%
train_sweep(run)

# %%
show_whole(run)

# %% [markdown]
# ## Where each head looks
#
# The induction score counts all earlier copies of a token.

# %%
show_scores(run)

# %%
show_best(run)

# %% [markdown]
# ## Without them
#
# A score says where a head looks, not what the model makes of it. So heads are taken out: what they
# add is set to zero. If they do the copying, the loss on the later copies rises more than without
# as many others.

# %%
show_without(run)

# %% [markdown]
# ## Beside the published numbers

# %%
show_comparison(run)
