# ---
# title: Many weights
# subtitle: Linear regression on vectors, with shapes you can trust and features of every size
# part: ladder
# hours: 3
# needs: [ladder/01_scalar_regression, ladder/02_autograd]
# teaches: [matrix-vector product, shapes and broadcasting, gradient in matrix form, least squares, normal equation, conditioning, standardising]
# builds: prediction for vectors, the broadcasting rules, the gradient in matrix form, least squares, standardising and its way back, the training loop
# number: within 0.01 of least squares in every weight, for ten seeds
# data: synthetic
# run: null
# readings:
#   - {key: boyd2018, where: "chapter 12, 'Least squares', for the picture of the residual at right angles to the columns; then 13.1 for fitting a model", skip: "the sections on sparse matrices and their operation counts"}
#   - {key: lecun1998efficient, where: "section 4.3, 'Normalizing the Inputs', and 5.1 for the eigenvalues behind it", skip: "the second-order methods after it"}
#   - {key: harris2020, where: "the figure that shows views, broadcasting and reduction side by side", skip: "the history of the array libraries"}
#   - {key: higham2002, where: "section 14.1, 'Use and Abuse of the Matrix Inverse', and chapter 20 for what the normal equation costs in digits", skip: "the rounding-error proofs"}
# sections:
#   - {id: data, heading: "The data", for: "features of very different sizes are what real data has, and what every later data set is prepared for", needs: [ladder/01#data]}
#   - {id: many_features, heading: "One prediction from many features", for: "the matrix product is what every layer of every network does", needs: [data, ladder/01#line]}
#   - {id: broadcasting, heading: "When shapes differ", for: "biases, masks and normalisation all rest on these rules, and so do the bugs that nobody sees", needs: [many_features]}
#   - {id: shape_bug, heading: "The bug that trains", for: "you learn to suspect a loss that falls, and to write the one line that catches it", needs: [broadcasting, ladder/02#no_grad]}
#   - {id: gradient, heading: "The gradient, all weights at once", for: "forward with a matrix, backward with its transpose: so goes backpropagation in every layer", needs: [many_features, ladder/01#slope, ladder/02#backward]}
#   - {id: least_squares, heading: "The best answer there is", for: "an exact answer judges the loop of this page, and the Adam that rung 8 lets you try on the same readings", needs: [gradient]}
#   - {id: conditioning, heading: "Years to go", for: "normalised inputs, batch norm and Adam are all cures for this one trouble", needs: [least_squares, broadcasting, ladder/01#learning_rate]}
#   - {id: unscaling, heading: "Back to volts", for: "a model trained on scaled data has to answer in the units of its user", needs: [conditioning]}
#   - {id: loop, heading: "The whole loop, for vectors", for: "the loop of rung 4 is this one with another loss", needs: [gradient, unscaling, ladder/01#minibatches]}
#   - {id: distance, heading: "How near is it?", for: "it shows how to tell a bad fit from a number that the data does not hold", needs: [loop, ladder/01#recovered, ladder/01#batch_size]}
#   - {id: oracle, heading: "When the oracle itself is at fault", for: "half-precision training and large sums lose digits in the same way", needs: [conditioning, ladder/02#tensors]}
# recall:
#   - {id: product_two_ways, section: many_features, transfer: false, q: "Give the matrix–vector product $Xw$ of shapes $(n, d)$ and $(d,)$ in two ways.", a: "Row by row: entry $i$ is the dot product of row $i$ with $w$. Column by column: the sum of the $d$ columns, column $j$ taken $w_j$ times."}
#   - {id: broadcasting_rules, section: broadcasting, transfer: false, q: "State the rules of broadcasting.", a: "Line the shapes up at the right and fill the shorter with ones at the left. Each pair of sizes must be equal or contain a 1, which stretches; otherwise it is an error."}
#   - {id: shapes_meet, section: broadcasting, transfer: true, q: "Which shape has the sum of arrays of shapes `(32, 1, 10)` and `(5, 1)`? And that of `(10, 3)` and `(10,)`?", a: "`(32, 5, 10)`. The second is an error: 3 stands opposite 10."}
#   - {id: every_pair, section: shape_bug, transfer: false, q: "What does $(n,)$ minus $(n, 1)$ give, and what does a model learn from the mean of its square?", a: "A table $(n, n)$ of every prediction against every target. The model learns to predict the mean of the targets for everyone."}
#   - {id: plateau_at_four, section: shape_bug, transfer: true, q: "The targets of a regression have standard deviation 2. Its loss falls smoothly and stops at 4.0. What do you look at?", a: "4 is their variance: the model ignores its input. Look at the shapes of predictions and targets where they meet, and whether the weights are zero."}
#   - {id: gradient_in_matrices, section: gradient, transfer: false, q: "Write the gradient of the mean squared error in matrix form, with shapes.", a: "With $e = Xw + b - y$ of shape $(n,)$: the slope in $w$ is $\\frac2n X^\\top e$ of shape $(d,)$; in $b$ it is $\\frac2n \\sum_i e_i$, one number."}
#   - {id: normal_equation, section: least_squares, transfer: false, q: "What is the normal equation, and why is it called normal?", a: "$\\tilde X^\\top\\tilde X\\,\\theta = \\tilde X^\\top y$, with a column of ones in $\\tilde X$ for $b$. It says that the error is perpendicular (normal) to every column of $\\tilde X$."}
#   - {id: two_curvatures, section: conditioning, transfer: true, q: "A quadratic loss has the curvatures 100 and 0.5. What is the largest safe learning rate? At half of it, how many steps does the flat direction need for a factor of $e$?", a: "$2/100 = 0.02$. At 0.01 about $100/0.5 = 200$ steps, the condition number."}
#   - {id: correlated_features, section: conditioning, transfer: true, q: "Two standardised features have a correlation of 0.9. Which two curvatures come from them, and what is their ratio?", a: "$2(1 \\pm 0.9)$: 3.8 and 0.2, a ratio of 19. Standardising cures size, not correlation."}
#   - {id: back_to_units, section: unscaling, transfer: true, q: "A standardised feature has the weight 6, and the bias is 1. The feature has mean 20 and standard deviation 3. What are $w$ and $b$ in original units?", a: "$w = 6/3 = 2$ and $b = 1 - 2 \\cdot 20 = -39$. The predictions stay the same."}
# predictions:
#   - {id: bug_weights, ask: "In the second run, with targets of shape $(n, 1)$: what will the three weights be after 80 steps?", choices: ["near the truth", "half of the truth", "near 0", "without bound"], because: "$(n,)$ minus $(n, 1)$ compares every prediction with every target. Which belongs to which is lost, so the best is the same number for everyone."}
#   - {id: condition_number, ask: "Of which order of magnitude is the condition number $\\kappa$ of the raw features, with the column of ones?", choices: ["a thousand", "a million", "a thousand million", "a million million"], because: "The supply near 5000 sets the largest curvature, $2 \\cdot 5000^2 = 5 \\cdot 10^7$. Supply and constant are nearly the same feature, so the flattest is only about $2 \\cdot 40^2/5000^2 \\approx 10^{-4}$."}
#   - {id: better_cure, ask: "Scaling divides by $\\sigma$, shifting subtracts $\\mu$. Which of the two cures alone takes more off $\\kappa$?", choices: ["only scaling", "only shifting", "neither takes off much"], because: "Shifting parts the supply from the constant: more than eight zeros. Scaled alone, a supply of 125 of its standard deviations is still as good as a constant."}
#   - {id: bias_error, ask: "How large is the standard error of $b$ in the best answer there is, least squares on 20 000 readings?", unit: "bar", factor: 1.5, because: "Apart from the temperature the supply spreads by $0.8 \\cdot 40$ mV, so its weight is uncertain by $0.3/(32\\sqrt{20\\,000})$, about 0.00007 bar per mV. Over the 5000 mV down to zero that makes a third of a bar."}
#   - {id: lstsq_bias, ask: "In float32 `torch.linalg.lstsq`, as it comes, drops every direction of $\\tilde X$ that is smaller than about 0.2 % of the largest. How far from the right bias is it?", unit: "bar", factor: 1.5, because: "Beside a supply of 5000, a column of ones is 0.02 %. It is dropped as noise, so there is no bias at all, and the error is all of 47. No warning comes."}
# written:
#   - {id: stops_at_the_variance, ask: "Your friend's loss falls smoothly and stops at exactly the variance of the targets. What do you ask to see first?", rubric: ["asks for the shapes of predictions and targets, $(n,)$ against $(n, 1)$", "asks whether the weights are zero", "says why: a model that ignores its input gets the variance"], answer: "The shapes of predictions and targets, for $(n,)$ against $(n, 1)$. Then the weights: are they zero, so that the model ignores its input? The variance is what such a model gets."}
#   - {id: why_the_transpose, ask: "Why is it $X^\\top e$, and not $Xe$, in the gradient? Argue once with shapes and once with what a single weight does.", rubric: ["shapes: $e$ has $(n,)$ and the answer must have $(d,)$", "one weight: weight $j$ reaches every example through column $j$", "so its slope gathers the errors of all examples along that column"], answer: "$e$ has shape $(n,)$ and the answer must have $(d,)$. Weight $j$ reaches every example through column $j$, so its slope gathers the errors of all examples along that column."}
#   - {id: two_biases, ask: "A colleague reports a bias of −46.9 bar where you have −47.3. Is one of you wrong?", rubric: ["says: not necessarily", "says that the bias is the height at a supply of 0 mV, far from any reading", "compares predictions on real readings, or the bias at the mean of the features"], answer: "Not necessarily. The bias is the height at a supply of 0 mV, 125 standard deviations away from any reading. Compare predictions on real readings, or the bias at the mean of the features."}
# ---

