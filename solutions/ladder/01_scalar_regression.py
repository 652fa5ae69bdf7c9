# ---
# title: One weight
# subtitle: Fit a line by gradient descent, with the gradient worked out by hand
# part: ladder
# hours: 2
# needs: []
# teaches: [mean squared error, gradient, numerical gradient check, learning rate, stochastic gradient descent, minibatches, noise floor]
# builds: prediction, mean squared error, its gradient by hand, one step, minibatches, the training loop
# number: recovers w and b to 0.01; the loss reaches the noise floor σ²
# data: synthetic
# run: null
# readings:
#   - {key: nielsen2015, where: "chapter 1, the section 'Learning with gradient descent'", skip: "the perceptrons and sigmoid neurons before it, until rung 5 needs them"}
#   - {key: prince2023, where: "chapter 2, 'Supervised learning', and sections 6.1 and 6.2 for the pictures of gradient descent with and without noise", skip: "momentum and Adam (6.3, 6.4), which come in rung 8"}
#   - {key: fleuret2023, where: "section 3.3, 'Gradient descent'", skip: "the sections on depth, for now"}
#   - {key: robbins1951, where: "the first two pages, for the problem they set themselves", skip: "the proofs"}
# sections:
#   - {id: data, heading: "The data", for: "data with a known answer is how every new program of the course is first tested", needs: []}
#   - {id: line, heading: "A prediction", for: "the line is the smallest model: a layer of a network is many of them side by side", needs: [data]}
#   - {id: squared_error, heading: "How wrong is a line?", for: "one number for a whole batch is what every training loop goes down on", needs: [line]}
#   - {id: numerical_slope, heading: "Which way is down? Ask by nudging", for: "nudging is the independent witness against which every later gradient is checked", needs: [squared_error]}
#   - {id: slope, heading: "Which way is down? Ask calculus", for: "the chain rule, link by link, is what autograd does for you from rung 2 on", needs: [numerical_slope]}
#   - {id: step, heading: "One step", for: "the same step, for billions of parameters, trains every network", needs: [slope]}
#   - {id: learning_rate, heading: "How long a step?", for: "the learning rate is the first thing to set in every run, and curvature is what sets its limit", needs: [step]}
#   - {id: minibatches, heading: "Why not use all the data?", for: "minibatches are what makes learning from millions of examples affordable", needs: [step]}
#   - {id: loop, heading: "The whole loop", for: "the loop stays the same up to the language models; only its parts change", needs: [step, minibatches]}
#   - {id: recovered, heading: "What is in the manual", for: "a noise floor and a standard error tell a finished run from a failed one", needs: [data, loop]}
#   - {id: batch_size, heading: "What the batch size buys, and what it costs", for: "the ratio of learning rate to batch size comes back wherever a run is made larger", needs: [learning_rate, recovered]}
# recall:
#   - {id: two_slopes, section: slope, transfer: false, q: "Write the two slopes of the mean squared error of the line $w x + b$.", a: "$\\partial L/\\partial w$ is 2 · mean(error · $x$), and $\\partial L/\\partial b$ is 2 · mean(error), with error = prediction − target."}
#   - {id: lever, section: slope, transfer: false, q: "Why does the slope in $w$ contain a factor $x$, and the slope in $b$ not?", a: "Nudging $w$ moves the prediction at $x$ by $x$ times the nudge. Nudging $b$ moves every prediction by the nudge itself."}
#   - {id: half_the_slope, section: slope, transfer: true, q: "Central differences say 3.2 where your formula says 1.6; elsewhere $-5.0$ and $-2.5$. Which is wrong, and where do you look first?", a: "The formula: nudging knows no calculus. It is half as large everywhere, so look for a lost 2, the one from the derivative of the square."}
#   - {id: uphill_factor, section: step, transfer: true, q: "A loss is $L = d^2$ at the distance $d$ from its minimum. Somebody steps at the rate 0.25 with the wrong sign. By what factor does $d$ change at each step? And $L$?", a: "The slope is $2d$, so $d$ becomes $d + 0.25 \\cdot 2d = 1.5\\,d$, and $L$ grows by $1.5^2 = 2.25$: it explodes, by the same factor every time."}
#   - {id: curvature_eight, section: learning_rate, transfer: true, q: "A loss has the curvature 8 in its steepest direction. Does gradient descent arrive with $\\eta = 0.2$? With $\\eta = 0.3$?", a: "The border is $2/8 = 0.25$. With 0.2 each step multiplies the distance by $1 - 1.6 = -0.6$: it arrives. With 0.3 by $-1.4$: it leaves."}
#   - {id: why_minibatches, section: minibatches, transfer: false, q: "Why minibatches rather than all the data at each step?", a: "A small random batch gives the gradient, right on average, at a fraction of the cost. So the same work buys many more steps."}
#   - {id: noise_floor, section: recovered, transfer: false, q: "What is the noise floor of the mean squared error, and how do you know you have reached it?", a: "The variance $\\sigma^2$ of the noise. You are there when the loss on $n$ examples lies within two standard errors of it, each $\\sigma^2\\sqrt{2/n}$."}
#   - {id: one_more_decimal, section: recovered, transfer: true, q: "From 20 000 readings the standard error of a slope is 0.0018. How many readings bring it to 0.0006?", a: "It falls with $\\sqrt{n}$: a third needs nine times as many, 180 000."}
#   - {id: same_wandering, section: batch_size, transfer: true, q: "You want to train at four times the learning rate, and the parameters must wander no more at the end. What do you do to the batch?", a: "Make it four times as large. The wandering is about $\\sigma\\sqrt{\\eta/B}$: only the ratio $\\eta/B$ counts."}
# predictions:
#   - {id: steps_to_a_hundredfold, ask: "With the flipped sign: after how many steps is the loss at least a hundred times as large as at the start?", unit: "steps", within: 1, because: "Uphill the slope is steeper, so the next step is longer. The very first takes the loss from 20 to 50, and each multiplies it by about 2.5. Since $2.5^5 \\approx 98$, the sixth passes a hundred."}
#   - {id: on_the_threshold, ask: "What does the loss do in 40 steps at a learning rate exactly on the threshold?", choices: ["falls to the noise floor", "stalls far above it", "grows without end"], because: "In the steepest direction each step multiplies the distance by $-1$: that part of the error changes sign, keeps its size and never shrinks."}
#   - {id: five_per_cent_above, ask: "The loss starts near 15 bar². What is it after 40 steps at a learning rate 5 % above the threshold?", unit: "bar²", factor: 10, because: "Each step multiplies the steep part of the distance by $-1.1$, and of the loss by 1.21. Forty times over that is a factor of about 2 000."}
#   - {id: scatter_of_a_hundred, ask: "By how many per cent does the slope from a hundred random examples typically miss the slope from all 20 000?", unit: "%", factor: 2, because: "The slopes of single examples scatter by about their own mean. A mean of a hundred scatters $\\sqrt{100} = 10$ times less: a tenth, for a two-hundredth of the work."}
#   - {id: lowest_at_the_end, ask: "After 100 000 examples read: which batch size is nearest to the minimum, in the last quarter of its steps?", choices: ["batch of 1", "batch of 10", "batch of 100", "batch of 20000"], because: "Small batches stay restless at the bottom. The batch of 20 000 would be the steadiest, but five steps have not brought it far."}
# written:
#   - {id: two_suspects, ask: "Your friend's loss doubles at every step. What are the two suspects, and which experiment tells them apart?", rubric: ["names a flipped sign", "names a learning rate above $2/\\lambda$", "divides the rate by a hundred, or runs a gradient check", "says what each outcome means: with the right sign the loss now falls, with the wrong one it still rises"], answer: "A flipped sign, and a learning rate above $2/\\lambda$. Divide the rate by a hundred: with the right sign the loss now falls, with the wrong one it still rises. Or run a gradient check."}
#   - {id: a_hundred_or_all, ask: "Step for step, why does a batch of a hundred do nearly as well as one of twenty thousand at the start, and worse at the end?", rubric: ["at the start the mean slope is large against its sampling noise", "at the end the mean slope is zero, and only the noise is left", "the noise of a step falls with $\\sqrt{B}$, while its cost grows with $B$"], answer: "At the start the mean slope is large against its sampling noise. At the end the mean slope is zero and only the noise is left. The noise of a step falls with $\\sqrt{B}$, its cost grows with $B$. So for the same number of examples read the small batch is still far ahead."}
#   - {id: failed_or_finished, ask: "Your loss is stuck at 0.09. How would you find out whether training has failed or has finished?", rubric: ["compares with the noise floor and its standard error, if $\\sigma$ is known", "looks at the slopes over all the data, which are near zero at a minimum", "tries a smaller rate or a larger batch, which lowers the loss if it was only wandering", "looks at the errors against $x$, which should show no pattern"], answer: "The noise floor with its standard error, if $\\sigma$ is known. The slopes over all the data, which are near zero at a minimum. A smaller rate or a larger batch, which lowers the loss if it was only wandering. A look at the errors against $x$, which should show no pattern."}
# ---

