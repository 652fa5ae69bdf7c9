"""How `ZeroAdam` is judged: by Adam on the mean gradients, in one process and in float64."""

from __future__ import annotations

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect
from descent.training.links import Link

from .shared import Tensor, all_gather, everywhere, numbers_sent, reduce_scatter

ZeroAdam = Exercise("ZeroAdam", minutes=40, difficulty=3, changes=("parameters",))

_SHAPES = ((3,), (2, 4), (1,), (5,))  # 17 numbers


class _Came:
    """What an answer made of the same start and drawn gradients in p processes."""

    def __init__(self, answer, draw: Draw, p: int, steps: int, settings=(0.05, (0.8, 0.97), 1e-3),
                 shapes=_SHAPES, gradient_scale: float = 1.0) -> None:  # fmt: skip
        self.start = [normals(draw, *shape) for shape in shapes]
        self.gradients = [
            [[gradient_scale * (normals(draw, *shape) + 0.1) for shape in shapes] for _ in range(p)]
            for _ in range(steps)
        ]
        self.settings, self.p = settings, p
        self.held: list[tuple[int, ...]] = [()] * p
        self.links: list[Link] = []

        def one(rank: int, link: Link):
            parameters = [nn.Parameter(values.clone()) for values in self.start]
            optimiser = answer(list(parameters), link, *settings)
            for step in range(steps):
                for parameter, slope in zip(parameters, self.gradients[step][rank], strict=True):
                    parameter.grad = slope.clone()
                optimiser.step()
            self.held[rank] = (optimiser.first.numel(), optimiser.second.numel())
            return [parameter.detach().clone() for parameter in parameters]

        self.found, self.links = everywhere(one, p, lambda rank, link: (rank, link))

    def alone(self) -> list[Tensor]:
        """One process with the mean gradients: torch's formula of Adam, in float64."""
        rate, (beta1, beta2), eps = self.settings
        weights = torch.cat([values.flatten() for values in self.start]).double()
        m, v = torch.zeros_like(weights), torch.zeros_like(weights)
        for t, step in enumerate(self.gradients, start=1):
            slope = torch.stack(
                [torch.cat([g.flatten() for g in mine]).double() for mine in step]
            ).mean(0)
            m = m.lerp(slope, 1 - beta1)
            v = beta2 * v + (1 - beta2) * slope**2
            root = (v / (1 - beta2**t)).sqrt() + eps
            weights = weights - rate / (1 - beta1**t) * m / root
        pieces = weights.split([values.numel() for values in self.start])
        return [piece.view_as(v) for piece, v in zip(pieces, self.start, strict=True)]


def _expect_same(came: _Came) -> None:
    wanted = came.alone()
    for rank in range(came.p):
        for place, (got, want) in enumerate(zip(came.found[rank], wanted, strict=True)):
            expect(got, f"parameter {place} in process {rank} of {came.p}").close_to(
                want, rtol=1e-4, atol=1e-5
            )