# %% [markdown]
# # Many weights
#
# The pressure sensor of [rung 1](01_scalar_regression.ipynb) has moved outdoors. Its voltage is no longer
# enough to tell the pressure. The housing warms up in the sun, and in the cold the battery sags. So each
# reading now has three numbers: the voltage (V), the temperature (°C), and the supply (mV). Three weights
# and a bias should do. You extend your loop of rung 1 in five minutes, it runs without an error, and
# even at the largest learning rate that is safe it would take years to arrive.
#
# By the end of this page the same loop arrives in a thousand steps. Nothing about it is cleverer. You
# will have changed the units.
#
# **You need** the training loop of rung 1, the autograd of [rung 2](02_autograd.ipynb), and the product
# of a matrix and a vector, which we look at again. **You will have** a model for vectors with a gradient
# in matrix form, the rules by which shapes combine, the exact answer to compare with, and a loop that
# does not care about units. **It takes** about three hours.
#
# Each exercise says what goes in and out. All of them are meant for numpy arrays. Tensors inside are
# accepted too; rung 2's machinery comes in where it earns its keep, as a second opinion.

# %% tags=["setup"]
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
import torch

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.data import plane
from descent.figures import COLOURS, plot_curves, use_style

chapter("ladder/03_vector_regression")
use_style()

# %% [markdown]
# ## The data
#
# The truth, which the program never sees:

# %%
TRUE_W = np.array([1.5, -0.03, 0.01])  # bar per V, bar per °C, bar per mV
TRUE_B, SIGMA = -47.5, 0.3  # bar, bar
NAMES = ["voltage (V)", "temperature (°C)", "supply (mV)"]


