"""What may and may not stand in a file that is in git."""

import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.infra.facts import ROOT, files, folder_of, functions, told

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
EVENTS = sorted((ROOT / "events").glob("*.json"))
PIN = re.compile(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[^\s;]+( ; .+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
MACHINE_PATH = re.compile(r"(?<![\w.])/(home|Users|root|work)/[\w.-]")
INDEX = re.compile(r"https?://[^\s\"'`]*(/simple|pypi|artifactory|nexus|devpi)|--(extra-)?index-url[ =]\S*//")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
NOBODYS_ACCOUNT = "0" * 12  # the emulator's


def lines(*patterns: re.Pattern[str], skip: tuple[str, ...] = ()) -> list[str]:
    """Where a pattern stands in a file in git."""
    found = []
    for path in files():
        if path.suffix in skip or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if any(pattern.search(line) for pattern in patterns):
                found.append(told(path, number))
    return found


def make_words(text: str) -> set[str]:
    """The targets of every `make …` in code: in a span, in a fenced block."""
    code = re.findall(r"```.*?```", text, re.DOTALL)
    code += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    commands = [found for each in code for found in re.findall(r"\bmake((?: +[a-z][a-z0-9-]*(?![\w=./]))+)", each)]
    return {word for command in commands for word in command.split()}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_line_of_a_lock_is_pinned_and_hashed(path: Path) -> None:
    hashed = True
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = told(path, number)
        if line.lstrip().startswith("#") or not line:
            continue
        if line.startswith(" "):
            assert HASH.fullmatch(line), where
            hashed = True
        else:
            assert hashed, f"{where}: what stands before it has no hash"
            assert PIN.fullmatch(line), where
            hashed = False
    assert hashed, f"{path.name}: its last line has no hash"


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_place(path: Path) -> None:
    assert not re.search(r"://|index-url|find-links|file:|git\+", path.read_text())


def test_every_requirement_has_a_lock_and_the_other_way_round() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*.in")} == {path.stem for path in LOCKS}


def test_no_file_names_a_path_of_a_machine() -> None:
    assert lines(MACHINE_PATH) == []


def test_no_file_names_an_index() -> None:
    hosts = {urlsplit(value).hostname for name, value in os.environ.items() if "INDEX" in name and "//" in value}
    patterns = [re.compile(re.escape(host)) for host in hosts if host and host != "pypi.org"]
    assert lines(INDEX, *patterns) == []


def test_no_file_names_an_account() -> None:
    found = []
    for path in files():
        if path.suffix == ".lock":
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if set(ACCOUNT.findall(UUID.sub("", line))) - {NOBODYS_ACCOUNT}:
                found.append(told(path, number))
    assert found == []


def test_no_file_holds_a_key() -> None:
    ours = r"\bgyre_(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])"
    assert lines(re.compile(rf"{ours}|AKIA[0-9A-Z]{{16}}|-----BEGIN [A-Z ]*PRIVATE KEY")) == []


def test_what_is_built_stays_out_of_git() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in files()}
    assert tops & {".venv", ".build", ".gyre", ".aws-sam"} == set()
    assert not [path for path in files() if path.suffix == ".pyc" or ".egg-info" in str(path)]


def event_name(function: str) -> str:
    """What the files of its events begin with: its own name, or that of its image."""
    properties = functions()[function]
    if properties.get("PackageType") == "Image":
        return folder_of(function)
    return str(properties["FunctionName"]["Fn::Sub"]).rpartition("}-")[2].replace("-", "_")


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_an_event_names_a_function_and_holds_no_key(path: Path) -> None:
    named, _, case = path.stem.partition("-")
    found = [functions()[name] for name in functions() if event_name(name) == named]
    assert found and case
    if len(found) > 1:
        entry = case.partition("-")[0]
        assert {f"app.{entry}", f"{entry}.handler"} & {each["ImageConfig"]["Command"][0] for each in found}
    assert isinstance(json.loads(path.read_text()), dict)
    keys = re.findall(r'"x-api-key": (?:\[\s*)?"([^"]*)"', path.read_text())
    assert set(keys) <= {"${api_key}"}


def test_every_function_has_an_event() -> None:
    assert {path.stem.partition("-")[0] for path in EVENTS} == {event_name(name) for name in functions()}


def test_every_target_that_the_readme_names_exists() -> None:
    named = make_words((ROOT / "README.md").read_text())
    assert {"demo", "test", "deploy"} <= named
    assert named - targets() == set()


def test_every_target_that_a_message_or_a_decision_names_exists() -> None:
    for path in files():
        if path.suffix in (".py", ".md", ".yaml", ".toml") and not path.is_relative_to(ROOT / "tests"):
            unknown = make_words(path.read_text()) - targets()
            assert unknown == set(), f"{path.relative_to(ROOT)} names `make {' '.join(unknown)}`"


def test_every_target_is_phony_and_helped() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)).split())
    helped = set(re.findall(r"^([a-z][a-z0-9-]*):.*## ", text, re.MULTILINE))
    assert targets() == phony == helped


def test_the_map_in_the_readme_is_the_house() -> None:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (block,) = [each for each in blocks if each.startswith("template.yaml")]
    places = [line.split()[0] for line in block.splitlines() if line and not line.startswith(" ")]
    assert len(places) > 5
    assert [place for place in places if not (ROOT / place).exists()] == []
