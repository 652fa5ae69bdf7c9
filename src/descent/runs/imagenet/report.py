# %% [markdown]
# # ResNet-50 on ImageNet
#
# The report of one run: what was asked, the machine, what the network sees, the training, its
# curves, and the published table beside ours.

# %%
from descent.runs.folder import RunFolder
from descent.runs.imagenet.report_cells import show_accuracy, show_crops, show_table
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
# ## What the network saw
#
# The first pictures of the first batch, cut, mirrored and brought to size by the loader.

# %%
show_crops(run)

# %% [markdown]
# ## The curves
#
# The training loss is of mixed, smoothed or cropped pictures where the settings say so, and need
# not lie below the one that is measured on whole pictures.

# %%
show_curve(run)

# %%
show_accuracy(run)

# %% [markdown]
# ## Beside the published numbers

# %%
show_comparison(run)

# %%
show_table(run)