# %% [markdown]
# # One weight
#
# A pressure sensor has lost its manual. It gives a voltage $x$ (in V); beside it stood a good manometer
# that read the pressure $y$ (in bar), with a little noise. Twenty thousand pairs of readings are all you
# have. By the end of this page a program of about fifteen lines, every one of them yours, will have
# found the two numbers in the manual, $w$ in bar per volt and $b$ in bar, to the second decimal. And you
# will know why it could not have found the third.
#
# The same fifteen lines train a network with a hundred billion weights. What changes on the way up this
# ladder is the formula for the prediction and the machinery that finds its slopes. The loop stays.
#
# **You need** numpy arrays, and the derivative of $x^2$ and of a function inside a function.
# **You will have** a prediction, a loss, its gradient worked out by hand and checked, and the minibatch
# training loop. **It takes** about two hours.
#
# :::{admonition} How a page works
# Run the cells from top to bottom (Shift-Enter). Where a cell says `raise NotImplementedError`, write
# your answer and run the `check` below it. If you are stuck, run `hint(predict)` in a new cell: each call
# opens one more hint. Before an experiment, say what you think will happen. In a `commit` cell, put your
# answer in place of the first `...`. In place of the second goes how sure you are, from 0.5 (a coin) to 1.
# A wrong prediction is the most useful thing on the page.
# :::

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.figures import COLOURS, loss_surface_figure, plot_curves, use_style

chapter("ladder/01_scalar_regression")
use_style()

# %% [markdown]
# ## The data
#
# We make the data ourselves: choose $x$ at random, apply a known rule, add noise. The program never sees
# the rule; we do, so we can tell whether it learned. A set of pairs with a known right answer is called
# **synthetic data**, and it is how you test a learning program before you trust it with anything else.

# %%
TRUE_W, TRUE_B, SIGMA = 1.5, 2.0, 0.3  # bar per volt, bar, bar

data_rng = np.random.default_rng(2024)
x = data_rng.uniform(-1.0, 3.0, size=20_000)  # volts, shape (20000,)
y = TRUE_W * x + TRUE_B + data_rng.normal(0.0, SIGMA, size=x.shape)  # bar, shape (20000,)
print(f"{len(x)} examples; the first is x = {x[0]:.2f} V, y = {y[0]:.2f} bar")

fig, ax = plt.subplots()
ax.scatter(x[:400], y[:400], s=10, color=COLOURS["blue"], alpha=0.6)
ax.set(xlabel="voltage x (V)", ylabel="pressure y (bar)", title="400 of the 20 000 readings")
plt.show()