@ZeroAdam.property("is Adam in a process alone", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_same(_Came(answer, draw, 1, 1 + draw.size % 3))


@ZeroAdam.property("makes the first step of Adam with the mean gradient", trials=2)
def _(answer, draw: Draw) -> None:
    # eps is large beside the gradients: a factor too much would show at once.
    _expect_same(_Came(answer, draw, 2 + draw.size % 3, 1, (0.1, (0.9, 0.999), 0.5)))


@ZeroAdam.property("is Adam of one process after several steps", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_same(_Came(answer, draw, 2 + draw.size % 4, 3))


@ZeroAdam.property("keeps a p-th of both moments in each process", trials=1)
def _(answer, draw: Draw) -> None:
    for p, lengths in ((2, (9, 8)), (3, (6, 6, 5)), (5, (4, 4, 3, 3, 3))):
        came = _Came(answer, draw, p, 1)
        expect(came.held, "numbers in `first` and `second`, by process").equals(
            [(n, n) for n in lengths]
        )


@ZeroAdam.property("sends no more than a ring all-reduce does", trials=1)
def _(answer, draw: Draw) -> None:
    p, steps = 3, 2
    came = _Came(answer, draw, p, steps)
    expect([len(link.sent) for link in came.links], "messages of each process in 2 steps").equals(
        [2 * (p - 1) * steps] * p
    )
    most = max(numbers_sent(link) for link in came.links)
    expect(most, "numbers that a process sends in 2 steps, of 17 each").is_between(1, 2 * 24)


@ZeroAdam.property("works where a process has no part", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_same(_Came(answer, draw, 4, 2, shapes=((2,), (1,))))


@ZeroAdam.property("has the usual settings where nothing is said", trials=1)
def _(answer, draw: Draw) -> None:
    came = _Came(answer, draw, 2, 2, (0.01,), gradient_scale=1e-7)
    came.settings = (0.01, (0.9, 0.999), 1e-8)
    _expect_same(came)


@ZeroAdam.right
class RightZeroAdam:
    def __init__(self, parameters, link, rate, betas=(0.9, 0.999), eps=1e-8):
        self.parameters, self.link = parameters, link
        self.rate, self.betas, self.eps, self.steps = rate, betas, eps, 0
        count = sum(w.numel() for w in parameters)
        mine = torch.zeros(count).tensor_split(link.size)[link.rank]
        self.first, self.second = mine.clone(), mine.clone()

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        self.steps += 1
        slopes = torch.cat([w.grad.flatten() for w in self.parameters])
        slope = reduce_scatter(slopes, self.link) / self.link.size
        self.first = beta1 * self.first + (1 - beta1) * slope
        self.second = beta2 * self.second + (1 - beta2) * slope**2
        mean = self.first / (1 - beta1**self.steps)
        root = (self.second / (1 - beta2**self.steps)).sqrt() + self.eps
        weights = torch.cat([w.flatten() for w in self.parameters])
        mine = weights.tensor_split(self.link.size)[self.link.rank]
        moved = all_gather(mine - self.rate * mean / root, self.link)
        at = 0
        for w in self.parameters:
            w.copy_(moved[at : at + w.numel()].view_as(w))
            at += w.numel()


ZeroAdam.slip(
    "Sums",
    "You stepped with the sum of the processes' gradients. Adam hides a factor, but not from eps: "
    "divide by link.size.",
    {" / self.link.size\n        self.first": "\n        self.first"},
)
ZeroAdam.slip(
    "OwnGradients",
    "Each process steps with its own gradients. Its part of the *mean* is wanted: reduce-scatter.",
    {
        "reduce_scatter(slopes, self.link) / self.link.size": (
            "slopes.tensor_split(self.link.size)[self.link.rank] + 0 * "
            "reduce_scatter(slopes, self.link)"
        )
    },
)
ZeroAdam.slip(
    "NoBiasCorrection",
    "The moments begin at 0 and are too small at first. Divide them by 1 − β^t.",
    {
        "self.first / (1 - beta1**self.steps)": "self.first",
        "self.second / (1 - beta2**self.steps)": "self.second",
    },
)
ZeroAdam.slip(
    "CorrectedByOneStepMore",
    "Your count of steps is one too high: the first step is t = 1.",
    {"eps, self.steps = rate, betas, eps, 0": "eps, self.steps = rate, betas, eps, 1"},
)
ZeroAdam.slip(
    "CountsNoSteps",
    "The count of steps does not move, so the moments are corrected as if every step were the "
    "first.",
    {"self.steps += 1": "self.steps = 1"},
)
ZeroAdam.slip(
    "EpsBeforeCorrection",
    "You add eps to the root before it is corrected, so that at the first steps it counts for "
    "more. Correct the second moment first: √(v / (1 − β^t)) + eps.",
    {
        "(self.second / (1 - beta2**self.steps)).sqrt() + self.eps": (
            "(self.second.sqrt() + self.eps) / (1 - beta2**self.steps) ** 0.5"
        )
    },
)
ZeroAdam.slip(
    "DividesTheRate",
    "The second moment is made of the summed gradient, and the division by p comes too late, in "
    "the rate or the first moment. Take the mean before both moments.",
    {
        " / self.link.size\n        self.first": "\n        self.first",
        "self.rate * mean": "self.rate / self.link.size * mean",
    },
)
ZeroAdam.slip(
    "OneExchangeTooMany",
    "You exchange half a ring too much. Part r of the summed gradient is in process r after the "
    "first half, and the second half is for the weights; neither the whole gradient nor the "
    "moments have to be gathered.",
    {
        "reduce_scatter(slopes, self.link) / self.link.size": (
            "all_gather(reduce_scatter(slopes, self.link), self.link)"
            ".tensor_split(self.link.size)[self.link.rank] / self.link.size"
        )
    },
)
ZeroAdam.slip(
    "EpsInTheRoot",
    "eps stands inside the root. It is added to the root: √v̂ + eps.",
    {
        "(self.second / (1 - beta2**self.steps)).sqrt() + self.eps": (
            "(self.second / (1 - beta2**self.steps) + self.eps).sqrt()"
        )
    },
)
ZeroAdam.slip(
    "SwappedBetas",
    "The two betas are swapped: the first belongs to the mean of the gradients.",
    {"beta1, beta2 = self.betas": "beta2, beta1 = self.betas"},
)
ZeroAdam.slip(
    "OverwritesTheMoments",
    "The moments forget everything at each step. They are running means: β times the old one, and "
    "1 − β times the new.",
    {"beta1 * self.first + ": "", "beta2 * self.second + ": ""},
)
ZeroAdam.slip(
    "WholeState",
    "Every process keeps the moments of all parameters. The point of stage 1 is to keep a p-th.",
    {
        "self.first, self.second = mine.clone(), mine.clone()": (
            "self.first, self.second = torch.zeros(count), torch.zeros(count)"
        ),
        "slope = reduce_scatter(slopes, self.link) / self.link.size": (
            "slope = all_gather(reduce_scatter(slopes, self.link), self.link) / self.link.size"
        ),
        "mine = weights.tensor_split(self.link.size)[self.link.rank]": "mine = weights",
        "all_gather(mine - self.rate * mean / root, self.link)": "mine - self.rate * mean / root",
    },
)
ZeroAdam.slip(
    "OwnPartOnly",
    "Each process moves its own part of the weights and never hears of the others': they drift "
    "apart. Gather the new weights.",
    {
        "all_gather(mine - self.rate * mean / root, self.link)": (
            "weights.clone()\n"
            "        all_gather(mine, self.link)\n"
            "        moved.tensor_split(self.link.size)[self.link.rank].copy_("
            "mine - self.rate * mean / root)"
        )
    },
)
ZeroAdam.slip(
    "NeverGathers",
    "Each process moves its own part of the weights and sends it to nobody: the others' copies "
    "stay behind. Gather the new weights.",
    {
        "all_gather(mine - self.rate * mean / root, self.link)": (
            "weights.clone()\n"
            "        moved.tensor_split(self.link.size)[self.link.rank].copy_("
            "mine - self.rate * mean / root)"
        )
    },
)
ZeroAdam.slip(
    "SwappedInTheMoments",
    "The moments have each other's beta, and the corrections their own. The first beta belongs to "
    "the mean of the gradients, in both places.",
    {
        "beta1 * self.first + (1 - beta1)": "beta2 * self.first + (1 - beta2)",
        "beta2 * self.second + (1 - beta2)": "beta1 * self.second + (1 - beta1)",
    },
)
ZeroAdam.slip(
    "FirstPieceForAll",
    "Every parameter gets the first numbers of the long vector. After each piece go on by its "
    "numel().",
    {"            at += w.numel()\n": ""},
)

ZeroAdam.slip(
    "Climbs",
    "The step is added. Adam goes against the gradient: take it away.",
    {"mine - self.rate": "mine + self.rate"},
)
ZeroAdam.slip(
    "CorrectsTheMeanOnly",
    "You correct the first moment only. The second begins at 0 as well: divide it by 1 − β₂^t.",
    {"self.second / (1 - beta2**self.steps)": "self.second"},
)
ZeroAdam.slip(
    "CorrectsTheSquaresOnly",
    "You correct the second moment only. The first begins at 0 as well: divide it by 1 − β₁^t.",
    {"self.first / (1 - beta1**self.steps)": "self.first"},
)
ZeroAdam.slip(
    "OneBetaForBothCorrections",
    "Both moments are corrected with the first beta. The second moment has a beta of its own.",
    {"1 - beta2**self.steps": "1 - beta1**self.steps"},
)
ZeroAdam.slip(
    "KeepsTheCorrected",
    "You keep the corrected moments, so the next step corrects them again. Keep them as they are, "
    "and correct a copy for this step.",
    {
        "mean = self.first / (1 - beta1**self.steps)": (
            "mean = self.first = self.first / (1 - beta1**self.steps)"
        ),
        "        root = (self.second / (1 - beta2**self.steps)).sqrt() + self.eps": (
            "        self.second = self.second / (1 - beta2**self.steps)\n"
            "        root = self.second.sqrt() + self.eps"
        ),
    },
)
ZeroAdam.slip(
    "CountsFromZero",
    "Your first step is t = 0, where 1 − β^t is 0. Count before you correct: the first step is "
    "t = 1.",
    {
        "        self.steps += 1\n": "",
        "        at = 0\n": "        self.steps += 1\n        at = 0\n",
    },
)
ZeroAdam.slip(
    "EpsOfItsOwn",
    "You use 1e-8 whatever eps is. Take the eps that was given.",
    {"+ self.eps": "+ 1e-8"},
)
ZeroAdam.slip(
    "BetasOfItsOwn",
    "You use 0.9 and 0.999 whatever the betas are. Take those that were given.",
    {"beta1, beta2 = self.betas": "beta1, beta2 = 0.9, 0.999"},
)
ZeroAdam.slip(
    "NoSquare",
    "The second moment takes the size of the gradient, not its square. Its root is taken "
    "afterwards.",
    {"(1 - beta2) * slope**2": "(1 - beta2) * slope.abs()"},
)
ZeroAdam.slip(
    "NoRoot",
    "The root of the second moment is missing.",
    {"(self.second / (1 - beta2**self.steps)).sqrt()": "(self.second / (1 - beta2**self.steps))"},
)
ZeroAdam.slip(
    "NewParameters",
    "You made new parameters and left the old ones as they were. The model has the old ones: "
    "change them in place, by copy_.",
    {
        "        for w in self.parameters:\n            w.copy_(": (
            "        for k, w in enumerate(self.parameters):\n"
            "            self.parameters[k] = nn.Parameter("
        )
    },
)
ZeroAdam.slip(
    "LengthsRoundedUp",
    "The moments have n / p places, rounded up. The parts differ in length by one, or are empty: "
    "cut as tensor_split(p) does.",
    {
        "mine = torch.zeros(count).tensor_split(link.size)[link.rank]": (
            "mine = torch.zeros(-(-count // link.size))"
        )
    },
)


@ZeroAdam.mistake(
    "Each parameter is divided and exchanged by itself. That is 2(p − 1) messages for every one: "
    "lay all of them end to end and cut the whole once."
)
class EachParameterAlone:
    def __init__(self, parameters, link, rate, betas=(0.9, 0.999), eps=1e-8):
        self.parts = [RightZeroAdam([w], link, rate, betas, eps) for w in parameters]
        self._join()

    def _join(self):
        self.first = torch.cat([part.first for part in self.parts])
        self.second = torch.cat([part.second for part in self.parts])

    def step(self):
        for part in self.parts:
            part.step()
        self._join()


ZeroAdam.hint(
    "Two halves of the ring with something in between. What does each process have there?"
)
ZeroAdam.hint(
    "reduce_scatter(flat gradients) is this process's part of the sum. Adam works on every number "
    "by itself, so the part is all it needs; and which part of the weights belongs to it?"
)
ZeroAdam.hint(
    "Make zeros of the length of your part for both moments. A step: lay gradients and weights end "
    "to end, take your part of each, move it, all_gather, and copy the pieces back in order.",
)
ZeroAdam.hint("At the first step, what is 1 − β^t?", when="factor")
ZeroAdam.hint(
    "Which moments does it have to remember?",
    when="keeps a p-th of both moments in each process",
)
