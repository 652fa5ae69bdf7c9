"""Cards as text in a terminal."""

from __future__ import annotations

import re

import pytest

from descent.study.catalog import load_catalog
from descent.study.recall.readable import readable


@pytest.mark.parametrize(
    "markdown, text",
    [
        ("What is `x @ W_1`, **exactly**?", "What is x @ W_1, exactly?"),
        (r"Why $\frac{1}{\sqrt{d_k}}$?", "Why 1/√(dₖ)?"),
        (r"$p_j = \frac{\exp(l_j)}{\sum_q \exp(l_q)}$", "pⱼ = exp(lⱼ)/(Σ_q exp(l_q))"),
        (r"$\mathbf{x}^{\top} E$ and $x_{i+1}^2$", "xᵀ E and xᵢ₊₁²"),
        (r"$\hat{y} \in \mathbb{R}^{n \times k}$", "y\u0302 ∈ R^(n × k)"),
        (r"$\hat x \cdot \overline{ab}$", "x\u0302 · overline(ab)"),
        (r"$\sqrt{2/n_\text{in}}$ and $n_\mathrm{out}$", "√(2/nᵢₙ) and n_out"),
        (r"$\tfrac12 X^{\mathsf T} + \frac1{60}$", "1/2 Xᵀ + 1/60"),
        ("$$\\alpha \\le 10^{-3}$$", "α ≤ 10⁻³"),
        ("It costs $5, not $6.", "It costs $5, not $6."),
        ("2*3*4 and a_b_c stay", "2*3*4 and a_b_c stay"),
        ("See [rung 2](02_autograd.ipynb).", "See rung 2."),
        ("", ""),
    ],
)
def test_marks_go_and_formulas_can_be_read(markdown, text):
    assert readable(markdown) == text


def test_no_card_or_question_of_the_course_shows_a_command_of_latex():
    for chapter in load_catalog():
        texts = [text for card in chapter.recall for text in (card.question, card.answer)]
        texts += [text for one in chapter.written for text in (one.ask, *one.rubric, one.answer)]
        texts += [text for one in chapter.predictions for text in (one.ask, one.because)]
        for text in map(readable, texts):
            assert "\\" not in text.replace("\\n", ""), text
            assert not re.search(r"\b[dt]?frac[\d{ ]|math(sf|rm|bf)|\bhat\b", text), text