# %% [markdown]
# One pair $(x_i, y_i)$ is an **example**: $x_i$ is the **input**, $y_i$ the **target**. The cloud is
# straight, and it has a thickness that no line will explain away. Keep an eye on the thickness. It
# decides where this page ends.
#
# ## A prediction
#
# Our **model** is a line. Its two numbers, the **weight** $w$ (the slope) and the **bias** $b$ (the
# height at $x = 0$), are its **parameters**: what learning changes. We hand it several examples at once.
# Such a handful, held in one array, is a **batch**. For a batch of $n$ inputs the model gives $n$ predictions,
#
# $$ p_i = w\,x_i + b, \qquad x \text{ of shape } (n,),\quad p \text{ of shape } (n,). $$
#
# By hand, with $w = 1$, $b = 0$ and $x = [1, 3]$: the predictions are $[1, 3]$. With $w = 2$ and
# $b = 0.5$ they are $[2.5, 6.5]$.

# %% exercise="predict"
def predict(w: float, b: float, x: np.ndarray) -> np.ndarray:
    """Predict the target of every input with the line w·x + b.

    Parameters
    ----------
    w : slope, one number
    b : height at x = 0, one number
    x : shape (n,), the inputs; n may be 1, or 0. It must not be changed.

    Returns
    -------
    shape (n,): one prediction for each input
    """
    ### BEGIN SOLUTION
    return w * x + b
    ### END SOLUTION


# %% check="predict"
check(predict)

# %% [markdown]
# ## How wrong is a line?
#
# The **error** of one prediction is $e_i = p_i - y_i$: positive when the line is too high. (Prediction
# minus target, in that order. The order will matter soon.) To compare two lines we need one number for
# the whole batch, the **loss**. Ours is the **mean squared error**:
#
# $$ L = \frac{1}{n} \sum_{i=1}^{n} e_i^2 \qquad (\text{in bar}^2). $$
#
# The square stops errors of $+3$ and $-3$ from cancelling, and punishes one error of 4 as much as
# sixteen errors of 1. The mean keeps a batch of ten and a batch of a thousand comparable.
#
# By hand: predictions $[1, 3]$ and targets $[2, 6]$ have errors $[-1, -3]$, squares $[1, 9]$, and
# $L = 5$. **These two examples will stay with us**; keep them on paper.

# %% exercise="mean_squared_error"
def mean_squared_error(prediction: np.ndarray, target: np.ndarray) -> float:
    """Average the squared errors of a batch.

    Parameters
    ----------
    prediction, target : shape (n,) each, with n at least 1; they must not be changed

    Returns
    -------
    one number, the mean of (prediction − target)²
    """
    ### BEGIN SOLUTION
    return np.mean((prediction - target) ** 2)
    ### END SOLUTION


# %% check="mean_squared_error"
check(mean_squared_error)

# %% [markdown]
# Here is a line that is not very good yet, with its errors drawn as vertical bars. The loss is the mean
# of their squared lengths. Change `guess_w` and `guess_b` and see how low you can bring it by hand; a
# minute of that explains why we want a machine to do it.

# %%
guess_w, guess_b = 0.8, 2.2
few_x, few_y = x[:25], y[:25]
few_predictions = predict(guess_w, guess_b, few_x)

fig, ax = plt.subplots()
ax.vlines(few_x, few_predictions, few_y, color=COLOURS["red"], linewidth=1.5)
ax.scatter(few_x, few_y, s=28, color=COLOURS["blue"], zorder=3)
ends = np.array([-1.0, 3.0])
ax.plot(ends, predict(guess_w, guess_b, ends), color=COLOURS["ink"])
ax.annotate("the line", (ends[1], predict(guess_w, guess_b, ends)[1]), (6, 0),
            textcoords="offset points", va="center", annotation_clip=False)
ax.set(
    xlabel="voltage x (V)",
    ylabel="pressure y (bar)",
    title=f"Loss = mean squared bar = {mean_squared_error(few_predictions, few_y):.2f} bar²",
)
plt.show()

# %% [markdown]
# ## Which way is down? Ask by nudging
#
# For fixed data the loss is a function of two numbers, $L(w, b)$: a landscape, with a height above
# every point of the $(w, b)$ plane. We stand somewhere on it in fog. We can feel the slope under our feet
# and take a step downhill. That is all of **gradient descent**.
#
# The most honest way to feel the slope in the $w$ direction is to try: nudge $w$ by a small $h$ to either
# side, hold $b$ still, and divide rise by run:
#
# $$ \frac{\partial L}{\partial w} \approx \frac{L(w + h,\, b) - L(w - h,\, b)}{2h}, $$
#
# and the same for $b$. This is a **central difference**. Why both sides? On a curve, the slope from $w$
# to $w + h$ belongs to a point half a nudge away. Taking both sides makes that mistake cancel. For
# $L = w^2$ at $w = 3$ with $h = 1$: one-sided gives $16 - 9 = 7$, central gives $(16 - 4)/2 = 6$, and the
# derivative $2w$ is $6$.

# %% exercise="numerical_gradient"
def numerical_gradient(loss, w: float, b: float, h: float = 1e-4) -> tuple[float, float]:
    """Measure the two slopes of a loss by central differences.

    Parameters
    ----------
    loss : a function of two numbers; loss(w, b) returns one number
    w, b : where to measure
    h : how far to nudge to each side, h > 0

    Returns
    -------
    (dw, db): the slope when only w is nudged, the slope when only b is nudged
    """
    ### BEGIN SOLUTION
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    db = (loss(w, b + h) - loss(w, b - h)) / (2 * h)
    return dw, db
    ### END SOLUTION


# %% check="numerical_gradient"
check(numerical_gradient)

# %% [markdown]
# Now the two examples from your paper, at $w = 1$, $b = 0$:

# %%
paper_x, paper_y = np.array([1.0, 3.0]), np.array([2.0, 6.0])


def paper_loss(w: float, b: float) -> float:
    return mean_squared_error(predict(w, b, paper_x), paper_y)


dw, db = numerical_gradient(paper_loss, 1.0, 0.0)
print(f"loss {paper_loss(1.0, 0.0):.2f}, slope in w {dw:.4f}, slope in b {db:.4f}")

