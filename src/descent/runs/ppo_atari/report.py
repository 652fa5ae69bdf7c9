# %% [markdown]
# # An Atari game from the screen
#
# The report of one run: what was asked, the machine, what the model is given, the training, its
# curve and what it is watched by, and the published number beside ours.

# %%
from descent.runs.folder import RunFolder
from descent.runs.ppo_atari.report_cells import show_game
from descent.runs.results.player_cells import show_diagnostics, show_returns
from descent.runs.results.report_cells import (
    show_comparison,
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
# ## What the model is given
#
# The last four pictures, each of four frames in which an action was held.

# %%
show_game(run)

# %% [markdown]
# ## The training

# %%
train_run(run)

# %% [markdown]
# ## What games earn
#
# The true score, of whole games: the mean of the last hundred of the training. What is learned from
# is its sign alone, and every life by itself.

# %%
show_returns(run)

# %% [markdown]
# ## What it is watched by
#
# Means over the updates since the measurement before; in the green band a training is mostly well.

# %%
show_diagnostics(run)

# %% [markdown]
# ## Beside the published number

# %%
show_comparison(run)
