# %% [markdown]
# # How many updates a batch size needs
#
# The report of one sweep: what was asked, the machine, the trainings, the best rate of each batch,
# and the updates against the batch. Small batches halve their updates when they double; from the
# critical batch on, doubling buys little.

# %%
from descent.runs.batch_size_sweep.report_cells import show_best, show_knee
from descent.runs.folder import RunFolder
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
# ## The trainings

# %%
train_sweep(run)

# %%
show_whole(run)

# %% [markdown]
# ## The best rate of each batch

# %%
show_best(run)

# %% [markdown]
# ## The knee
#
# The curve is fewest · (1 + critical / batch), fitted to the means.

# %%
show_knee(run)

# %% [markdown]
# ## What it comes to
#
# Fitted for each seed by itself, then mean and spread over the seeds.

# %%
show_comparison(run)