# %% [markdown]
# Both slopes are negative: the loss falls when $w$ or $b$ grows, and it falls faster along $w$.
#
# Nudging is honest and slow. It computes the loss over all the data twice *for each parameter*. With two
# parameters that is four passes; with a hundred billion it is hopeless. Calculus gives all the slopes for
# the price of a few passes, however many parameters there are. Deep learning lives on that bargain.
#
# ## Which way is down? Ask calculus
#
# Take one example. Its squared error is a function inside a function: the parameters make the error, the
# error is squared. The chain rule multiplies the two derivatives. For $w$:
#
# $$ \frac{\partial\, e_i^2}{\partial w}
#    = \underbrace{2 e_i}_{\text{the square}} \cdot \underbrace{\frac{\partial e_i}{\partial w}}_{x_i},
# \qquad e_i = w x_i + b - y_i. $$
#
# The inner derivative, $x_i$, says something you can picture. Nudge $w$ by a hundredth and the line turns
# about its point at $x = 0$: at $x_i = 3$ the prediction moves by three hundredths, at $x_i = 0$ not at all.
# An example far from zero has a long lever on $w$.
#
# The loss is the mean over the examples, so its slope is the mean of theirs:
#
# $$ \frac{\partial L}{\partial w} = \frac{1}{n} \sum_i 2\, e_i\, x_i . $$
#
# By hand, on the paper: errors $[-1, -3]$, inputs $[1, 3]$. The products $e_i x_i$ are $[-1, -9]$, so
# $\partial L/\partial w = \tfrac{1}{2}(-2 - 18) = -10$. The cell above measured the same.
#
# The slope in $b$ is yours to derive, on paper, before you type anything. Go the same way: the square, the
# inner derivative, the mean. What does the whole line do when you nudge $b$, and by how much does the
# prediction at $x_i$ move? Then put the errors $[-1, -3]$ into your formula. The cell above says what must
# come out. The two slopes together are the **gradient**.

