"""How `momentum_step` is judged."""

from __future__ import annotations

import numpy as np

from descent.exercises.research.optimization.shared import drawn_problem
from descent.grading import Draw, Exercise, expect

momentum_step = Exercise("momentum_step", minutes=30, difficulty=3, returns=np.ndarray)


def _case(draw: Draw):
    """Moments that a pair (θ, u) can have, and everything else; in the answer's order."""
    h, c, _ = drawn_problem(draw, min(draw.size, 5))
    theta, u = draw.normal(2, len(h)), draw.normal(2, len(h))
    moments = np.stack([(theta**2).mean(0), (theta * u).mean(0), (u**2).mean(0)])
    rate, momentum, batch = draw.uniform(0.1, 0.9), draw.uniform(0.2, 0.95), draw.uniform(1, 9)
    return moments, h, c, rate, momentum, batch


def _by_matrices(moments, h, c, rate, momentum, batch) -> np.ndarray:
    """E[z zᵀ] of z = (θ, u) after z ← M z + ε n: M E Mᵀ + (c/B) n nᵀ, direction by direction."""
    after = np.zeros_like(moments)
    for i in range(len(h)):
        before = np.array([[moments[0, i], moments[1, i]], [moments[1, i], moments[2, i]]])
        step = np.array([[1 - rate * h[i], -rate * momentum], [h[i], momentum]])
        noise = np.array([-rate, 1.0])
        whole = step @ before @ step.T + c[i] / batch * np.outer(noise, noise)
        after[:, i] = whole[0, 0], whole[0, 1], whole[1, 1]
    return after


def _expect_moments(answer, case) -> None:
    given, wanted = answer(*case), _by_matrices(*case)
    expect(given, "the moments").has_shape(*wanted.shape)
    for name, got, right in zip(("θ²", "θu", "u²"), np.asarray(given), wanted, strict=False):
        expect(got, f"the expectation of {name}").close_to(right, rtol=1e-6, atol=1e-9)


@momentum_step.property("gives the three moments after a step")
def _(answer, draw: Draw) -> None:
    _expect_moments(answer, _case(draw))


@momentum_step.property("without noise follows θ and u themselves", trials=3)
def _(answer, draw: Draw) -> None:
    h, _, theta = drawn_problem(draw, min(draw.size, 4))
    rate, momentum, u = draw.uniform(0.2, 0.8), draw.uniform(0.3, 0.9), draw.normal(len(h))
    given = answer(np.stack([theta**2, theta * u, u**2]), h, np.zeros(len(h)), rate, momentum, 2)
    u = momentum * u + h * theta
    theta = theta - rate * u
    expect(given, "the moments").close_to(
        np.stack([theta**2, theta * u, u**2]), rtol=1e-6, atol=1e-8
    )


@momentum_step.property("with momentum 0 is plain SGD", trials=3)
def _(answer, draw: Draw) -> None:
    moments, h, c, rate, _, batch = _case(draw)
    given = answer(moments, h, c, rate, 0.0, batch)
    wanted = (1 - rate * h) ** 2 * moments[0] + rate**2 * c / batch
    expect(np.asarray(given)[0], "the expectation of θ²").close_to(wanted, rtol=1e-6)


@momentum_step.property("on the page's two directions", trials=1)
def _(answer, draw: Draw) -> None:
    h, c, start = np.array([2.0, 0.5]), np.array([3.0, 1.0]), np.array([1.0, -2.0])
    moments = np.stack([start**2, np.zeros(2), np.zeros(2)])
    _expect_moments(answer, (moments, h, c, 0.4, 0.5, 4))
    _expect_moments(answer, (answer(moments, h, c, 0.4, 0.5, 4), h, c, 0.4, 0.5, 4))


@momentum_step.property("lets a batch be smaller than 1", trials=2)
def _(answer, draw: Draw) -> None:
    *first, _ = _case(draw)
    _expect_moments(answer, (*first, 0.25))


@momentum_step.right
def right_step(moments, h, c, rate, momentum, batch):
    tt, tu, uu = moments
    noise = c / batch
    new_uu = momentum**2 * uu + 2 * momentum * h * tu + h**2 * tt + noise
    theta_new_u = momentum * tu + h * tt
    new_tu = theta_new_u - rate * new_uu
    new_tt = tt - 2 * rate * theta_new_u + rate**2 * new_uu
    return np.stack([new_tt, new_tu, new_uu])