def outdoor_readings(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The features, shape (n, 3), and the pressures in bar, shape (n,)."""
    rng = np.random.default_rng(seed)
    warmth = rng.normal(size=n)  # a cold battery gives less: temperature moves both
    voltage = rng.uniform(-1.0, 3.0, size=n)
    temperature = 15.0 + 10.0 * warmth
    supply = 5000.0 + 40.0 * (0.6 * warmth + 0.8 * rng.normal(size=n))
    x = np.stack([voltage, temperature, supply], axis=1)
    return x, x @ TRUE_W + TRUE_B + rng.normal(0.0, SIGMA, size=n)


x, y = outdoor_readings(20_000, seed=2025)
print("x has shape", x.shape, "and y has shape", y.shape)
for name, column in zip(NAMES, x.T, strict=True):
    print(f"{name:>17}: mean {column.mean():8.2f}, standard deviation {column.std():6.2f}")

fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.4), sharey=True)
for ax, name, column in zip(axes, NAMES, x.T, strict=True):
    ax.scatter(column[:600], y[:600], s=6, color=COLOURS["blue"], alpha=0.5)
    ax.set(xlabel=name)
axes[0].set(ylabel="pressure (bar)", title="One feature at a time, the plane does not show")
plt.show()

# %% [markdown]
# The voltage explains most of it, the others look like clouds. That is deceptive: the clouds are as thick
# as they are because the voltage is missing from them. And the bias of $-47.5$ bar is no slip. It
# is the pressure at a supply of 0 mV, a place where nobody has ever been. Remember it; it comes back.
#
# ## One prediction from many features
#
# Write the features of example $i$ as a row $(x_{i1}, \dots, x_{id})$, stack the $n$ rows into a matrix
# $X$, and give every feature a weight:
#
# $$ p_i = \sum_{j=1}^{d} x_{ij}\, w_j + b, \qquad\text{together}\qquad
#    \underset{(n,)}{p} \;=\; \underset{(n,\,d)}{X}\;\underset{(d,)}{w} + \underset{()}{b}. $$
#
# Here $d = 3$. The code calls the matrix `x`, as in rung 1. The product $Xw$ can be seen in three ways,
# and each of them will be the right one at some point of this page. On
#
# $$ X = \begin{pmatrix} 1 & 2 \\ 3 & 0 \\ 0 & 1 \end{pmatrix}, \qquad w = \begin{pmatrix} 2 \\ 1 \end{pmatrix}: $$
#
# - **By rows**: entry $i$ is the dot product of row $i$ with $w$. The first is $1\cdot 2 + 2\cdot 1 = 4$. Each
#   example gets its prediction; this is how one reads the model.
# - **By columns**: the columns of $X$, weighted and added. $2 \cdot (1, 3, 0) + 1 \cdot (2, 0, 1) = (4, 6, 1)$.
#   Whatever $w$ is, the result is a mixture of the $d$ columns; this is how one understands the best $w$.
# - **By a table**: multiply every row by $w$, entry by entry, into a table of shape $(n, d)$, then sum along its
#   rows: $\begin{pmatrix} 2 & 2 \\ 6 & 0 \\ 0 & 1 \end{pmatrix} \to (4, 6, 1)$. This is how one writes it when there is no product for the job.

# %%
paper_x = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
paper_w, paper_b = np.array([2.0, 1.0]), 1.0

print("by rows:   ", np.array([row @ paper_w for row in paper_x]))
print("by columns:", sum(paper_w[j] * paper_x[:, j] for j in range(2)))
print("by a table:", (paper_x * paper_w).sum(axis=1))
print("at once:   ", paper_x @ paper_w)

# %% [markdown]
# With the bias $b = 1$ the predictions are $[5, 7, 2]$. Keep these three examples on paper. (The numbers
# of examples and features differ on purpose. With a square matrix many mistakes have the right shape.)


# %% exercise="predict"
def predict(w: np.ndarray, b: float, x: np.ndarray) -> np.ndarray:
    """Predict the target of every example with the plane x·w + b.

    Parameters
    ----------
    w : shape (d,), one weight for each feature, d at least 1
    b : the bias, one number
    x : shape (n, d), one example in each row; n may be 1, or 0. It must not be changed.

    Returns
    -------
    shape (n,): one prediction for each example
    """
    ### BEGIN SOLUTION
    return x @ w + b
    ### END SOLUTION


# %% check="predict"
check(predict)

# %% [markdown]
# ## When shapes differ
#
# In `x @ w + b` an array of shape $(n,)$ meets a single number, and numpy adds it to every entry. In the
# table above, `paper_x * paper_w` let $(3, 2)$ meet $(2,)$, and every row was multiplied by $w$. This is
# **broadcasting**: arrays of different shapes are made to fit by repeating the smaller one. numpy and
# torch share the rules, and there are three of them.
#
# 1. Line the two shapes up at their **right** ends. Fill the shorter one with ones at the left.
# 2. Two sizes opposite each other fit if they are equal, or if one of them is 1. A 1 **stretches** to
#    whatever stands opposite (even to 0).
# 3. If any pair does not fit, it is an error.
#
# By hand:
#
# ```text
#    (3, 2)         (4, 1, 3)         (4, 3)
#       (2)            (5, 1)            (4)
#   -------         ---------         ------
#    (3, 2)         (4, 5, 3)         error: 3 opposite 4
# ```
#
# In the middle, 1 stretches to 5 and 1 stretches to 3; the missing size counts as 1. On the right, four
# rows and four numbers look as if they belonged together, but numbers line up with the *last* axis. Nothing
# is copied when an array stretches; numpy reads the same entry again {cite:p}`harris2020`.
#
# The next exercise is a small program about shapes, with no array in it. It is worth the ten minutes. Most
# of the bugs that you will hunt on this ladder are shapes that were wrong and fitted all the same. (`zip` stops
# at the end of the shorter tuple; `zip_longest(…, fillvalue=1)`, imported above, goes on.)


# %% exercise="broadcast_shape"
def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Work out the shape that two arrays of shapes a and b broadcast to.

    Parameters
    ----------
    a, b : shapes, as tuples of sizes (0 or more). A shape may be (): that of a single number.

    Returns
    -------
    the shape of the result, as a tuple

    Raises
    ------
    ValueError : if a size stands opposite a different one and neither of them is 1
    """
    ### BEGIN SOLUTION
    shape = []
    for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if m != n and m != 1 and n != 1:
            raise ValueError(f"the sizes {m} and {n} do not fit")
        shape.append(n if m == 1 else m)
    return tuple(reversed(shape))
    ### END SOLUTION


# %% check="broadcast_shape"
check(broadcast_shape)

# %% recall="broadcasting"
recall("broadcasting")

# %% [markdown]
# ## The bug that trains
#
# Now a failure worth having seen once in peace. Read a column of targets from a table, and it often arrives
# with shape $(n, 1)$. Predictions have shape $(n,)$. What is `prediction - target`? Use your rules, or your
# function. Then:
#
# **Predict.** Below, the same model is trained twice by autograd on 500 practice examples, with targets
# $(n,)$ and with targets $(n, 1)$. In the second run, will there be an error message? Will the loss fall?
# What will the weights be? (The truth is $1.5, -2, 0.5$, the noise floor $0.01$.)

# %% predict="bug_weights"
commit("bug_weights", ..., sure=...)

# %%
practice_x, practice_y = plane(500, w=(1.5, -2.0, 0.5), b=1.0, noise=0.1, seed=1)


def fit_by_autograd(
    targets: torch.Tensor, steps: int = 80
) -> tuple[np.ndarray, float, list[float]]:
    """Full-batch gradient descent on the practice examples, all slopes from autograd."""
    features = torch.tensor(practice_x)
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    losses = []
    for _ in range(steps):
        prediction = features @ w + b
        loss = ((prediction - targets) ** 2).mean()  # innocent, and at fault
        loss.backward()
        with torch.no_grad():
            for parameter in (w, b):
                parameter -= 0.1 * parameter.grad
                parameter.grad = None
        losses.append(loss.item())
    return w.detach().numpy(), b.item(), losses


column_of_targets = practice_y[:, None]  # shape (500, 1), as it comes out of a table
runs = {"targets (n,)": practice_y, "targets (n, 1)": column_of_targets}
curves = {}
for name, targets in runs.items():
    w, b, curves[name] = fit_by_autograd(torch.tensor(targets))
    print(f"{name:>14}: w = {np.round(w, 2)}, b = {b:.2f}, loss {curves[name][-1]:.2f}")
wrong_error = predict(w, b, practice_x) - column_of_targets
print("shape of the second run's errors:", wrong_error.shape)
print(f"variance of the targets: {practice_y.var():.2f}, their mean: {practice_y.mean():.2f}")
shares = w / np.array([1.5, -2.0, 0.5])  # of the truth, weight by weight
if np.abs(shares).max() > 2:
    second_run = "without bound"
elif np.abs(shares).max() < 0.1:
    second_run = "near 0"
else:
    second_run = "near the truth" if shares.min() > 0.9 else "half of the truth"

# %% outcome="bug_weights"
outcome("bug_weights", second_run)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.0), width_ratios=[1, 1.5])
few_p = predict(np.array([1.5, -2.0, 0.5]), 1.0, practice_x[:8])
image = left.imshow((few_p - column_of_targets[:8]) ** 2, cmap="cividis", vmax=20)
for i in range(8):
    left.add_patch(plt.Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="white", lw=2.5))
