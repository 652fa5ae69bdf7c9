# %% [markdown]
# # Digits out of noise
#
# The report of one run: what was asked, the machine, what the model is given, the training, its
# curve, the digits it makes, what a classifier says of them, and the published numbers beside ours.

# %%
from descent.runs.ddpm.report_cells import (
    draw_samples,
    show_loss_by_step,
    show_noise,
    show_what_they_are,
)
from descent.runs.folder import RunFolder
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
# ## What the model is given
#
# A digit and noise, mixed. The model is told the step t, and says which noise it was.

# %%
show_noise(run)

# %% [markdown]
# ## The training

# %%
train_run(run)

# %% [markdown]
# ## The curve
#
# The validation loss is of pictures that were held out, by the averaged weights where the settings
# ask for an average; a model that finds no noise at all has a loss of 1.

# %%
show_curve(run, logy=True)

# %% [markdown]
# Where a picture is nearly all noise, the noise is easy to find; where there is little, it is not:

# %%
show_loss_by_step(run)

# %% [markdown]
# ## The digits it makes

# %%
made = draw_samples(run)

# %% [markdown]
# ## What they are
#
# A small classifier is trained on the real digits. Samples that are digits, and of all kinds, have
# shares and a confidence near those of real ones. It was trained on smoothed labels, and is never
# quite sure of real ones either. It cannot say whether they are beautiful, and a
# model that only knew its training pictures by heart would pass.

# %%
show_what_they_are(run, made)

# %% [markdown]
# ## Beside the published numbers
#
# They are training losses of another U-Net with other settings, and ours is a validation loss: near
# is all they can be.

# %%
show_comparison(run)
