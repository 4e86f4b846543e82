"""The README and the pages: commands and examples run as typed, tables are what code and scripts make them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, environment

README = ROOT / "README.md"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in (README, *PAGES)}
INSTALLING = ("python3 -m venv", "pip install", "pytest")
"""Lines that `.ci/run` runs, in a fresh virtual environment."""


def code_blocks(text: str, language: str) -> list[str]:
    """What stands between ```language and ```."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def blocks_between_marks() -> dict[str, str]:
    """Name → page of each block that a script writes."""
    return {
        name: page
        for page, text in TEXTS.items()
        for name in re.findall(r"^<!-- ([\w-]+):begin -->", text, re.MULTILINE)
    }


@pytest.mark.slow
@pytest.mark.timeout(900)  # a busy machine loads the fallback engine slowly, once a command
@pytest.mark.parametrize("page", [name for name, text in TEXTS.items() if "```sh\n" in text or "```python\n" in text])
def test_commands_and_examples_run_as_typed(page: str, tmp_path: Path) -> None:
    """Each `sh` block, then each `python` block, with the default engine, in a folder that holds what a clone holds."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "models.txt", tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    translate = programs / "translate"
    translate.write_text(
        f"#!{sys.executable}\nfrom translate.__main__ import main\nif __name__ == '__main__':\n    main()\n"
    )
    translate.chmod(0o755)
    where = environment(PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", PYTHONPATH=str(ROOT))
    lines = [line for block in code_blocks(TEXTS[page], "sh") for line in block.splitlines()]
    script = "\n".join(line for line in lines if not line.startswith(INSTALLING))
    commands = [["bash", "-eo", "pipefail", "-c", script]] * bool(script)
    commands += [[sys.executable, "-c", block] for block in code_blocks(TEXTS[page], "python")]
    assert commands
    for command in commands:
        done = subprocess.run(command, cwd=tmp_path, env=where, capture_output=True, text=True, timeout=800)
        assert done.returncode == 0, f"{command[-1]}\n{done.stderr}"
    if page == "README.md":
        assert (tmp_path / "out/tiny-de-en/data/dialog.en.txt").is_file()


def test_reference_pages_are_what_the_code_says() -> None:
    """Options, fields and flags, written by benchmarks/reference.py."""
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/reference.py", "--check"],
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_each_table_has_a_command_that_writes_it() -> None:
    """docs/figures.md lists it in full: a script that is there, with options that it has, and the page that holds the table."""
    rows = re.findall(r"^\| (`.+?) \| .*? \| `(python .+?)` \|$", TEXTS["figures.md"], re.MULTILINE)
    listed = {name: command for names, command in rows for name in re.findall(r"`([\w-]+)`", names)}
    placed = blocks_between_marks()
    assert listed.keys() == placed.keys()
    for name, command in listed.items():
        script = command.split()[1]
        if script == "-m":
            module = command.split()[2]
            script = "tests/reliability/table.py" if module == "tests.reliability" else f"{module.replace('.', '/')}.py"
        source = (ROOT / script).read_text(encoding="utf-8")
        for option in re.findall(r"--[\w-]+", command):
            assert f'"{option}"' in source, f"{script} has no {option}"
        if "--write" in command:
            assert placed[name] in command


def test_environment_variables_are_documented() -> None:
    """Each one that the program reads."""
    read = re.compile(r'environ(?:\.get\(|\[)"([A-Z_]+)"(?!\] =)')
    for path in (ROOT / "translate").rglob("*.py"):
        for name in read.findall(path.read_text(encoding="utf-8")):
            assert name in TEXTS["options.md"] or name in TEXTS["disk.md"], f"{path.name} reads {name}"


def test_the_rows_shown_are_rows() -> None:
    """With the fields of the contract, in their order."""
    from translate.run.rows import format_row, parse_row

    lines = [block.strip() for text in TEXTS.values() for block in code_blocks(text, "json")]
    assert len(lines) > 1
    for line in lines:
        assert format_row(parse_row(line)) == line


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_outside_the_site_lead_somewhere(name: str) -> None:
    """Files and their headings; those within the site are checked by mkdocs."""
    for target, anchor in re.findall(r"\]\(([^)#]+)(?:#([\w-]+))?\)", (ROOT / name).read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        assert (ROOT / target).exists(), target
        headings = re.findall(r"^#+ (.+)$", (ROOT / target).read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], anchor


def test_the_first_screen_is_one() -> None:
    """Up to the links it has at most 45 lines, and the whole at most 150; CI runs its install commands."""
    text = TEXTS["README.md"]
    assert text.splitlines().index("## Install") <= 45
    assert len(text.splitlines()) <= 150
    first, *_, last = code_blocks(text, "sh")
    assert first.splitlines() == [
        "python3 -m venv .venv && . .venv/bin/activate",
        "pip install .",
        "translate data/*.txt",
    ]
    assert last.splitlines() == ["pip install -e '.[dev]'", "pytest -n auto --dist loadfile"]
    assert "<!-- install for tests -->" in text
    assert "README.md" in (ROOT / ".ci/run").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("site")
    program = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    subprocess.run(program, cwd=ROOT, env=environment(NO_MKDOCS_2_WARNING="1"), check=True)
    return folder


def test_the_site_asks_no_other_host(site: Path) -> None:
    """No page loads a script, style or picture from elsewhere."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]*)"', page.read_text(encoding="utf-8"))
        assert not loaded, f"{page.name} loads {loaded}"


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the path")
def test_the_site_works_from_disk_and_on_a_phone(site: Path) -> None:
    """In a real browser, without a server: the search finds a page, and no page is wider than a phone."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        for page in PAGES:
            browser.get((site / f"{page.stem}.html").as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, page.name
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.get((site / "index.html").as_uri())
        field = browser.find_element(By.CSS_SELECTOR, "input.md-search__input")
        browser.execute_script("arguments[0].focus()", field)
        field.send_keys("signature")
        found = WebDriverWait(browser, 30).until(
            lambda b: b.find_elements(By.CSS_SELECTOR, ".md-search-result__item a")
        )
        assert any("files.html" in str(link.get_attribute("href")) for link in found)
    finally:
        browser.quit()