left.set(xlabel="prediction of example", ylabel="target of example")
left.set_title("64 squared errors for 8 examples")
left.grid(False)
fig.colorbar(image, ax=left, label="squared error", shrink=0.9)
plot_curves(curves, "step", "loss", "Both losses fall", logy=True, ax=right)
plt.show()

# %% [markdown]
# No error, no warning, and a loss that falls smoothly to a plateau, as a good loss does. But the weights
# are zero and the bias is the mean of the targets. The picture on the left shows why, for the true weights. The
# difference has shape $(n, n)$: *every prediction against every target*. Only the diagonal, outlined, is
# what we meant. There the errors are tiny; everywhere else two strangers are compared. Averaged over all
# pairs,
#
# $$ \frac{1}{n^2}\sum_{i,j} (p_i - y_j)^2 = \operatorname{var}(p) + \operatorname{var}(y) + (\bar p - \bar y)^2 , $$
#
# and the best a model can do about that is to predict the same number for everyone, the mean. The knowledge
# about which target belongs to which example is gone. Under this loss the truth scores *worse* than
# ignorance, and one favourite check is blind to it:

# %%
true_p = predict(np.array([1.5, -2.0, 0.5]), 1.0, practice_x)
mean_p = np.full(500, practice_y.mean())
for name, p in {"the truth": true_p, "the mean for everyone": mean_p}.items():
    right_errors, wrong_errors = p - practice_y, p - column_of_targets
    print(f"{name}: loss {np.mean(right_errors**2):.2f}, under the bug {np.mean(wrong_errors**2):.2f};"
          f" mean error {np.mean(right_errors):+.4f}, under the bug {np.mean(wrong_errors):+.4f}")

# %% [markdown]
# The mean error is the same with the bug and without, to every digit shown. What would have caught it? The
# plateau at the variance of the targets, which is what a model that ignores its input gets. And one line, worth
# writing wherever two arrays are about to meet: `assert prediction.shape == target.shape`. (With all
# 20 000 outdoor readings the table would have 400 million entries, 3.2 GB. Running out of memory on a
# small problem is the other symptom.)

# %% recall="shape_bug"
recall("shape_bug")

# %% [markdown]
# ## The gradient, all weights at once
#
# The loss is rung 1's, $L = \frac1n \sum_i e_i^2$, with $e = Xw + b - y$, of shape $(n,)$. Take one weight
# $w_j$ and hold the others still. Nudging it moves $p_i$ by $x_{ij}$ times the nudge, which is rung 1 once
# more with column $j$ in the role of $x$:
#
# $$ \frac{\partial L}{\partial w_j} = \frac{2}{n} \sum_{i=1}^{n} e_i\, x_{ij}, \qquad
#    \frac{\partial L}{\partial b} = \frac{2}{n} \sum_{i=1}^{n} e_i . $$
#
# The first is a dot product of the errors with **column** $j$. All $d$ of them at once are a matrix–vector product,
# by rows, with the matrix whose rows are the columns of $X$. That is the **transpose** $X^\top$:
#
# $$ \underset{(d,)}{\nabla_w L} \;=\; \frac{2}{n}\; \underset{(d,\,n)}{X^\top}\; \underset{(n,)}{e},
# \qquad \underset{(n,)}{e} \;=\; \underset{(n,\,d)}{X}\;\underset{(d,)}{w} + \underset{()}{b} - \underset{(n,)}{y}. $$
#
# The shapes nearly derive it for you. The answer must look like $w$, $(d,)$; the only ingredients are $X$ and
# $e$; and only $X^\top e$ has that shape. Going forward, $X$ takes weights to examples. Going backward,
# $X^\top$ takes errors back to weights. You will meet that pair again in every layer of every network.
#
# By hand, with targets $y = [4, 5, 3]$: the errors are $[1, 2, -1]$ and the loss is $6/3 = 2$. Column 1 of
# $X$ gives $1\cdot1 + 3\cdot2 + 0\cdot(-1) = 7$, column 2 gives $2\cdot1 + 0\cdot2 + 1\cdot(-1) = 1$. So
# $\nabla_w L = \frac23 (7, 1) = (4.667, 0.667)$ and $\partial L/\partial b = \frac23 \cdot 2 = 1.333$.


