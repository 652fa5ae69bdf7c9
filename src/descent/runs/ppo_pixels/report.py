# %% [markdown]
# # A game learned from its pictures
#
# The report of one run: what was asked, the machine, the game, the training, its curve and what it
# is watched by, and the score beside that of chance and of a player who plans.

# %%
from descent.runs.folder import RunFolder
from descent.runs.ppo_pixels.report_cells import show_game, show_players
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
# ## The game
#
# Apples and stones fall on a field of 16 × 16 pixels; the basket, white, moves a pixel in a step. An
# apple earns 1; a golden one, brighter, earns 3, drifts and bounces off the walls; a stone, dark,
# costs 1 and a life. A game has three lives, and ends after 400 steps at the latest. The model is
# given the picture of now, and that of two steps before.

# %%
show_game(run)

# %% [markdown]
# ## The training

# %%
train_run(run)

# %% [markdown]
# ## What games earn
#
# The episode return is the mean of the last hundred games of the training; the test return is that
# of whole games that are played at each measurement, one for each environment.

# %%
show_returns(run)

# %% [markdown]
# ## What it is watched by
#
# Means over the updates since the measurement before; in the green band a training is mostly well.

# %%
show_diagnostics(run)

# %% [markdown]
# ## Beside chance, and beside a plan
#
# The same new games for all three. Who plans is told when and where each thing comes down, which
# the model has to see in the pictures; what has not appeared yet neither of them knows.

# %%
show_players(run)

# %%
show_comparison(run)
