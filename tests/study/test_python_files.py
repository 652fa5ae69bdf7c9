"""Python files in the encodings that they come in."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from descent.errors import CourseError
from descent.study.answers import AnswersError, answers_from_source
from descent.study.cells import cells_defining
from descent.study.python_files import read_python

MODEL = 'class Größe:\n    """Ein Modell."""\n'
WAYS = {
    "UTF-8": MODEL.encode(),
    "a byte-order mark": b"\xef\xbb\xbf" + MODEL.encode(),
    "Latin-1 that says so": b"# -*- coding: latin-1 -*-\n" + MODEL.encode("latin-1"),
}
UNREADABLE = {
    "Latin-1": MODEL.encode("latin-1"),
    "UTF-16": MODEL.encode("utf-16"),
    "an encoding that there is not": b"# -*- coding: klingon -*-\n" + MODEL.encode(),
}


@pytest.mark.parametrize("data", WAYS.values(), ids=WAYS)
def test_a_model_s_file_is_read_as_python_reads_it(tmp_path, data):
    path = tmp_path / "models.py"
    path.write_bytes(data)
    assert read_python(path).endswith(MODEL)
    spec = importlib.util.spec_from_file_location("models_of_a_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as known:
        known.setitem(sys.modules, "models_of_a_test", module)
        (cell,) = cells_defining(module.Größe)
    assert cell.endswith(MODEL)
    assert answers_from_source(path, "answers_of_a_file").Größe.__doc__ == "Ein Modell."


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_python_cannot_read_is_said_and_what_to_do(tmp_path, data):
    path = tmp_path / "models.py"
    path.write_bytes(data)
    with pytest.raises(CourseError, match=r"models\.py is not UTF-8.*Save it as UTF-8"):
        read_python(path)
    with pytest.raises(AnswersError, match="Save it as UTF-8"):
        answers_from_source(path, "answers_of_a_file")