# %% exercise="gradient"
def gradient(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Work out the slopes of the mean squared error of the plane x·w + b.

    Parameters
    ----------
    w, b : the parameters, shape (d,) and one number
    x : shape (n, d), the examples; n is at least 1
    y : shape (n,), their targets

    Returns
    -------
    (dw, db): the derivatives of mean((x·w + b − y)²) with respect to w, shape (d,),
        and to b, one number
    """
    ### BEGIN SOLUTION
    error = predict(w, b, x) - y
    return 2 * x.T @ error / len(x), 2 * np.mean(error)
    ### END SOLUTION


# %% check="gradient"
check(gradient)

# %% [markdown]
# The second opinion: autograd, which knows nothing of transposes. Build the loss with tensors, go backward, compare.


# %%
def gradient_by_autograd(
    w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, float]:
    tensor_w = torch.tensor(w, requires_grad=True)
    tensor_b = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    error = torch.tensor(x) @ tensor_w + tensor_b - torch.tensor(y)
    (error**2).mean().backward()
    return tensor_w.grad.numpy(), tensor_b.grad.item()


paper_y = np.array([4.0, 5.0, 3.0])
for name, slopes in {"by hand": gradient, "autograd": gradient_by_autograd}.items():
    dw, db = slopes(paper_w, paper_b, paper_x, paper_y)
    print(f"on paper, {name}: dw = {np.round(dw, 4)}, db = {db:.4f}")
at = (np.array([0.3, -1.0, 0.7]), 0.2, practice_x, practice_y)
gap = np.abs(gradient(*at)[0] - gradient_by_autograd(*at)[0]).max()
print(f"on 500 practice examples the two differ by at most {gap:.1e}")

# %% [markdown]
# ## The best answer there is
#
# For this model the minimum can be had without a single step, as Legendre had it. That is rare: on the next rung
# nothing like it exists. So use it while it lasts, as an **oracle**: the exact answer that tells whether training has
# arrived.
#
# First get rid of $b$. Give every example one more feature that is always 1; its weight is $b$. With
# $\tilde X = [X \mid \mathbf 1]$ of shape $(n, d+1)$ and $\theta = (w, b)$ of shape $(d+1,)$, the predictions are
# $\tilde X\theta$. At the minimum all slopes are zero, $\frac2n \tilde X^\top(\tilde X\theta - y) = 0$, or
#
# $$ \underset{(d+1,\,d+1)}{\tilde X^\top \tilde X}\; \underset{(d+1,)}{\theta} \;=\; \underset{(d+1,)}{\tilde X^\top y}, $$
#
# the **normal equation**: $d + 1$ equations for $d + 1$ unknowns, however many examples there are. "Normal"
# is usually explained as an old word for perpendicular. Think of $\tilde X\theta$ by columns: it can be any mixture of the columns, a
# flat sheet in a space of $n$ dimensions, and $y$ floats above the sheet. The nearest point of the sheet is
# straight below it, where the error is at right angles to every column: $\tilde X^\top e = 0$.
#
# By hand, with one feature: $x = [0, 1, 2]$ and $y = [1, 1, 4]$. Then
#
# $$ \tilde X^\top\tilde X = \begin{pmatrix} 0+1+4 & 0+1+2 \\ 3 & 3 \end{pmatrix} = \begin{pmatrix} 5 & 3 \\ 3 & 3 \end{pmatrix}, \qquad
#    \tilde X^\top y = \begin{pmatrix} 9 \\ 6 \end{pmatrix}. $$
#
# Subtract the second equation from the first: $2w = 3$. So $w = 1.5$ and $b = 0.5$. The errors are
# $[-0.5, 1, -0.5]$; they sum to 0, and so do they times $x$.
#
# The equation has the form $A\theta = c$. Resist writing $\theta = A^{-1}c$ in code: `np.linalg.solve(A, c)` does less
# work and rounds less. And $\tilde X^{-1}y$ does not exist at all; $\tilde X$ is not square. To put $\tilde X$ together,
# `np.column_stack([x, np.ones(n)])` sets the ones beside `x` as a column.


# %% exercise="least_squares"
def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the plane with the smallest mean squared error, bias included.

    Parameters
    ----------
    x : shape (n, d). There are more examples than features, and no feature is a mixture of
        the others and a constant, so that the answer is unique.
    y : shape (n,)

    Returns
    -------
    (w, b): shape (d,) and one number. The bias is fitted together with the weights, and nothing
        is penalised.
    """
    ### BEGIN SOLUTION
    columns = np.column_stack([x, np.ones(len(x))])
    solution = np.linalg.solve(columns.T @ columns, columns.T @ y)
    return solution[:-1], solution[-1]
    ### END SOLUTION


# %% check="least_squares"
check(least_squares)

# %%
best_w, best_b = least_squares(x, y)
best_loss = np.mean((predict(best_w, best_b, x) - y) ** 2)
print("least squares: w =", np.round(best_w, 4), f" b = {best_b:.2f}")
print("the truth:     w =", TRUE_W, f" b = {TRUE_B:.2f}")
print(f"loss {best_loss:.4f} bar², noise floor {SIGMA**2:.4f} bar²")

# %% [markdown]
# The loss sits on the noise floor, and every weight is right to two decimals. The bias is off by 0.18 bar, which is
# more than half the noise of a single reading, although 20 000 readings went into it. Another thing to remember.
#
# With the weights known, the plane can be shown after all. Take away from each pressure what the *other* features
# contribute, and plot the rest against one feature.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.4))
for j, (ax, name) in enumerate(zip(axes, NAMES, strict=True)):
    centred = x[:600] - x.mean(axis=0)
    others = centred @ np.where(np.arange(3) == j, 0.0, best_w)
    rest = y[:600] - others
    ends = np.array([x[:600, j].min(), x[:600, j].max()])
    ax.scatter(x[:600, j], rest, s=6, color=COLOURS["blue"], alpha=0.5)
    ax.plot(ends, y.mean() + best_w[j] * (ends - x[:, j].mean()), color=COLOURS["red"])
    ax.set(xlabel=name, ylim=(-1.0, 8.0))
axes[0].set(ylabel="pressure (bar)", title="With the other features taken away, it does")
plt.show()

# %% [markdown]
# The clouds of the first plot have become lines, each as thick as the noise and no thicker. That is what "holding
# the other features fixed" means when you cannot hold them.
#
# ## Years to go
#
# Now by gradient descent. Rung 1 told us how: find the curvatures (the eigenvalues of the Hessian), stay below
# $2/\lambda_{\max}$. The Hessian of our loss is $H = \frac2n \tilde X^\top\tilde X$, of shape $(d+1, d+1)$: differentiate
# the gradient once more. It is the same matrix as in the normal equation.
#
# A direction with curvature $\lambda$ shrinks its distance to the minimum by $1 - \eta\lambda$ a step. With
# $\eta = 1/\lambda_{\max}$ the steepest direction arrives at once. The flattest needs about
# $\lambda_{\max}/\lambda_{\min}$ steps to come closer by a factor of $e$. That ratio is called the
# **condition number** $\kappa$, and it says how hard a problem is for gradient descent.
#
# **Predict.** Means and spreads of the features are printed at the top of the page. What is $\lambda_{\max}$, roughly? And which
# direction is the flattest?

# %% predict="condition_number"
commit("condition_number", ..., sure=...)

# %%
def curvatures(x: np.ndarray) -> np.ndarray:
    """Eigenvalues of the Hessian of the loss, smallest first, shape (d + 1,)."""
    columns = np.column_stack([x, np.ones(len(x))])
    return np.linalg.eigvalsh(2 * columns.T @ columns / len(x))


raw_curvatures = curvatures(x)
condition = raw_curvatures[-1] / raw_curvatures[0]
years = condition * 1e-4 / (3600 * 24 * 365)
print("curvatures:", "  ".join(f"{value:.2g}" for value in raw_curvatures))
print(f"largest safe learning rate {2 / raw_curvatures[-1]:.1e}")
print(f"condition number {condition:.1e}")
print(f"at a ten-thousandth of a second a step: {years:.1f} years for a factor of e")
print(f"factors of e from b = 0 to within 0.01 bar: {np.log(abs(best_b) / 0.01):.1f}")
words = {3: "a thousand", 6: "a million", 9: "a thousand million", 12: "a million million"}
magnitude = words[min(words, key=lambda power: abs(np.log10(condition) - power))]

# %% outcome="condition_number"
outcome("condition_number", magnitude)

# %% [markdown]
# The supply is near 5000, so the mean of its square is 25 million. That sets the learning rate for everybody,
# and the other directions starve. Why is the flattest so flat? Raise the supply's weight by a little and lower the
# bias by 5000 times as much: the predictions hardly change, because the supply hardly changes. It is always
# about 5000. Seen from zero, the supply and the constant are nearly the same feature.
#
# Both troubles come from units and origins that somebody chose for other reasons. Celsius or kelvin, volts or
# millivolts: the physics does not care, and gradient descent does. To be independent of all of that, measure each feature by its own
# yardstick: how many of its standard deviations it is away from its mean. We **standardise**:
#
# $$ x'_{ij} = \frac{x_{ij} - \mu_j}{\sigma_j}, \qquad
#    \underset{(d,)}{\mu} = \text{mean over the examples}, \qquad \underset{(d,)}{\sigma} = \text{standard deviation over the examples}. $$
#
# (In rung 1 a $\sigma$ was the noise of the readings. Here $\sigma$ and $\sigma_j$ are the spreads of the features.) Both run over axis 0, down the columns. In the subtraction, $(n, d)$ meets $(d,)$, and your rules say that each
# column gets its own number. The standard deviation is the one that divides by $n$. By hand: $X = \begin{pmatrix} 0 & 10 \\ 4 & 30 \end{pmatrix}$ has
# $\mu = (2, 20)$ and $\sigma = (2, 10)$, so $X' = \begin{pmatrix} -1 & -1 \\ 1 & 1 \end{pmatrix}$.
#
# One case needs a decision. A feature that never changes has $\sigma_j = 0$, and $0/0$ is nan, which from there spreads to
# everything. We replace such a $\sigma_j$ by 1; the feature becomes a column of zeros and does no harm.


# %% exercise="standardise"
def standardise(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shift and scale every feature to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : shape (n, d), n at least 1. It must not be changed.

    Returns
    -------
    scaled : shape (n, d), (x − mean) / std; a feature that is constant becomes zeros
    mean : shape (d,), the mean of each feature over the examples
    std : shape (d,), the standard deviation of each feature over the examples (dividing by n),
        with 1 in place of 0 for a constant feature
    """
    ### BEGIN SOLUTION
    mean, std = x.mean(axis=0), x.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    return (x - mean) / std, mean, std
    ### END SOLUTION


# %% check="standardise"
check(standardise)

# %% [markdown]
# **Predict.** Four runs of full-batch gradient descent, each at its own rate $1/\lambda_{\max}$: on the raw
# features, on features only divided by $\sigma$, on features with only $\mu$ subtracted, and on standardised ones. The first three
# get 3 000 steps, the last gets 30. How far down does each get? And is $\kappa$ exactly 1 after both cures?

# %% predict="better_cure"
commit("better_cure", ..., sure=...)

# %%
scaled, mean, std = standardise(x)


def excess_losses(x: np.ndarray, steps: int) -> np.ndarray:
    """The loss above its minimum before each step of full-batch descent, shape (steps,)."""
    rate = 1 / curvatures(x)[-1]
    w, b, losses = np.zeros(x.shape[1]), 0.0, []
    for _ in range(steps):
        losses.append(np.mean((predict(w, b, x) - y) ** 2) - best_loss)
        dw, db = gradient(w, b, x, y)
        w, b = w - rate * dw, b - rate * db
    return np.array(losses)


versions = {"raw": x, "only scaled": x / std, "only centred": x - mean, "standardised": scaled}
descents, conditions = {}, {}
for name, features in versions.items():
    ends = curvatures(features)[[0, -1]]
    losses = excess_losses(features, steps=30 if name == "standardised" else 3_000)
    descents[name] = (np.arange(1, len(losses) + 1), losses)
    conditions[name] = ends[1] / ends[0]
    print(f"{name:>12}: condition number {ends[1] / ends[0]:8.2g},"
          f" loss above the minimum after {len(losses):4} steps {losses[-1]:.1e} bar²")

correlation = np.corrcoef(x[:, 1], x[:, 2])[0, 1]
print(f"standardised curvatures: {np.round(curvatures(scaled), 2)}")
print(f"correlation of temperature and supply: {correlation:.2f}")

plot_curves(descents, "step", "loss above the minimum (bar²)",
            "The same data, the same loop, other units", logy=True)
plt.gca().set_xscale("log")
plt.gca().set_ylim(1e-9, 100)
plt.show()
cure = "only scaling" if conditions["only scaled"] < conditions["only centred"] else "only shifting"
if min(conditions["only scaled"], conditions["only centred"]) > conditions["raw"] / 10:
    cure = "neither takes off much"

# %% outcome="better_cure"
outcome("better_cure", cure)

# %% [markdown]
# Raw, the first step repairs the one direction that the rate was made for, and then nothing happens. Scaling
# alone takes three zeros off the condition number and leaves the trouble in place: a supply that is always about 125 of its
# standard deviations is as good as a constant. Centring takes off more than eight, because it parts the supply from the
# constant. (On the plot it looks worse than it is. Its rate is set by the supply, and the bias has to climb to the mean pressure
# at that rate.) Together they leave 4, and 30 steps reach what the others do not in thousands. Seldom is so much had for two
# lines of code.
# {cite:t}`lecun1998efficient` made it a rule for networks.
#
# And 4 is not 1. Temperature and supply rise and fall together, with a correlation of 0.6. The bowl is round along its axes and still
# elongated along the diagonal where the two move together, with curvatures $2(1 \pm 0.6)$. Standardising cures size. It does not
# cure correlation.
#
# Here is what the two problems look like, in two of the four parameters: the weights of voltage and
# temperature, with the other two held at their best. Both descents use the best rate there is for
# them, $2/(\lambda_{\min} + \lambda_{\max})$, and start from the same plane.


# %% tags=["hide-input"]
def slice_of_descent(
    features: np.ndarray, start: tuple[float, float], steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Descent in the first two weights alone, the others held at their best values.

    Returns the minimum (2,), the Hessian (2, 2) and the path (steps + 1, 2).
    """
    hessian = 2 * features[:, :2].T @ features[:, :2] / len(features)
    lowest = least_squares(features, y)[0][:2]
    rate = 2 / np.linalg.eigvalsh(hessian).sum()  # two eigenvalues: smallest plus largest
    path = [np.array(start)]
    for _ in range(steps):
        path.append(path[-1] - rate * hessian @ (path[-1] - lowest))
    return lowest, hessian, np.array(path)


fig, axes = plt.subplots(2, 1, figsize=(9.5, 5.6), height_ratios=[1, 2.6])
pictures = [
    (axes[0], "Raw: a trench. 40 steps, most of each sideways", x, (0.0, 0.1), 40,
     (-0.2, 2.6), (-0.16, 0.14), "V", "°C"),
    (axes[1], "Standardised: a bowl. One step", scaled, (0.0, 1.0), 1,
     (-0.9, 4.4), (-1.5, 1.3), "std of voltage", "std of temp."),
]
for ax, title, features, start, steps, xlim, ylim, unit_v, unit_t in pictures:
    lowest, hessian, path = slice_of_descent(features, start, steps)
    grid = np.stack(np.meshgrid(np.linspace(*xlim, 300), np.linspace(*ylim, 300)), axis=-1)
    away = grid - lowest
    heights = 0.5 * np.einsum("...i,ij,...j", away, hessian, away)
    ax.contour(grid[..., 0], grid[..., 1], heights, levels=np.array([0.1, 0.4, 0.9, 1.6, 2.5, 3.6]),
               colors=COLOURS["grey"], linewidths=0.8)
    ax.plot(path[:, 0], path[:, 1], "o-", color=COLOURS["blue"], markersize=3.5, linewidth=1.1)
    ax.plot(*lowest, "*", color=COLOURS["red"], markersize=13)
    ax.set(xlim=xlim, ylim=ylim, aspect="equal", title=title)
    ax.set(xlabel=f"weight of the voltage (bar per {unit_v})")
    ax.set(ylabel=f"temperature\n(bar per {unit_t})")
    left_over = np.linalg.norm(path[-1] - lowest) / np.linalg.norm(path[0] - lowest)
    print(f"{title.split(':')[0]:>12}: {left_over:.0%} of the way is left, steps taken: {steps}")
plt.show()

# %% [markdown]
# In the trench, downhill means across. The step must be short enough not to climb out on the other side, and what it does
# along the floor is the little that remains: after 40 steps, two thirds of the way are left. In the bowl, downhill means towards the
# middle. (One step arrives because voltage and temperature are uncorrelated, so that this slice of the bowl is round.)
#
# Notice that the upper picture is a choice of units. Draw the temperature's weight in bar per ten degrees, and the trench
# widens by ten. Gradient descent sees the picture as it is drawn, with equal scales.

# %% recall="conditioning"
recall("conditioning")

# %% [markdown]
# ## Back to volts
#
# Trained on standardised features, the weights are in bar per standard deviation. Nobody can put those into a
# manual. So put $x'$ into the model and sort the terms:
#
# $$ \sum_j w'_j\,\frac{x_j - \mu_j}{\sigma_j} + b'
#    \;=\; \sum_j \underbrace{\frac{w'_j}{\sigma_j}}_{w_j} x_j \;+\; \underbrace{b' - \sum_j \frac{w'_j\,\mu_j}{\sigma_j}}_{b} . $$
#
# It is the same plane, described from another origin in other units. By hand, with $\mu = (2, 20)$, $\sigma = (2, 10)$ from
# above, $w' = (6, 5)$ and $b' = 1$: $w = (3, 0.5)$ and $b = 1 - 3\cdot2 - 0.5\cdot20 = -15$. Check it on the first example,
# $(0, 10)$: here $0 + 5 - 15 = -10$, there $-6 - 5 + 1 = -10$.


# %% exercise="unstandardise"
def unstandardise(
    w: np.ndarray, b: float, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, float]:
    """Turn the plane over standardised features into the same plane over the original ones.

    Parameters
    ----------
    w, b : shape (d,) and one number: predictions are (x − mean) / std · w + b.
        They must not be changed.
    mean, std : shape (d,) each, as `standardise` returned them; no std is 0

    Returns
    -------
    (w, b): shape (d,) and one number, with the same predictions from x as it was
    """
    ### BEGIN SOLUTION
    w = w / std
    return w, b - w @ mean
    ### END SOLUTION


# %% check="unstandardise"
check(unstandardise)

# %% recall="unscaling"
recall("unscaling")

# %% [markdown]
# ## The whole loop, for vectors
#
# Two helpers from rung 1, so that this page stands alone:


# %%
def mean_squared_error(prediction: np.ndarray, target: np.ndarray) -> float:
    """The mean of the squared errors, refusing shapes that would broadcast."""
    assert prediction.shape == target.shape, f"{prediction.shape} meets {target.shape}"
    return float(np.mean((prediction - target) ** 2))


def minibatches(n: int, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """One epoch of index batches in a random order; the last one may be shorter."""
    order = rng.permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


# %% [markdown]
# Now the piece that this page is about, from its specification:
#
# 1. Standardise the features, once, with the means and spreads of all of `x`. The targets stay in bar.
# 2. Start from $w' = 0$ and $b' = 0$.
# 3. For each epoch, cut new minibatches with `rng`. For each minibatch, in order: record its loss, *before the
#    step*; take one step of $w'$ and $b'$ along its gradient.
# 4. Map $w'$ and $b'$ back to the original units. Return them with the losses.


# %% exercise="train"
def train(
    x: np.ndarray,
    y: np.ndarray,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float, list[float]]:
    """Fit the plane x·w + b by minibatch gradient descent on standardised features.

    Parameters
    ----------
    x, y : shape (n, d) and (n,), with n at least 1, numpy arrays; they must not be changed.
        A feature may be constant; its weight is then 0.
    learning_rate : 0 or more, for steps in the standardised parameters
    batch_size : examples in a minibatch, at least 1; the last one of an epoch may be shorter,
        and its loss and gradient are means over the examples that are in it
    epochs : how often to go through all the data, at least 1
    rng : the source of all randomness; every epoch takes a new order from it

    Returns
    -------
    w, b : shape (d,) and one number, in the units of the x that was given
    losses : one number for each step, in order: the mean squared error of that step's
        minibatch before the step
    """
    ### BEGIN SOLUTION
    scaled, mean, std = standardise(x)
    w, b, losses = np.zeros(x.shape[1]), 0.0, []
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            batch_x, batch_y = scaled[batch], y[batch]
            losses.append(mean_squared_error(predict(w, b, batch_x), batch_y))
            dw, db = gradient(w, b, batch_x, batch_y)
            w, b = w - learning_rate * dw, b - learning_rate * db
    w, b = unstandardise(w, b, mean, std)
    return w, b, losses
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## How near is it?
#
# Ten epochs, batches of 200, a learning rate of 0.01. By rung 1's formula each standardised parameter should wander by about
# $\sigma\sqrt{\eta/B} = 0.3\cdot\sqrt{0.01/200} = 0.0021$ bar, where $\sigma$ is the noise again. (There it was for $w$ and one feature; it holds for each standardised
# parameter, as the curvature cancels.)

# %%
w, b, losses = train(x, y, 0.01, 200, 10, np.random.default_rng(0))
print(f"{len(losses)} steps")
print("trained:       w =", np.round(w, 4), f" b = {b:.2f}")
print("least squares: w =", np.round(best_w, 4), f" b = {best_b:.2f}")
print(f"loss on all the data {np.mean((predict(w, b, x) - y) ** 2):.6f} bar²,"
      f" of least squares {best_loss:.6f} bar²")

plot_curves({"minibatch loss": losses}, "step", "loss (bar²)",
            "A thousand steps, not years", logy=True)
ax = plt.gca()
ax.axhline(best_loss, color=COLOURS["red"], linestyle="--")
ax.annotate("loss of least squares", (560, best_loss * 0.43), color=COLOURS["red"])
ax.set_ylim(0.03, 30)
plt.show()

# %% [markdown]
# And for ten seeds, in both descriptions of the plane. In standardised units each gap is in bar: what a change of one
# standard deviation is worth.

# %%
best_scaled = np.append(best_w * std, best_b + best_w @ mean)  # w′ and b′ of least squares
gaps, scaled_gaps = [], []
for seed in range(10):
    w, b, _ = train(x, y, 0.01, 200, 10, np.random.default_rng(seed))
    gaps.append(np.abs(np.append(w - best_w, b - best_b)))
    scaled_gaps.append(np.abs(np.append(w * std, b + w @ mean) - best_scaled))
for label, found in {"standardised": scaled_gaps, "original units": gaps}.items():
    print(f"{label:>14}: mean gap", np.round(np.mean(found, axis=0), 5),
          " worst", np.round(np.max(found, axis=0), 5))

# %% [markdown]
# Every standardised parameter is within 0.01 bar of least squares for all ten seeds, with a worst gap of 0.0021, and
# every weight is within 0.0013 of its own unit. That was the promise. The bias in original units is not: it is off by 0.11 bar on
# average and by 0.23 at worst.
#
# **Predict.** Is that a failure of the training? How well does least squares itself know $b$? (Rung 1's standard error, for
# many parameters at once, is the noise $\sigma$ times the root of the diagonal of $(\tilde X^\top\tilde X)^{-1}$.)

# %% predict="bias_error"
commit("bias_error", ..., sure=...)

# %%
columns = np.column_stack([x, np.ones(len(x))])
standard_errors = SIGMA * np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)))
print("standard errors of least squares: w", np.round(standard_errors[:3], 5),
      f" b {standard_errors[3]:.2f}")
