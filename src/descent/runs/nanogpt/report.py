# %% [markdown]
# # A small GPT that writes Shakespeare
#
# The report of one run: what was asked, the machine, the training, its curve, what the model
# writes, and the published number beside ours.

# %%
from descent.runs.folder import RunFolder
from descent.runs.nanogpt.report_cells import show_sample, show_whole_validation
from descent.runs.results.report_cells import (
    show_comparison,
    show_curve,
    show_machine,
    show_settings,
    train_run,
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

# %%
train_run(run)

# %% [markdown]
# ## The curve

# %%
show_curve(run)

# %% [markdown]
# ## What it writes

# %%
show_sample(run)

# %% [markdown]
# ## Beside the published number

# %%
show_comparison(run)

# %% [markdown]
# The published numbers, and ours above, are means of random batches. Over the whole validation
# split nothing is left to chance:

# %%
show_whole_validation(run)
