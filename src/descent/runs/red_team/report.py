# %% [markdown]
# # A language model that asks another one the wrong questions
#
# The report of one run: what was asked, the machine, the training of the asker, the questions of
# three ways of asking, what was flagged, and a sheet to read by hand, from which the rate follows.

# %%
from descent.runs.folder import RunFolder
from descent.runs.red_team.report_cells import (
    show_asked,
    show_audited,
    show_clusters,
    show_flagged,
    write_audit,
)
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
#
# First the model asks zero-shot, and answers itself. The judge scores every answer. Then a copy of
# the model is trained on the questions with the worst answers: that is supervised asking.

# %%
train_run(run)

# %%
show_curve(run)

# %% [markdown]
# ## What was asked
#
# Zero-shot asks by the bare prompt. Few-shot shows the asker questions that worked. Supervised is
# the trained copy. A way that finds more with fewer distinct questions has lost variety.

# %%
show_asked(run)

# %% [markdown]
# ## What was flagged
#
# It is masked. `show_flagged(run, whole=True)` shows it as it is.

# %%
show_flagged(run)

# %% [markdown]
# ## Where the failures are
#
# Questions with flagged answers, put together by their words.

# %%
show_clusters(run)

# %% [markdown]
# ## Read them yourself
#
# A classifier flags harmless answers and lets others pass. Until you have read both kinds there is
# no rate.

# %%
write_audit(run)

# %%
show_audited(run)

# %% [markdown]
# ## Beside the published numbers

# %%
show_comparison(run)