recentred = np.column_stack([columns[:, :2], columns[:, 2] - 5000.0, columns[:, 3]])
centred_errors = SIGMA * np.sqrt(np.diag(np.linalg.inv(recentred.T @ recentred)))
print(f"the same for the height at 0 V, 0 °C and 5000 mV: {centred_errors[3]:.4f}")

# %% outcome="bias_error"
outcome("bias_error", round(float(standard_errors[3]), 2))

# %% [markdown]
# The data itself leaves $b$ open by 0.33 bar, so training that is 0.11 away has used up what there is to know. $b$ is the height
# of the plane at 0 mV, and all readings lie near 5000. Tilt the plane about the readings by very little, and at zero it
# moves a long way. Asked for the height at 5000 mV, the same data answers to 0.005 bar. A number with a large error
# may be a good number that was asked for in a bad place. Judge a model by its predictions, or by its parameters in units where
# a change of 1 means the same for all of them.
#
# ## When the oracle itself is at fault
#
# The condition number does not only slow gradient descent down. It also eats digits. A number in float32, torch's default, has about
# seven of them. Solving with $\tilde X^\top\tilde X$ can lose as many as its condition number has
# zeros.
#
# **Predict.** The same least squares problem in float32: the normal equation with `solve`, and with `inv`;
# `torch.linalg.lstsq`, which works on $\tilde X$ itself and never forms $\tilde X^\top\tilde X$, by a QR factorisation and as
# it comes; and the normal equation on standardised features, mapped back. Which come within 0.01 bar of the right bias?

