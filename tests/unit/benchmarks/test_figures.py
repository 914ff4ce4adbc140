import json

from benchmarks.figures import ROOT, with_figures


def test_the_readme_shows_the_figures_of_the_last_run() -> None:
    readme = (ROOT / "README.md").read_text()
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    assert with_figures(readme, results) == readme
