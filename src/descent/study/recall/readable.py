"""Markdown with formulas, as text that can be read in a terminal."""

from __future__ import annotations

import re

_NAMES = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "sum": "Σ", "prod": "Π", "int": "∫", "partial": "∂", "nabla": "∇", "infty": "∞",
    "cdot": "·", "times": "×", "pm": "±", "odot": "⊙", "top": "T", "prime": "′",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈",
    "ll": "≪", "gg": "≫", "sim": "~", "propto": "∝", "in": "∈", "to": "→", "rightarrow": "→",
    "leftarrow": "←", "mid": "|", "lVert": "‖", "rVert": "‖", "Vert": "‖", "ldots": "…",
    "dots": "…", "cdots": "…", "quad": " ", "qquad": " ",
}  # fmt: skip
_RAISED = str.maketrans("0123456789+-nT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ")
_LOWERED = str.maketrans("0123456789+-aeijklmnprstx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑᵢⱼₖₗₘₙₚᵣₛₜₓ")
_CODE_OR_FORMULA = re.compile(
    r"(?P<code>`+)(?P<inside>.+?)(?P=code)|(?P<sign>\$\$?)(?=\S)(?P<formula>[^$]+?)(?<=\S)(?P=sign)(?!\d)"
)
_GROUP = r"\{((?:[^{}])*)\}"
_ONE = r"\s*(?:\{([^{}]*)\}|(\w))"  # what a command is about: a group, or the next character
_FONT = r"\\(?:mathrm|mathbf|mathcal|mathbb|mathsf|text|operatorname)"
_MARKS = {
    "hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "overline": "\u0304", "vec": "\u20d7",
}  # fmt: skip


def readable(markdown: str) -> str:
    """Turn Markdown into text: formulas in Unicode, code and emphasis without their marks.

    Parameters
    ----------
    markdown
        The question or the answer of a card.
    """
    parts, end = [], 0
    for match in _CODE_OR_FORMULA.finditer(markdown):
        parts.append(_prose(markdown[end : match.start()]))
        parts.append(match["inside"] or _formula(match["formula"]))
        end = match.end()
    return "".join([*parts, _prose(markdown[end:])])


def _prose(text: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text)
    text = re.sub(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])", r"\1", text)
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)


def _formula(text: str) -> str:
    text = re.sub(r"\\(?:left|right|big|Big|bigl|bigr|displaystyle)\b", "", text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = re.sub(r"([_^])\s*" + _FONT + r"\s*\{", r"\1{", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda match: _NAMES.get(match[1], match[0]), text)
    before = None
    while before != text:  # from the innermost braces outwards
        before = text
        text = re.sub(_FONT + _ONE, lambda match: match[1] or match[2], text)
        text = re.sub(r"\\[dt]?frac" + _ONE + _ONE, _fraction, text)
        text = re.sub(r"\\sqrt\s*" + _GROUP, r"√(\1)", text)
        text = re.sub(r"\\(hat|tilde|bar|overline|vec)(?![a-z])" + _ONE, _marked, text)
        text = re.sub(r"\^" + _GROUP, lambda match: _moved(match[1], _RAISED, "^"), text)
        text = re.sub(r"_" + _GROUP, lambda match: _moved(match[1], _LOWERED, "_"), text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1", text)
    text = re.sub(r"\^(\w)", lambda match: _moved(match[1], _RAISED, "^"), text)
    text = re.sub(r"_(\w)", lambda match: _moved(match[1], _LOWERED, "_"), text)
    text = re.sub(r"\\([{}%$&#_|])", lambda match: "‖" if match[1] == "|" else match[1], text)
    return re.sub(r"\s+", " ", text).strip()


def _fraction(match: re.Match[str]) -> str:
    over, under = (
        part if re.fullmatch(r"\w+|[\w√\\]+\([^()]*\)", part) else f"({part})"
        for part in (match[1] or match[2], match[3] or match[4])
    )
    return f"{over}/{under}"


def _marked(match: re.Match[str]) -> str:
    """Put a mark over one character; over more it is said in front of them."""
    text = match[2] or match[3] or ""
    return text + _MARKS[match[1]] if len(text) == 1 else f"{match[1]}({text})"


def _moved(text: str, letters: dict[int, int], sign: str) -> str:
    """Raise or lower a text where every letter of it exists so; else write it after its sign."""
    if all(ord(letter) in letters for letter in text):
        return text.translate(letters)
    return f"{sign}{text}" if text.isalpha() else f"{sign}({text})"