# %% predict="lstsq_bias"
commit("lstsq_bias", ..., sure=...)

# %%
def in_float32(x: np.ndarray) -> torch.Tensor:
    """The features with a column of ones, shape (n, d + 1), rounded to float32."""
    return torch.tensor(np.column_stack([x, np.ones(len(x))]), dtype=torch.float32)


target = torch.tensor(y, dtype=torch.float32)
a, a_scaled = in_float32(x), in_float32(scaled)
gram, right_side = a.T @ a, a.T @ target
solution = torch.linalg.solve(a_scaled.T @ a_scaled, a_scaled.T @ target).double().numpy()
biases = {
    "normal equation, solve": torch.linalg.solve(gram, right_side)[-1].item(),
    "normal equation, inv": (torch.linalg.inv(gram) @ right_side)[-1].item(),
    "lstsq by QR": torch.linalg.lstsq(a, target[:, None], driver="gels").solution[-1].item(),
    "lstsq, as it comes": torch.linalg.lstsq(a, target[:, None]).solution[-1].item(),
    "standardised, solve": unstandardise(solution[:-1], solution[-1], mean, std)[1],
}
for name, value in biases.items():
    print(f"{name:>23}: b off by {abs(value - best_b):7.4f} bar")
off_as_it_comes = float(abs(biases["lstsq, as it comes"] - best_b))

