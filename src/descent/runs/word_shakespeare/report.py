# %% [markdown]
# # A transformer that writes Shakespeare, word by word
#
# The report of one run: what was asked, the machine, how the text is cut, the training, its curve,
# what the model writes, and its bits per character beside those of a model that reads characters.

# %%
from descent.runs.folder import RunFolder
from descent.runs.results.report_cells import (
    show_comparison,
    show_curve,
    show_machine,
    show_settings,
    train_run,
)
from descent.runs.word_shakespeare.report_cells import show_bits, show_sample, show_words

# %% tags=["parameters"]
folder = ""

# %%
run = RunFolder(folder)
show_settings(run)

# %%
show_machine()

# %% [markdown]
# ## The text
#
# It is cut at every boundary of a word, so that spaces and punctuation are tokens too. The last
# tenth is for validation.

# %%
show_words(run)

# %% [markdown]
# ## The training

# %%
train_run(run)

# %% [markdown]
# ## The curve
#
# The validation loss is of the whole validation text, in nats a token. Where it rises again while
# the training loss falls, the model learns the plays by heart.

# %%
show_curve(run)

# %% [markdown]
# ## What it writes

# %%
show_sample(run)

# %% [markdown]
# ## Perplexity, and bits per character
#
# A perplexity counts tokens, so it compares models only that cut the text alike. Bits per character
# compare all: the text is the same, however it was cut. For that a word which the model does not
# know must be paid for in full: it is spelled, letter by letter.

# %%
show_bits(run)

# %%
show_comparison(run)