momentum_step.slip(
    "cross_term_forgotten",
    "You left out 2μh E[θu] in the square of the new velocity. θ and u are far from independent: "
    "u is made of old gradients.",
    {"2 * momentum * h * tu + ": ""},
)
momentum_step.slip(
    "cross_term_once",
    "The square of a sum has the mixed term twice: 2μh E[θu].",
    {"2 * momentum * h * tu": "momentum * h * tu"},
)
momentum_step.slip(
    "old_velocity_moves",
    "You moved θ by the old velocity. The velocity is renewed first, and θ moves by the new one.",
    {"tt - 2 * rate * theta_new_u + rate**2 * new_uu": "tt - 2 * rate * tu + rate**2 * uu"},
)
momentum_step.slip(
    "new_pair_of_old_theta",
    "Your E[θu] pairs the new velocity with the old θ. After the step both are new: take off "
    "η E[u′²].",
    {"new_tu = theta_new_u - rate * new_uu": "new_tu = theta_new_u"},
)
momentum_step.slip(
    "noise_twice",
    "You added the noise to E[θ²] once more. It reaches θ through the new velocity, and there it "
    "is "
    "already.",
    {"rate**2 * new_uu": "rate**2 * (new_uu + noise)"},
)
momentum_step.slip(
    "damped_gradient",
    "You weighted the gradient by 1 − μ. That is the moving average of rung 8's Adam; here "
    "u ← μu + g, as in torch.optim.SGD.",
    {
        "2 * momentum * h * tu + h**2 * tt + noise":
        "2 * momentum * (1 - momentum) * h * tu + (1 - momentum) ** 2 * (h**2 * tt + noise)",
        "momentum * tu + h * tt": "momentum * tu + (1 - momentum) * h * tt",
    },
)  # fmt: skip
momentum_step.slip(
    "batch_ignored",
    "The batch makes no difference to your noise. A mean over B examples has the variance c/B.",
    {"c / batch": "c"},
)
momentum_step.slip(
    "momentum_not_squared",
    "You multiplied E[u²] by μ. The velocity is multiplied by μ, its square by μ².",
    {"momentum**2 * uu": "momentum * uu"},
)
momentum_step.slip(
    "rows_swapped",
    "The three are there, in another order. The rows are E[θ²], E[θu], E[u²].",
    {"[new_tt, new_tu, new_uu]": "[new_tt, new_uu, new_tu]"},
)
momentum_step.slip(
    "no_noise",
    "Your moments forget the noise of this step's gradient: c/B in the square of the velocity.",
    {"h**2 * tt + noise": "h**2 * tt"},
)


momentum_step.slip(
    "rate_not_squared",
    "You multiplied E[u′²] in the new E[θ²] by η. It comes from the square of ηu′: by η².",
    {"rate**2 * new_uu": "rate * new_uu"},
)
momentum_step.slip(
    "curvature_not_squared",
    "You multiplied E[θ²] by h in the square of the velocity. The gradient is hθ, its square h²θ².",
    {"h**2 * tt": "h * tt"},
)
momentum_step.slip(
    "noise_meets_theta",
    "You added the noise to E[θu′]. It is independent of the old θ: their product has mean 0.",
    {"momentum * tu + h * tt": "momentum * tu + h * tt + noise"},
)
momentum_step.slip(
    "plain_distance",
    "Your E[θ²] is that of plain SGD at the rate η/(1 − μ). The two agree in the long run only: "
    "follow this step.",
    {"new_tt = tt - 2 * rate * theta_new_u + rate**2 * new_uu":
     "far = rate / (1 - momentum)\n    new_tt = (1 - far * h) ** 2 * tt + far**2 * noise"},
)  # fmt: skip


def _by_map(moments, h, c, batch, theta_row, u_row, kick):
    """The moments after (θ, u) ← M (θ, u) + ε · kick, with rows of M for each direction."""
    tt, tu, uu = moments

    def pair(a, b):
        return a[0] * b[0] * tt + (a[0] * b[1] + a[1] * b[0]) * tu + a[1] * b[1] * uu

    noise = c / batch
    return np.stack(
        [
            pair(theta_row, theta_row) + noise * kick[0] ** 2,
            pair(theta_row, u_row) + noise * kick[0] * kick[1],
            pair(u_row, u_row) + noise * kick[1] ** 2,
        ]
    )


@momentum_step.mistake(
    "Your velocity holds the rate: u ← μu − ηg, then θ ← θ + u. Here it holds gradients, "
    "u ← μu + g, and the rate comes in when θ moves."
)
def rate_in_the_velocity(moments, h, c, rate, momentum, batch):
    u_row = (-rate * h, momentum)
    return _by_map(moments, h, c, batch, (1 - rate * h, momentum), u_row, (-rate, -rate))


@momentum_step.mistake(
    "This is Nesterov's step, which moves θ by g + μu′. Here θ moves by the new velocity itself."
)
def nesterov(moments, h, c, rate, momentum, batch):
    theta_row = (1 - rate * h * (1 + momentum), -rate * momentum**2)
    kick = (-rate * (1 + momentum), 1.0)
    return _by_map(moments, h, c, batch, theta_row, (h, momentum), kick)


momentum_step.hint("Write u′ = μu + hθ + ε and θ′ = θ − ηu′, then square and multiply them out.")
momentum_step.hint("Begin with E[u′²]. Which pairs among u, θ and ε have a product with mean 0?")
momentum_step.hint("Then E[θu′], and from it E[θ′u′] and E[θ′²]: both need E[u′²] too.")