# %% outcome="lstsq_bias"
outcome("lstsq_bias", round(off_as_it_comes, 1))

# %% [markdown]
# (The last digits depend on the machine.) Forming $\tilde X^\top\tilde X$ in float32 costs bars. The inverse is no worse than `solve` here;
# the digits were gone before either began, which is worth knowing, since the inverse usually takes the blame
# {cite:p}`higham2002`. QR keeps them. `lstsq` as it comes finds no bias at all: it cuts off all directions that are smaller than about $n$ times the
# rounding error, as noise, and beside a supply of 5000 that is nearly everything else. It gives no warning. And the plainest method of all
# is good again once the features have been standardised. Conditioning is a property of how you put the
# question, and every method pays for it, the exact ones in digits and the patient ones in steps.
#
# In float64, with sixteen digits, `least_squares` on the raw features was good enough to serve as our oracle.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# **Uncorrelate.** Standardising left $\kappa$ at about 4. Rotate the features as well, so that $\kappa$ is 1.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The eigenvectors of the covariance matrix of $X'$, the features expressed in them and divided by the roots of the eigenvalues
# (**whitening**); the new curvatures, all equal to 2; the way back to the original units; and a word on what it costs for
# $d = 10\,000$ features.
# :::
#
# **A curved sensor.** Add $0.2\,v^2$ to the pressure, with $v$ the voltage, and fit it with this page's code, unchanged.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A new feature column $v^2$. The model stays linear in its weights, which is all that the page needs. The loss
# with and without the column, beside the noise floor; a plot of the errors against $v$ that shows the pattern vanish.
# :::
#
# **A learning rate for each weight.** Instead of standardising, centre the features and give each weight its own rate
# $\eta/\sigma_j^2$.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same path as with standardised features, to rounding error, and the two lines of algebra that say why. This is the
# idea that Adam, in [rung 8](08_adam_optax.ipynb), applies without being told the $\sigma_j$.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="stops_at_the_variance"
write("stops_at_the_variance", """
""")

# %% write="why_the_transpose"
write("why_the_transpose", """
""")

# %% write="two_biases"
write("two_biases", """
""")

# %% [markdown]
# Next, [rung 4](04_softmax_classification.ipynb): the same matrix product, and an answer that is a category.
