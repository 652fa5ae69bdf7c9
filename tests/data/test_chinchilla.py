"""Chinchilla's runs, the published ones and their stand-in."""

from __future__ import annotations

import os

import numpy as np
import pytest

from descent.data import chinchilla_runs
from descent.data.chinchilla import ALPHA, BETA, FLOOR, OFFLINE_SOURCE, SOURCE, A, B, parse
from descent.data.fetch import RefusedFile

SHARED = os.environ.get("DESCENT_DATA", "")  # read before the tests' own settings replace it
HEAD = "x,y,color,Model Size,Training FLOP,hex_color,loss\n"


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")


def test_the_offline_default_follows_the_law_and_says_so_once(offline, capsys):
    runs = chinchilla_runs()
    assert runs.source == OFFLINE_SOURCE
    assert len(runs.parameters) == len(runs.tokens) == len(runs.losses) == 245
    law = FLOOR + A * runs.parameters**-ALPHA + B * runs.tokens**-BETA
    assert np.abs(np.log(runs.losses / law)).max() < 0.03
    chinchilla_runs()
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "NOT CHINCHILLA'S RUNS" in said[0] and OFFLINE_SOURCE in said[0]


def test_arrays_are_the_caller_s_own(offline):
    chinchilla_runs().losses[:] = 0
    assert chinchilla_runs().losses.min() > 1


def test_a_table_is_read_by_its_columns():
    line = "154.0,140.6,#f,2e9,1.2e20,#f,2.5\n"
    runs = parse(HEAD + line * 245)
    assert runs.parameters[0] == 2e9 and runs.tokens[0] == pytest.approx(1e10)
    assert runs.losses[-1] == 2.5 and runs.source == SOURCE


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + "1,1,#f,2e9,1e20,#f,2.5\n",
        "a,b\n1,2\n",
        HEAD + "1,1,#f,2e9,much,#f,2.5\n" * 245,
    ],
)
def test_another_table_is_refused_by_name(text):
    with pytest.raises(RefusedFile, match=r"svg_extracted_data\.csv is refused"):
        parse(text)


@pytest.mark.skipif(not SHARED, reason="DESCENT_DATA names no folder with the runs")
def test_the_published_runs(monkeypatch):
    monkeypatch.setenv("DESCENT_DATA", SHARED)
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    runs = chinchilla_runs()
    if runs.source != SOURCE:
        pytest.skip("the folder has no copy")
    assert len(runs.losses) == 245
    assert runs.losses.min() == pytest.approx(2.0774, abs=1e-4)
    assert runs.parameters.max() == pytest.approx(1.6183e10, rel=1e-4)
