# %% [markdown]
# # Handwritten digits that withstand an attack
#
# The report of one run: what was asked, the machine, the trainings, their curves, the accuracy with
# and without an attack, by the size of the attack, and the published numbers beside ours.

# %%
from descent.runs.folder import RunFolder
from descent.runs.mnist_adversarial.report_cells import (
    show_attacked,
    show_by_epsilon,
    show_suspicions,
)
from descent.runs.results.report_cells import (
    show_comparison,
    show_curves,
    show_machine,
    show_settings,
    show_trainings,
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
# ## The trainings
#
# PGD with restarts counts a picture as read right when no restart fooled the network on it.

# %%
train_run(run)

# %% [markdown]
# ## Their curves
#
# The loss is of the pictures as the attack left them. When it falls to nearly nothing all at once,
# the network has learned to fool this one attack: catastrophic overfitting. The table of attacks
# below tells.

# %%
show_curves(run)

# %% [markdown]
# ## What they came to

# %%
split = "validation" if run.asked()["settings"]["held_out"] else "test"
show_trainings(run, f"{split} clean accuracy")

# %%
show_trainings(run, f"{split} FGSM accuracy")

# %%
show_trainings(run, f"{split} PGD accuracy")

# %%
show_trainings(run, f"{split} PGD with restarts accuracy")

# %% [markdown]
# ## By the size of the attack

# %%
show_by_epsilon(run)

# %% [markdown]
# ## Is the gradient masked?
#
# A network may fool the attack and not withstand it. Then one step does more harm than many, more
# steps do more, or an attack without bound does not always win.

# %%
show_suspicions(run)

# %% [markdown]
# ## What the attack does

# %%
show_attacked(run)

# %% [markdown]
# ## Beside the published numbers

# %%
show_comparison(run)
