# ---
# title: "Alignment"
# subtitle: One line for the map of chapters, on what the page is about and what comes out of it
# part: research
# hours: 2
# needs: []
# teaches: [moving average]
# builds: a moving average
# number: the number that the reader's own result has to match, and how closely
# data: synthetic
# run: null
# readings: []
# sections:
#   - {id: data, heading: "The data", for: "every experiment of the page is judged on it", needs: []}
#   - {id: moving_average, heading: "One idea, one exercise", for: "a convolution is the same with weights that are learned", needs: [data]}
# recall:
#   - {id: windows, section: moving_average, transfer: false, q: "How many windows of $k$ neighbours are there in a list of $n$ numbers?", a: "$n - k + 1$. The first begins at place 0, and the last at place $n - k$."}
#   - {id: window_of_one, section: moving_average, transfer: true, q: "What does a window of 1 do?", a: "Nothing. Each number is its own mean."}
#   - {id: spread_of_four, section: moving_average, transfer: true, q: "Noise has a spread of 1. What is its spread after a moving average over 4 independent numbers?", a: "1/2: the spread of a mean of $k$ independent numbers falls with the root of $k$."}
#   - {id: jump, section: data, transfer: false, q: "A series jumps from 0 to 1. What does a moving average over $k$ numbers make of the jump?", a: "A ramp that takes $k$ steps. What calms the noise also blurs the edge."}
#   - {id: whole_series, section: moving_average, transfer: true, q: "The window is as long as the series. What comes out?", a: "One number, the mean of all."}
#   - {id: place_of_a_mean, section: moving_average, transfer: false, q: "At which place does a mean over 9 neighbours belong in a plot?", a: "In the middle of its window, four places after its first neighbour."}
# predictions:
#   - {id: calmed_spread, ask: "What is the spread after a moving average over 9 readings, on the flat part before the step?", within: 0.03, because: "The spread of a mean of 9 independent numbers is a third of the spread of one."}
# written:
#   - {id: calmer_curve, ask: "What do you pay for a calmer curve?", rubric: ["the edge is blurred", "over as many readings as the window is long"], answer: "The step becomes a ramp as long as the window: what calms the noise also blurs the edge."}
# ---

# %% [markdown]
# # Alignment
#
# Open with the thing itself: a result, a picture or a failure that the reader can produce or mend by the end of the
# page. Show it, and keep its cause back. Here it is a noisy series with a jump in it, and the question how much noise
# can be taken away before the jump goes too.
#
# **You need** numpy arrays. **You will have** a moving average, and a measure of what it costs.
# **It takes** about two hours.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.figures import COLOURS, use_style

chapter("research/07_alignment")
use_style()

# %% [markdown]
# ## The data
#
# Say where the data come from, and in which units. These are made: a step from 0 to 1 in the middle of 200 readings,
# with noise of spread 0.3 on top.

# %%
SPREAD = 0.3
rng = np.random.default_rng(0)
step = np.repeat([0.0, 1.0], 100)  # shape (200,)
readings = step + rng.normal(0.0, SPREAD, size=step.shape)

fig, ax = plt.subplots()
ax.plot(readings, ".", color=COLOURS["blue"])
ax.set(xlabel="reading", ylabel="value", title="A step, somewhere under the noise")
plt.show()

# %% [markdown]
# ## One idea, one exercise
#
# The idea in words first, then a picture, then the mathematics with every shape written. A **moving average** replaces
# a number by the mean of the $k$ neighbours that begin with it:
#
# $$ m_i = \frac{1}{k} \sum_{j=0}^{k-1} v_{i+j}, \qquad v \text{ of shape } (n,),\quad m \text{ of shape } (n-k+1,). $$
#
# Then a tiny case to follow by hand. For $v = [1, 3, 2, 6]$ and $k = 2$ the pairs are $[1, 3]$, $[3, 2]$ and
# $[2, 6]$, and their means are $[2, 2.5, 4]$. Carry this case through the page, from the first exercise to the last.

# %% exercise="moving_average"
def moving_average(values: np.ndarray, window: int) -> np.ndarray:
    """Average every run of `window` neighbours.

    Parameters
    ----------
    values : shape (n,), the numbers in their order; they must not be changed
    window : how many neighbours each mean takes in, from 1 to n

    Returns
    -------
    shape (n − window + 1,), float64: the mean of each run of neighbours, the first run first
    """
    ### BEGIN SOLUTION
    means = np.empty(len(values) - window + 1)
    for start in range(len(means)):
        means[start] = np.mean(values[start : start + window])
    return means
    ### END SOLUTION


# %% check="moving_average"
check(moving_average)

# %% [markdown]
# **Predict.** The spread of the noise was 0.3. Now a moving average goes over it.

# %% predict="calmed_spread"
commit("calmed_spread", ..., sure=...)

# %%
widths = (1, 9, 49)
fig, ax = plt.subplots()
for width, colour in zip(widths, ("blue", "orange", "green"), strict=True):
    smooth = moving_average(readings, width)
    middles = np.arange(len(smooth)) + (width - 1) / 2
    ax.plot(middles, smooth, color=COLOURS[colour])
    ax.annotate(f"{width}", (middles[-1], smooth[-1]), (4, 0), textcoords="offset points")
    print(f"{width:>2} readings: a spread of {smooth[: 101 - width].std():.3f} before the step")
ax.set(xlabel="reading", ylabel="mean of neighbours", title="Less noise, and less of a step")
plt.show()

# %% outcome="calmed_spread"
outcome("calmed_spread", moving_average(readings, 9)[:92].std())

# %% [markdown]
# Say what was seen, with the numbers that the cell above printed. A mean of 9 independent numbers has a third of the
# spread of one. The step has become a ramp as long as the window.

# %% recall="moving_average"
recall("moving_average")

# %% [markdown]
# ## Go further
#
# Open questions without a grader. **Medians.** Put the median in place of the mean. What happens to the step?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same picture with both, on the same readings, and the spread before the step over several seeds.
# :::
#
# ## Explain it
#
# In writing, without scrolling up. Then compare with what a good answer contains.

# %% write="calmer_curve"
write("calmer_curve", """
""")
