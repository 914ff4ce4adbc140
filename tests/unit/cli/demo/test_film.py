import re
from pathlib import Path
from xml.etree import ElementTree

from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from headrace_cli.demo.film import Frame, film
from headrace_cli.demo.recording import Recording
from headrace_cli.demo.story import Happening
from headrace_cli.demo.view import Act, Programme, Scene, TableLine

SVG = "{http://www.w3.org/2000/svg}"
PLAIN, RED = Style.null(), Style(color="red", bold=True)


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_every_frame_has_its_place_and_equal_lines_are_drawn_once() -> None:
    same = [Segment("a < b  c", PLAIN)]
    frames = [Frame([same, [Segment("one", RED)]], 1.0), Frame([same, [Segment("two", RED)]], 3.0)]
    svg = film(frames, width=20, height=2, poster=1)
    assert texts(svg) == ["a < b", "c", "one", "two"]
    assert re.findall(r"([\d.]+%)\{transform:translateX\((-?\d+)px\)\}", svg) == [("0.00%", "0"), ("25.00%", "-240")]
    assert "animation:film 4.0s step-end infinite" in svg
    assert 'class="film" transform="translate(-240)"' in svg
    root = ElementTree.fromstring(svg)
    assert [use.get("href") for use in root.iter(f"{SVG}use")] == ["#r0", "#r1", "#r0", "#r2"]


def test_words_that_several_lines_have_are_drawn_once() -> None:
    lines = [[Segment(f"running  {count}", PLAIN)] for count in range(3)]
    svg = film([Frame(lines, 1.0)], width=20, height=3, poster=0)
    assert texts(svg) == ["running", "0", "1", "2"]
    assert svg.count('<use href="#t0"/>') == 3


def test_text_stands_in_its_column_in_its_colour() -> None:
    line = [Segment("  ●  ", PLAIN), Segment("late", RED), Segment("    ", PLAIN)]
    svg = film([Frame([line], 1.0)], width=20, height=1, poster=0)
    (rule,) = re.findall(r"\.(s\d+)\{fill:#[0-9a-f]{6};font-weight:bold\}", svg)
    dot, late = ElementTree.fromstring(svg).iter(f"{SVG}text")
    assert (dot.get("x"), dot.text, dot.get("class")) == ("20", "●", None)
    assert (late.get("x"), late.get("textLength"), late.get("class")) == ("50", "40", rule)


def scene(second: float, act: Act = Act.KILL, records: int = 1) -> Scene:
    told = [Happening(0.0, f"second {second}")]
    return Scene(Programme("embedded", 100, (0.5,)), second, act, [TableLine("trades", records)], [], told)


def test_a_recording_holds_a_scene_a_second_and_every_act_and_what_is_printed_in_the_end(tmp_path: Path) -> None:
    recording = Recording()
    for second in range(-6, 0):
        recording.show(scene(second, records=0))
    for tenth in range(25):
        recording.show(scene(tenth / 10))
    recording.show(scene(2.45, Act.PROOF))
    recording.print(Text("every record"))
    recording.print(Text("exactly once"))
    recording.save(tmp_path / "film.svg")
    svg = (tmp_path / "film.svg").read_text()
    told = [at for text in texts(svg) for at in re.findall(r"second (-?[\d.]+)", text)]
    assert told == ["-6", "-2", "0.0", "1.0", "2.0", "2.45"]
    assert svg.count("translateX") == 8
    last = ElementTree.fromstring(svg).findall(f"{SVG}g[@class='film']/{SVG}g")[-1]
    assert len(last.findall(f"{SVG}use")) == 2


def test_the_film_in_the_readme_is_whole_small_and_needs_nothing_else() -> None:
    root = Path(__file__).parents[4]
    svg = (root / "docs" / "demo.svg").read_text()
    assert "(docs/demo.svg)" in (root / "README.md").read_text()
    assert len(svg.encode()) < 500_000
    assert {"exactly", "PASS", "frozen"} <= {word for text in texts(svg) for word in text.split()}
    assert any("the Delta log refuses the commit of trades-2" in text for text in texts(svg))
    assert not re.search(r"<script|<image|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", svg)
    assert str(root) not in svg
