"""The page in headless Chromium: what it computes, shows and never does."""

import base64
import itertools

import numpy as np
import pytest
from helpers.pages import REQUESTED, wait

from ressl_tf.config.report_config import ReportConfig
from ressl_tf.evaluate.report import page_file, written_report
from ressl_tf.evaluate.report.packed import unpacked
from ressl_tf.runtime.errors import UsageError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Return a function that keeps a screenshot, for people to look at."""
    folder = tmp_path_factory.mktemp("report_screenshots")
    return lambda browser, name: browser.save_screenshot(str(folder / f"{name}.png"))


@pytest.fixture
def page(browser, reported):
    """Open the report anew."""
    browser.get(reported[1].as_uri())
    wait(browser, "return !!document.getElementById('relations').dataset.ready")
    return browser


def element(browser, name):
    return browser.find_element("id", name)


def relations_by_numpy(data, image, teacher_temp, student_temp, snapshot=-1):
    """Return p, q, their entropies and their cross-entropy, itself left out."""
    stored = data["images"]["relations"]
    teacher = unpacked(stored["snapshots"][snapshot]["teacher"])
    student = unpacked(stored["snapshots"][snapshot]["student"])
    others = np.array([r for r in stored["references"] if r != image])
    p = np.exp(teacher[others] @ teacher[image] / teacher_temp)
    q = np.exp(teacher[others] @ student[image] / student_temp)
    p, q = p / p.sum(), q / q.sum()
    entropies = [-np.sum(each * np.log(each)) for each in (p, q)]
    return p, q, *entropies, -np.sum(p * np.log(q))


def test_it_opens_without_errors_or_requests(page, shots):
    assert page.get_log("browser") == []
    requested = page.execute_script(f"return {REQUESTED}")
    assert [name for name in requested if not name.startswith("data:")] == []
    assert page.execute_script("return document.querySelectorAll('.uplot').length") > 5
    shots(page, "light")


@pytest.mark.parametrize("temps", [(0.04, 0.1), (0.013, 0.31)])
@pytest.mark.parametrize("image", [0, 7])
def test_temperatures_move_both_relations_to_numpys(page, reported, temps, image):
    for side, value in zip(("teacher", "student"), temps, strict=True):
        set_number(page, f"{side}-temp", value)
    page.execute_script("report.choose(arguments[0])", image)
    p, q, teacher, student, cross = relations_by_numpy(reported[2], image, *temps)
    found = page.execute_script(
        "const f = report.relate(report.state.chosen); return [[...f.p], [...f.q], "
        "f.teacherEntropy, f.studentEntropy, f.crossEntropy]"
    )
    ours = [row for row in found[0] if row]  # the image itself has none
    np.testing.assert_allclose(np.delete(found[0], image), p, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.delete(found[1], image), q, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found[2:], [teacher, student, cross], atol=1e-6)
    assert len(ours) == len(p)
    best = f"{100 * p.max():#.3g} %".replace(". %", " %")
    assert element(page, "teacher-row").text.split("\n")[0] == best
    assert element(page, "teacher-entropy").text == f"{teacher:.3f} nats"
    assert element(page, "cross-entropy").text == f"{cross:.3f} nats"


def set_number(page, name, value):
    """Type a number into a field, as a person does."""
    from selenium.webdriver.common.keys import Keys

    field = element(page, name)
    field.clear()
    field.send_keys(str(value), Keys.TAB)


def test_the_slider_and_the_field_are_one(page, reported):
    from selenium.webdriver.common.keys import Keys

    before = element(page, "teacher-entropy").text
    element(page, "teacher-slider").send_keys(*[Keys.ARROW_RIGHT] * 200)
    position = float(element(page, "teacher-slider").get_property("value"))
    shown = float(element(page, "teacher-temp").get_property("value"))
    assert shown == pytest.approx(10**position, rel=1e-3)
    assert element(page, "teacher-entropy").text != before
    element(page, "reset").click()
    assert element(page, "teacher-entropy").text == before


def test_medians_are_over_all_images(page, reported):
    count = reported[2]["images"]["count"]
    teacher = [
        np.exp(relations_by_numpy(reported[2], i, 0.04, 0.1)[2]) for i in range(count)
    ]
    median = sorted(teacher)[count // 2]
    assert float(element(page, "teacher-median").text) == pytest.approx(
        median, abs=0.06
    )


def test_the_checkpoint_slider_shows_earlier_relations(page, reported):
    from selenium.webdriver.common.keys import Keys

    steps = [s["step"] for s in reported[2]["images"]["relations"]["snapshots"]]
    assert len(steps) == 3
    element(page, "checkpoint").send_keys(Keys.ARROW_LEFT)
    assert element(page, "checkpoint-step").text == f"step {steps[1]}"
    entropy = relations_by_numpy(reported[2], 0, 0.04, 0.1, snapshot=1)[2]
    assert element(page, "teacher-entropy").text == f"{entropy:.3f} nats"


def test_keys_search_and_go_through_images(page):
    from selenium.webdriver.common.keys import Keys

    body = page.find_element("tag name", "body")
    body.send_keys(Keys.ARROW_RIGHT)
    assert element(page, "chosen").text.startswith("Image 2 of 30")
    body.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert element(page, "chosen").text.startswith("Image 30 of 30")
    body.send_keys("/")
    assert page.switch_to.active_element == element(page, "search")
    page.switch_to.active_element.send_keys("XXXX", Keys.ENTER)
    assert len(element(page, "found").find_elements("class name", "thumb")) == 1
    assert "xxxxx" in element(page, "chosen").text


def test_names_stay_text(page):
    assert page.execute_script("return document.querySelector('img[src=x]')") is None
    legend = element(page, "legend").text
    assert "<img src=x onerror=alert(1)>" in legend
    assert "\"double\" 'single' & \U0001f986" in legend


def test_hover_shows_the_image_and_its_neighbours(page, reported, shots):
    at(page, 5).perform()
    tip = element(page, "tip")
    assert reported[2]["images"]["names"][5] in tip.text
    shown = [int(t.get_dom_attribute("data-image")) for t in thumbs(tip)]
    assert shown == [5, *reported[2]["images"]["neighbours"][5]]
    shots(page, "hover")


def at(page, image):
    """Return a move of the mouse to a point of the map."""
    from selenium.webdriver import ActionChains

    canvas = element(page, "points")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    size = canvas.size
    x, y = page.execute_script("return report.map.place(arguments[0])", image)
    offset = (round(x - size["width"] / 2), round(y - size["height"] / 2))
    return ActionChains(page, duration=20).move_to_element_with_offset(canvas, *offset)


def thumbs(node):
    return node.find_elements("class name", "thumb")


def test_a_click_chooses_and_a_lasso_lists(page, reported):
    at(page, 9).click().perform()
    chosen = element(page, "chosen").text
    assert reported[2]["images"]["names"][9] in chosen
    from selenium.webdriver import ActionChains

    canvas = element(page, "points")
    half = [canvas.size[side] / 2 - 4 for side in ("width", "height")]
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    moves = ActionChains(page, duration=20)
    for index, corner in enumerate(corners):
        offset = [round(c * h) for c, h in zip(corner, half, strict=True)]
        moves.move_to_element_with_offset(canvas, *offset)
        moves = moves.click_and_hold() if index == 0 else moves
    moves.release().perform()
    listed = element(page, "lasso-paths").get_property("value").split("\n")
    assert listed == reported[2]["images"]["names"]


def test_dark_narrow_and_printed(page, shots):
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert page.execute_script(ground) == "rgb(255, 255, 255)"
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    assert page.execute_script(ground) == "rgb(23, 24, 28)"
    shots(page, "dark")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not element(page, "search").is_displayed()
    pdf = page.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(pdf).startswith(b"%PDF")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    narrow = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    width = page.execute_script("return document.documentElement.scrollWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 400


def test_every_image_has_a_text(page):
    unnamed = (
        "return [...document.querySelectorAll('img, canvas[role], button, .thumb')]"
        ".filter((n) => !(n.alt || n.ariaLabel || n.textContent.trim())).length"
    )
    assert page.execute_script(unnamed) == 0


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.html").mkdir()
    with pytest.raises(UsageError, match="must be a file"):
        page_file.check(tmp_path / "a.html")


def test_a_page_without_images_opens(browser, unbroken, tmp_path, caplog):
    config = ReportConfig(
        workdir=str(unbroken[1]),
        output=str(tmp_path / "gone.html"),
        dataset=f"folder:{tmp_path}/moved",
    )
    line = written_report.write(config)
    assert "moved" in line["not_shown"]
    assert line["images"] == 0
    browser.get((tmp_path / "gone.html").as_uri())
    assert browser.get_log("browser") == []
    assert "moved" in element(browser, "verdict").text
    plots = browser.execute_script("return document.querySelectorAll('.uplot').length")
    assert plots > 5
    assert [*itertools.islice(tmp_path.glob(".*.tmp"), 1)] == []
