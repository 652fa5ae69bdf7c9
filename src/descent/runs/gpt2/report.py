# %% [markdown]
# # GPT-2's smallest model on OpenWebText
#
# The report of one run: what was asked, the machine, the training, its curve and speed, what the
# model writes, and the published number beside ours.

# %%
from descent.runs.folder import RunFolder
from descent.runs.gpt2.report_cells import show_sample, show_speed
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
# ## The speed
#
# MFU is the share of the devices' arithmetic that the model's mathematics made use of.

# %%
show_speed(run)

# %% [markdown]
# ## What it writes
#
# It begins at the end of another text; where it says `<|endoftext|>`, it begins anew.

# %%
show_sample(run)

# %% [markdown]
# ## Beside the published number

# %%
show_comparison(run)
