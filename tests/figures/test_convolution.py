"""A convolution kernel over a picture, as a reader handles it in a browser."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from descent.figures import convolution_figure

IMAGE = np.arange(30, dtype=float).reshape(5, 6) ** 2 % 17
LEFT_EDGES = np.array([[-1.0, 0, 1]] * 3)
INK = (IMAGE / IMAGE.max()).round(2)


def output(kernel: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """Every sum of products, one place at a time."""
    wide = np.pad(INK, padding)
    return np.array(
        [
            [
                (wide[i : i + 3, j : j + 3] * kernel).sum()
                for j in range(0, wide.shape[1] - 2, stride)
            ]
            for i in range(0, wide.shape[0] - 2, stride)
        ]
    )


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def total(page, which: int = 0) -> float:
    return number(page.locator("output").nth(which).inner_text())


def place(page, which: int = 0) -> tuple[int, int]:
    """Row and column of the output that the figure is at."""
    words = page.locator(".figure-message").nth(which).inner_text().replace(",", "").split()
    return int(words[1]), int(words[3])


def pixels(page, which: int = 1) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def numbers(page, part: int) -> np.ndarray:
    cells = page.locator(".dc-part").nth(part).locator("span")
    return np.array([number(text) for text in cells.all_inner_texts()]).reshape(3, 3)


def test_the_same_content_gives_the_same_bytes_in_every_process():
    code = "from descent.figures import convolution_figure as f; print(f()._repr_html_(), end='')"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert other.stdout == convolution_figure()._repr_html_()
    assert convolution_figure(IMAGE).html != convolution_figure().html
    assert repr(convolution_figure()).startswith("<interactive figure")


def test_nothing_is_fetched_from_anywhere():
    assert "http" not in convolution_figure().html


def test_a_tensor_and_the_size_of_its_numbers_make_no_difference():
    torch = pytest.importorskip("torch")
    assert convolution_figure(torch.tensor(255 * IMAGE)).html == convolution_figure(IMAGE).html


@pytest.mark.parametrize(
    "image", [np.ones(9), np.ones((2, 5)), np.ones((41, 5)), -np.eye(4), np.full((4, 4), np.nan)]
)
def test_what_cannot_be_drawn_is_refused(image):
    with pytest.raises(ValueError, match="must"):
        convolution_figure(image)


@pytest.mark.browser
def test_arrow_keys_move_the_window_and_the_sum_is_that_of_the_products(open_page):
    page = open_page(convolution_figure(IMAGE).html)
    expected = output(LEFT_EDGES)
    page.locator("canvas").first.focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
        i, j = place(page)
        assert total(page) == pytest.approx(expected[i, j], abs=6e-3)
        assert numbers(page, 0) == pytest.approx(INK[i : i + 3, j : j + 3], abs=6e-3)
        assert numbers(page, 2).sum() == pytest.approx(expected[i, j], abs=0.03)
    for _ in range(9):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    assert place(page) == (2, 3)


@pytest.mark.browser
@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0), (2, 1), (3, 2)])
def test_stride_and_padding_give_the_output_its_size_and_numbers(open_page, stride, padding):
    page = open_page(convolution_figure(IMAGE).html)
    page.select_option(".dc-stride", str(stride))
    page.select_option(".dc-padding", str(padding))
    expected = output(LEFT_EDGES, stride, padding)
    rows, columns = expected.shape
    assert f"Output: {rows} × {columns}," in page.inner_text(".figure-panels")
    page.locator("canvas").nth(1).focus()
    for _ in range(8):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    assert place(page) == (rows - 1, columns - 1)
    assert total(page) == pytest.approx(expected[-1, -1], abs=6e-3)


@pytest.mark.browser
def test_a_kernel_can_be_chosen_and_written(open_page):
    page = open_page(convolution_figure(IMAGE).html)
    before = pixels(page)
    page.select_option(".dc-preset", "blur")
    i, j = place(page)
    assert total(page) == pytest.approx(output(np.full((3, 3), 1 / 9))[i, j], abs=6e-3)
    assert pixels(page) != before
    page.select_option(".dc-preset", "nothing")
    page.locator(".dc-table input").first.fill("-2,5")
    kernel = np.array([[-2.5, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert total(page) == pytest.approx(output(kernel)[i, j], abs=6e-3)
    assert page.locator(".dc-preset").input_value() == "your own"
    page.locator(".dc-table input").first.fill("x")
    assert total(page) == pytest.approx(output(kernel)[i, j], abs=6e-3)
    assert page.locator("[aria-invalid=true]").count() == 1


@pytest.mark.browser
def test_the_pointer_takes_the_window_along_on_both_pictures(open_page):
    page = open_page(convolution_figure(IMAGE).html)
    for which in (0, 1):
        box = page.locator("canvas").nth(which).bounding_box()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
        upper_left = place(page)
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"])
        assert place(page)[0] > upper_left[0] and place(page)[1] > upper_left[1]


@pytest.mark.browser
def test_a_tap_moves_the_window_on_a_phone(open_page):
    page = open_page(
        convolution_figure(IMAGE).html, viewport={"width": 360, "height": 800}, has_touch=True
    )
    page.locator("canvas").first.tap(position={"x": 20, "y": 20})
    assert place(page) == (0, 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("select, input").all():
        assert control.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_several_on_a_page_move_apart_even_twice_the_same(open_page):
    same = convolution_figure(IMAGE).html
    page = open_page(same + same + convolution_figure().html)
    assert page.locator("output").count() == 3
    before = [place(page, which) for which in range(3)]
    page.locator("canvas").nth(2).focus()
    page.keyboard.press("ArrowDown")
    after = [place(page, which) for which in range(3)]
    assert [one != two for one, two in zip(before, after, strict=True)] == [False, True, False]


@pytest.mark.browser
def test_it_repaints_when_the_theme_is_switched(open_page):
    page = open_page(convolution_figure(IMAGE).html, 'data-theme="light"')
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(
        "b => document.querySelectorAll('canvas')[1].toDataURL() !== b", arg=before
    )