# %% exercise="gradient"
def gradient(w: float, b: float, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Work out the slopes of the mean squared error of the line w·x + b.

    Parameters
    ----------
    w, b : the parameters, one number each
    x, y : shape (n,) each, with n at least 1: the inputs and targets of the batch.
        They must not be changed.

    Returns
    -------
    (dw, db): the derivatives of mean((w·x + b − y)²) with respect to w and to b,
        one number each
    """
    ### BEGIN SOLUTION
    error = predict(w, b, x) - y
    return 2 * np.mean(error * x), 2 * np.mean(error)
    ### END SOLUTION


# %% check="gradient"
check(gradient)

# %% [markdown]
# Nudge $b$ and the whole line rises: the examples far from zero and those near it have the same lever.
#
# You now own two ways to the same numbers. Comparing them is called a **gradient check**, and it has
# found more wrong gradients than any amount of staring:

# %%
def full_loss(w: float, b: float) -> float:
    return mean_squared_error(predict(w, b, x), y)


by_nudging = numerical_gradient(full_loss, 0.3, -1.0)
by_calculus = gradient(0.3, -1.0, x, y)
print("nudging :  dw = {:.8f}   db = {:.8f}".format(*by_nudging))
print("calculus:  dw = {:.8f}   db = {:.8f}".format(*by_calculus))

# %% recall="slope"
recall("slope")

# %% [markdown]
# ## One step
#
# The gradient points in the direction in which the loss grows fastest. So we go the other way, by a
# small multiple of it. The multiple is the **learning rate** $\eta$ (eta):
#
# $$ w \leftarrow w - \eta\, \frac{\partial L}{\partial w}. $$
#
# The bias moves by the same rule, with its own slope. Where the slope is steep the step is long; at the bottom, where the slope is zero, the step is zero and
# we stay. On the paper, with $\eta = 0.05$: $w$ goes from $1$ to $1 - 0.05 \cdot (-10) = 1.5$ and $b$
# from $0$ to $0.2$. The new predictions are $[1.7, 4.7]$, the errors $[-0.3, -1.3]$, and the loss has
# gone from $5$ to $(0.09 + 1.69)/2 = 0.89$. One step, and more than four fifths of the
# loss is gone.

# %% exercise="sgd_step"
def sgd_step(
    w: float, b: float, dw: float, db: float, learning_rate: float
) -> tuple[float, float]:
    """Move both parameters one step downhill.

    Parameters
    ----------
    w, b : the parameters before the step
    dw, db : the slopes of the loss there
    learning_rate : how long a step to take, 0 or more; with 0 nothing moves

    Returns
    -------
    (w, b): the parameters after the step
    """
    ### BEGIN SOLUTION
    return w - learning_rate * dw, b - learning_rate * db
    ### END SOLUTION


# %% check="sgd_step"
check(sgd_step)

# %% [markdown]
# **Predict.** The commonest slip on this page is a flipped sign: `target - prediction` in the gradient, or a
# plus in the step. What will the loss do then: stay where it is, wander, grow steadily, or explode? We take
# the two examples from the paper, start at $w = b = 0$, and step at a rate of 0.05 with the wrong sign.

# %% predict="steps_to_a_hundredfold"
commit("steps_to_a_hundredfold", ..., sure=...)

# %%
def steps_from_zero(learning_rate: float, steps: int) -> list[float]:
    """The loss before each step of gradient descent on the two paper examples."""
    w, b, losses = 0.0, 0.0, []
    for _ in range(steps):
        losses.append(paper_loss(w, b))
        dw, db = gradient(w, b, paper_x, paper_y)
        w, b = sgd_step(w, b, dw, db, learning_rate)
    return losses


right_sign = steps_from_zero(0.05, steps=7)
flipped_sign = steps_from_zero(-0.05, steps=7)  # minus a minus: what the slip does
print("right sign  :", "  ".join(f"{loss:7.2f}" for loss in right_sign))
print("flipped sign:", "  ".join(f"{loss:7.2f}" for loss in flipped_sign))
growth = [after / before for before, after in zip(flipped_sign, flipped_sign[1:], strict=False)]
print("  it grows by a factor", "  ".join(f"{factor:.2f}" for factor in growth))
hundredfold = [loss >= 100 * flipped_sign[0] for loss in flipped_sign].index(True)

# %% outcome="steps_to_a_hundredfold"
outcome("steps_to_a_hundredfold", hundredfold)

# %% [markdown]
# It explodes. Uphill the slope is steeper, so the next step is longer: every step multiplies the loss by very
# nearly the same factor, about 2.5. Five such steps make it a hundred times larger, all but a little, and the sixth is
# well past.
#
# When a loss of yours grows like that, suspect a sign first and the learning rate second. The two look
# alike, as we are about to see. One experiment tells them apart: divide the rate by a hundred. With the
# right sign the loss now falls; with a flipped one it still rises, only more slowly.

# %% recall="step"
recall("step")

# %% [markdown]
# ## How long a step?
#
# Below is the loss landscape of a hundred readings, seen from above. They are every two-hundredth one in
# order of $x$, so that they are spread over the voltages like all 20 000. Move the learning rate and run. Look for
# three regimes: creeping, zigzagging, and leaving.

# %%
spread = np.argsort(x)[100::200]  # a hundred readings, evenly over the range of x
loss_surface_figure(x[spread], y[spread], start=(0.0, 0.0), rate=0.05)

# %% [markdown]
# The border between the last two can be worked out. First one parameter. Near the bottom of a valley a
# loss is a parabola, $L = L_{\min} + \tfrac{1}{2}\lambda d^2$, where $d$ is the distance to the minimum
# and $\lambda$, the second derivative, is the **curvature**. The slope is $\lambda d$, so a step makes
#
# $$ d \;\leftarrow\; d - \eta \lambda d \;=\; (1 - \eta\lambda)\, d . $$
#
# Every step multiplies the distance by the same number. If $\eta\lambda$ is small, that number is a bit
# below 1: we creep. If $\eta\lambda = 1$ we land on the minimum at once. Between 1 and 2 the number is
# negative: we overshoot to the other side, but less far away than before. And beyond
#
# $$ \eta = \frac{2}{\lambda} $$
#
# each overshoot is larger than the last.
#
# With two parameters the valley curves differently in different directions, and the steepest direction is
# the first to blow up. The second derivatives of our loss make a table of shape $(2, 2)$, the **Hessian**:
#
# $$ H = 2 \begin{pmatrix} \operatorname{mean}(x^2) & \operatorname{mean}(x) \\ \operatorname{mean}(x) & 1 \end{pmatrix}. $$
#
# (Differentiate $\partial L/\partial w$ and $\partial L/\partial b$ once more to see it. It contains no $y$ and no
# $w$: the bowl has the same shape everywhere.) The curvatures along its steepest and its flattest
# direction are called the **eigenvalues** of $H$, and numpy finds them. They are the two numbers $\lambda$ for which
# some arrow $d$ has $H d = \lambda d$. Along such an arrow the sum above holds as it stands, and every
# other arrow is a sum of two of them.

# %%
def second_derivatives(x: np.ndarray) -> np.ndarray:
    """The Hessian of the loss on the inputs x, shape (2, 2)."""
    return 2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1.0]])


hessian = second_derivatives(x)
flattest, steepest = np.linalg.eigvalsh(hessian)
threshold = 2 / steepest
threshold_in_figure = 2 / np.linalg.eigvalsh(second_derivatives(x[spread]))[1]
print(f"curvature: {flattest:.3f} in the flattest direction, {steepest:.3f} in the steepest")
print(f"gradient descent should be stable below a learning rate of {threshold:.3f}")
print(f"and on the hundred readings of the figure above: {threshold_in_figure:.3f}")

# %% [markdown]
# The border depends on the readings only through the averages of $x$ and $x^2$, so the figure has the same one. Go
# back and try a rate to either side of it.
#
# **Predict.** We take 40 steps with all the data, from $w = b = 0$, at four learning rates: a third of the
# threshold, 5 % below it, exactly on it, and 5 % above it. Sketch the four loss curves. Which of them ends
# lowest?

# %% predict="on_the_threshold"
commit("on_the_threshold", ..., sure=...)

# %% [markdown]
# **Predict.** And the fourth curve, where the rate is only a twentieth too large?

# %% predict="five_per_cent_above"
commit("five_per_cent_above", ..., sure=...)

# %%
def descend(learning_rate: float, steps: int) -> tuple[np.ndarray, list[float]]:
    """Gradient descent on all the data: the path, shape (steps + 1, 2), and the losses."""
    path, losses = [(0.0, 0.0)], [full_loss(0.0, 0.0)]
    for _ in range(steps):
        w, b = path[-1]
        path.append(sgd_step(w, b, *gradient(w, b, x, y), learning_rate))
        losses.append(full_loss(*path[-1]))
    return np.array(path), losses


fractions = {"⅓ of it": 1 / 3, "5 % below": 0.95, "on it": 1.0, "5 % above": 1.05}
descents = {name: descend(part * threshold, steps=40) for name, part in fractions.items()}
plot_curves(
    {name: losses for name, (_, losses) in descents.items()},
    xlabel="step",
    ylabel="loss on all the data (bar²)",
    title="Ten per cent of learning rate between learning and ruin",
    logy=True,
)
plt.show()
for name, (_, losses) in descents.items():
    print(f"{name:>10}: loss after 40 steps {losses[-1]:10.4f}")
on_it, above_it = descents["on it"][1], descents["5 % above"][1]
ten_steps = on_it[-1] / on_it[-11]  # what the last ten steps multiplied the loss by
on_threshold = "stalls far above it" if on_it[-1] > 10 * SIGMA**2 else "falls to the noise floor"
if ten_steps > 1.1:
    on_threshold = "grows without end"

# %% outcome="on_the_threshold"
outcome("on_the_threshold", on_threshold)

# %% outcome="five_per_cent_above"
outcome("five_per_cent_above", round(float(above_it[-1])))

# %% [markdown]
# The step that is safe for the steep direction is what every direction gets. On the threshold the steep
# part of the error changes sign at each step and keeps its size. The loss stalls at a height that no
# amount of patience lowers. Seen on the map of the losses:

# %%
grid_w, grid_b = np.meshgrid(np.linspace(-2.5, 5.5, 120), np.linspace(-1.5, 5.0, 120))
# mean((w·x + b − y)²), multiplied out so that the data enters only through its averages.
heights = (
    grid_w**2 * np.mean(x**2) + grid_b**2 + np.mean(y**2)
    + 2 * grid_w * grid_b * np.mean(x) - 2 * grid_w * np.mean(x * y) - 2 * grid_b * np.mean(y)
)

fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.8), sharey=True)
shown = {"⅓ of it": ("creeps along the valley", 12), "5 % below": ("zigzags, and arrives", 12),
         "5 % above": ("zigzags, and leaves", 6)}
for ax, (name, (what, steps)) in zip(axes, shown.items(), strict=True):
    path = descents[name][0][: steps + 1]
    levels = np.geomspace(0.15, 80, 12)
    ax.contour(grid_w, grid_b, heights, levels=levels, colors=COLOURS["grey"], linewidths=0.7)
    ax.plot(path[:, 0], path[:, 1], "o-", color=COLOURS["blue"], markersize=4, linewidth=1.3)
    ax.plot(TRUE_W, TRUE_B, "*", color=COLOURS["red"], markersize=14)
    ax.set(xlabel="w (bar/V)", xlim=(-2.5, 5.5), ylim=(-1.5, 5.0))
    ax.set_title(f"{name}:\n{what}")
axes[0].set_ylabel("b (bar)")
plt.show()

# %% [markdown]
# The first steps at three learning rates (12, 12 and 6 of them); the star is the truth. The zigzag runs across the valley,
# along its steepest direction. The slow crawl along the valley floor is the flattest direction, where a
# step of the same rate does little. The ratio of the two curvatures is what makes a problem hard for
# gradient descent, and [rung 8](08_adam_optax.ipynb) is about ways around it.

# %% recall="learning_rate"
recall("learning_rate")

# %% [markdown]
# ## Why not use all the data?
#
# Each step above read 20 000 examples to find out which way is down. Must it?
#
# **Predict.** We stand at the starting point, $w = b = 0$, and ask only a hundred examples, chosen at random, for the
# slope in $w$. We do so three hundred times.

# %% predict="scatter_of_a_hundred"
commit("scatter_of_a_hundred", ..., sure=...)

# %%
sample = np.random.default_rng(0)
from_all, scatter = gradient(0.0, 0.0, x, y)[0], {}
print("slope in w at (0, 0), from all the data:", f"{from_all:.2f}")
for size in (100, 10_000):
    slopes = [gradient(0.0, 0.0, x[pick], y[pick])[0]
              for pick in (sample.integers(0, len(x), size) for _ in range(300))]
    scatter[size] = float(np.std(slopes))
    print(f"from {size:6} random examples: {np.mean(slopes):.2f} ± {np.std(slopes):.2f}")

# %% outcome="scatter_of_a_hundred"
outcome("scatter_of_a_hundred", round(100 * scatter[100] / float(abs(from_all)), 1))

# %% [markdown]
# A hundred examples say nearly the same as all of them. The small sample is right on average; averaged over many
# samples it is the full gradient, because a mean of random means is the mean. Its spread shrinks only with the
# *square root* of its size: a hundred times the work buys ten times the precision. Far from the minimum that
# precision is worth little, since any direction roughly downhill will do. So take many cheap, noisy steps rather
# than a few exact ones. That is **stochastic gradient descent**, SGD, and the sample is a **minibatch**.
# :::{note}
# {cite:t}`legendre1805` published least squares in 1805, at the back of a book on the orbits of comets; he
# solved for the minimum in one go. {cite:t}`robbins1951` proved in 1951 that noisy steps arrive if they
# shrink, but not too fast. {cite:t}`bottou2018` explain why, for large data, the noisy way
# won.
# :::
#
# In practice we do not draw each minibatch afresh. We shuffle all examples, cut the shuffled order into
# batches, go through them, shuffle again. One pass is an **epoch**: every example is seen exactly once, which
# wastes none. By hand, with $n = 5$ and a batch size of 2: shuffle $[0, 1, 2, 3, 4]$ into, say,
# $[3, 0, 4, 1, 2]$ and cut it into $[3, 0]$, $[4, 1]$, $[2]$. The last batch is short, and it counts.
#
# Randomness comes from a **generator**, `rng`, that is handed in. `rng.permutation(n)` returns
# $0, \dots, n-1$ in a random order. The same seed gives the same run again, which is how you will debug
# everything from here on.

# %% exercise="minibatches"
def minibatches(n: int, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut one epoch into batches of indices, in a random order taken from `rng`.

    Parameters
    ----------
    n : how many examples there are, at least 1
    batch_size : how many go into a batch, at least 1; it may exceed n
    rng : the source of all randomness: the same seed gives the same batches, another seed others.
        It is meant to move on, so that the next epoch has another order.

    Returns
    -------
    a list of integer arrays. Every index 0 … n − 1 is in exactly one of them. Each has batch_size
        entries, except that the last is shorter when batch_size does not divide n.
        The examples are shuffled, not only the batches.
    """
    ### BEGIN SOLUTION
    order = rng.permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]
    ### END SOLUTION


