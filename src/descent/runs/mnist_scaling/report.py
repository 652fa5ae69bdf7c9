# %% [markdown]
# # A scaling study on handwritten digits
#
# The report of one sweep: what was asked, the machine, the trainings, the loss of every width and
# set, and the loss against compute with its frontier. Each training sees its set once.

# %%
from descent.runs.folder import RunFolder
from descent.runs.mnist_scaling.report_cells import show_frontiers, show_losses
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
# ## What they came to
#
# A loss is the mean over the seeds, measured on all pictures that are held out.

# %%
show_losses(run)

# %% [markdown]
# ## Loss against compute
#
# A line for each width, a point for each set; black is the frontier: what no other training beats
# with as little compute.

# %%
show_frontiers(run)

# %% [markdown]
# ## Exponents
#
# Fitted on the frontier of each seed by itself, then mean and spread over the seeds.

# %%
show_comparison(run)
