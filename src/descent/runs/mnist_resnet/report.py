# %% [markdown]
# # Handwritten digits, as fast as can be
#
# The report of one run: what was asked, the machine, the trainings, their curves, mean and spread
# over the seeds, and the published number beside ours. The seconds are of training alone:
# loading the digits, compiling, measuring and saving are not in them.

# %%
from descent.runs.folder import RunFolder
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

# %%
train_run(run)

# %% [markdown]
# ## Their curves

# %%
show_curves(run)

# %% [markdown]
# ## What they came to

# %%
held_out = run.asked()["settings"]["held_out"]
show_trainings(run, "validation accuracy" if held_out else "test accuracy")

# %% [markdown]
# ## Beside the published number

# %%
show_comparison(run)