# %% check="minibatches"
check(minibatches)

# %% [markdown]
# ## The whole loop
#
# You have all the parts. Now put them together, from a specification and a blank cell:
#
# 1. Start from $w = 0$ and $b = 0$.
# 2. For each epoch, cut new minibatches with `rng`.
# 3. For each minibatch, in order: pick out its inputs and targets (`x[batch]`, `y[batch]`); record the
#    loss of *that minibatch, before the step*; take one step along its gradient.
# 4. Return $w$, $b$ and the losses, one for each step.
#
# Why before the step? The loss is then the loss of the line the gradient was computed for, and it costs next to
# nothing. The first entry is that of the line you started with, so a curve shows the whole descent.

# %% exercise="train"
def train(
    x: np.ndarray,
    y: np.ndarray,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
) -> tuple[float, float, list[float]]:
    """Fit the line w·x + b to the data by minibatch gradient descent on the mean squared error.

    Parameters
    ----------
    x, y : shape (n,) each, with n at least 1; they must not be changed
    learning_rate : 0 or more; with 0 the line stays where it starts
    batch_size : examples in a minibatch, at least 1; the last one of an epoch may be shorter,
        and its loss and gradient are means over the examples that are in it
    epochs : how often to go through all the data, at least 1
    rng : the source of all randomness; every epoch takes a new order from it

    Returns
    -------
    w, b : the parameters after the last step; both start at 0
    losses : one number for each step, in order: the mean squared error of that step's
        minibatch before the step
    """
    ### BEGIN SOLUTION
    w, b, losses = 0.0, 0.0, []
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            batch_x, batch_y = x[batch], y[batch]
            losses.append(float(mean_squared_error(predict(w, b, batch_x), batch_y)))
            dw, db = gradient(w, b, batch_x, batch_y)
            w, b = sgd_step(w, b, dw, db, learning_rate)
    return w, b, losses
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## What is in the manual
#
# Your loop on the sensor: five epochs, batches of 100, a learning rate of 0.01.

# %%
rng = np.random.default_rng(0)
w, b, losses = train(x, y, learning_rate=0.01, batch_size=100, epochs=5, rng=rng)
print(f"w = {w:.4f} bar/V   off by {abs(w - TRUE_W):.4f}")
print(f"b = {b:.4f} bar     off by {abs(b - TRUE_B):.4f}")

plot_curves({"minibatch loss": losses}, xlabel="step", ylabel="loss (bar²)", logy=True,
            title="The loss falls to the noise floor, and no further")
ax = plt.gca()
ax.axhline(SIGMA**2, color=COLOURS["red"], linestyle="--", zorder=3)
ax.text(500, 0.033, f"dashed: the noise floor, σ² = {SIGMA**2:.2f} bar²",
        color=COLOURS["red"], ha="center")
ax.set_ylim(0.025, 40)
plt.show()

# %% [markdown]
# Both parameters are within 0.01, as promised. Was it luck? Each seed shuffles differently:

# %%
misses = []
for seed in range(1, 11):
    other_w, other_b, _ = train(x, y, 0.01, 100, 5, np.random.default_rng(seed))
    misses.append((abs(other_w - TRUE_W), abs(other_b - TRUE_B)))
mean_miss, worst_miss = np.mean(misses, axis=0), np.max(misses, axis=0)
print("ten other seeds")
for name, mean, worst in zip("wb", mean_miss, worst_miss, strict=True):
    print(f"  {name} off by {mean:.4f} on average, {worst:.4f} at worst")

# %% [markdown]
# It was not: ten shuffles, ten times inside 0.01. And the loss stops falling at about 0.09. Is that a failure to
# learn, or is it the end?
#
# **The floor.** Suppose you knew the true line. Its errors are the noise itself, so its mean squared error
# is the variance of the noise, $\sigma^2 = 0.3^2 = 0.09$ bar². No line does better on fresh data. This is
# the **noise floor**: the part of the loss that belongs to the manometer and not to you.
#
# **How close is close?** A loss over $n$ examples is a mean of random squares, so it scatters about
# $\sigma^2$ even for the true line. Its **standard error**, the typical size of that scatter, is
# $\sigma^2 \sqrt{2/n}$ for Gaussian noise. The parameters have one too: even a perfect optimiser only finds the
# line that is best *for these examples*. For a slope it is $\sigma / (s_x\sqrt{n})$, with $s_x$ the spread
# of the inputs: many examples, far apart, pin a slope down. For the height at $x = 0$ it is larger by the factor
# $\sqrt{\operatorname{mean}(x^2)}$. When the slope is off, the line turns about the middle of the readings, and zero is not there.

# %%
n = len(x)
best_w, best_b = np.polyfit(x, y, 1)  # the minimum itself, from a library
se_loss = SIGMA**2 * np.sqrt(2 / n)
se_w = SIGMA / (np.std(x) * np.sqrt(n))
se_b = se_w * np.sqrt(np.mean(x**2))
print(f"loss on all the data {full_loss(w, b):.4f}, floor {SIGMA**2:.4f} ± {se_loss:.4f}")
print(f"best line for these examples: w = {best_w:.4f}, b = {best_b:.4f}")
print(f"standard errors: w {se_w:.4f}, b {se_b:.4f}")
print(f"our line is {abs(w - best_w):.4f} and {abs(b - best_b):.4f} away from the best one")

# %% [markdown]
# That our $w$ is nearer the truth than the best line is luck.
#
# So the answer to "are we there?" is: yes, when the loss is within about two standard errors of the floor.
# The third decimal of $w$ is out of reach for another reason. It is not in the data: its standard error
# alone is nearly two thousandths. To halve that you need four times the readings.
#
# On this problem you know $\sigma$. On real data you do not, and nobody tells you where the floor is. That
# is why later rungs watch a second, held-out set instead.

# %% recall="recovered"
recall("recovered")

# %% [markdown]
# ## What the batch size buys, and what it costs
#
# **Predict.** The same learning rate, 0.01, and the same number of examples read: five epochs, 100 000 examples, as
# in the run above. Batch sizes 1, 10, 100 and 20 000. Which gets down first, and which is the steadiest at the end?

# %% predict="lowest_at_the_end"
commit("lowest_at_the_end", ..., sure=...)

# %%
def trajectory(
    batch_size: int, learning_rate: float, steps: int, start: tuple[float, float]
) -> np.ndarray:
    """The parameters before each step of SGD and after the last, shape (steps + 1, 2)."""
    rng, path = np.random.default_rng(7), [start]
    while True:
        for batch in minibatches(len(x), batch_size, rng):
            if len(path) > steps:
                return np.array(path)
            w, b = path[-1]
            path.append(sgd_step(w, b, *gradient(w, b, x[batch], y[batch]), learning_rate))


races, ends = {}, {}
for batch_size in (1, 10, 100, 20_000):
    path = trajectory(batch_size, 0.01, steps=100_000 // batch_size, start=(0.0, 0.0))
    away = path - [best_w, best_b]
    excess = 0.5 * np.sum((away @ hessian) * away, axis=1)  # ½ λd², in two dimensions
    # Averages over stretches of the path that grow with it: what the eye would draw.
    starts = np.unique(np.geomspace(1, 0.8 * len(path), 25).astype(int)) - 1
    lengths = np.diff(np.append(starts, len(path)))
    averages = np.add.reduceat(excess, starts) / lengths
    examples_read = 1 + (starts + (lengths - 1) / 2) * batch_size
    races[f"batch of {batch_size}"] = (examples_read, averages)
    last = excess[-(len(path) // 4) :]
    ends[f"batch of {batch_size}"] = np.mean(last)
    print(f"batch of {batch_size:6}: {len(path) - 1:6} steps; in the last quarter of them "
          f"the loss is {np.mean(last):.6f} bar² above the minimum")
plot_curves(races, xlabel="examples read", ylabel="loss above the minimum (bar²)", logy=True,
            title="Small batches are fast, and restless")
plt.gca().set_xscale("log")
plt.show()

# %% outcome="lowest_at_the_end"
outcome("lowest_at_the_end", min(ends, key=ends.get))

# %% [markdown]
# The batch of 1 gets down first: it is near the bottom after a few hundred examples. It stays restless there, as
# do the batches of 10 and 100, each at a lower level than the one before. The steadiest at the end is the batch of
# 100. The batch of 20 000 would be steadier still, but its five steps have not brought it far.
#
# Why restless? At the minimum the full gradient is zero and the gradient of one example is not. Each step is then
# a kick in a random direction, and the bowl's slope pulls back. Where the two balance, $w$ wanders with a standard deviation of about
#
# $$ \sigma \sqrt{\eta / B}, $$
#
# where $B$ is the batch size. (The kicks have variance proportional to $\eta^2 \sigma^2/B$; the pull forgets them at a rate
# proportional to $\eta$; the curvature is in both, and cancels.) That is a formula one can test.
#
# What must you do to the batch size to halve the wandering? What to the learning rate?

# %%
sizes, rates = [1, 4, 16, 64, 256], {0.04: COLOURS["orange"], 0.01: COLOURS["blue"]}
fig, ax = plt.subplots()
for rate, colour in rates.items():
    paths = [trajectory(size, rate, steps=6_000, start=(best_w, best_b)) for size in sizes]
    wander = [np.std(path[1_000:, 0]) for path in paths]
    theory = SIGMA * np.sqrt(rate / np.array(sizes))
    ax.loglog(sizes, theory, color=colour, linewidth=1)
    ax.loglog(sizes, wander, "o", color=colour)
    ax.annotate(f"η = {rate}", (sizes[0], theory[0]), (1.15, theory[0] * 1.12), color=colour)
    print(f"η = {rate}: measured", "  ".join(f"{m:.4f}" for m in wander))
    print(f"{'':>8}  formula", "  ".join(f"{t:.4f}" for t in theory))
    print(f"{'':>8}  off by ", "  ".join(f"{part:+6.0%}" for part in wander / theory - 1))
ax.axhline(se_w, color=COLOURS["grey"], linestyle="--")
ax.annotate("standard error of w: finer than this is not in the data",
            (1.0, se_w), (1.0, se_w * 0.78), color=COLOURS["grey"], va="top")
ax.set_ylim(bottom=se_w * 0.4)
ax.set(xlabel="batch size", ylabel="wandering of w (bar/V)",
       title="Four times the batch, half the wandering")
plt.show()

# %% [markdown]
# Dots are measured over 5 000 steps, lines are the formula. Quartering the rate or quadrupling the batch halves
# the wandering: only the ratio $\eta/B$ counts. (The worst dots miss their lines by about 15 %, for two
# reasons. The formula is for small steps, and $\eta = 0.04$ with single examples is not small. And $w$ wanders slowly, so that
# 5 000 steps at $\eta = 0.01$ hold only a few dozen independent looks at it.) That is where the settings of the run above came from. With $\eta = 0.01$
# and $B = 100$ the wandering is $0.3 \cdot \sqrt{0.0001} = 0.003$, not much coarser than the 0.0018 the data
# allows and well inside the 0.01 we promised. With $\eta = 0.1$ and $B = 10$ it would be 0.03, and the loop would miss the
# mark for ever, without any error in the code.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# **Cool down.** Start at $\eta = 0.1$ with batches of 10, and shrink $\eta$ as you go. Can you beat the run
# above in the same number of examples?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A curve of the error in $w$ for at least one schedule (such as $\eta_0/(1 + t/T)$) and for the constant rates, over
# several seeds, with the spread. The remark that the fast start comes from the large $\eta$ and the low end from
# the small one.
# :::
#
# **Move the origin.** Add 100 to every $x$ and train again.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The two eigenvalues before and after, the new threshold, and why the flat direction is now hopeless. Then the
# cure: subtract the mean of $x$ first, and say what that does to $b$.
# :::
#
# **Broken readings.** Set one $y$ in a hundred to 40.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# How far the fitted line moves, and why the square is to blame. The gradient of the mean *absolute* error worked out
# by hand and checked with `numerical_gradient`; the same fit with it.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="two_suspects"
write("two_suspects", """
""")

# %% write="a_hundred_or_all"
write("a_hundred_or_all", """
""")

# %% write="failed_or_finished"
write("failed_or_finished", """
""")

# %% [markdown]
# Next, [rung 2](02_autograd.ipynb): the same line once more, and you never work out a gradient by hand again.
