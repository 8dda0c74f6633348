"""Workflows run what the Makefile has."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml")}
MAKEFILE = (ROOT / "Makefile").read_text()


def test_targets_are_those_of_the_makefile() -> None:
    run = {
        target
        for text in WORKFLOWS.values()
        for target in re.findall(r"run: make ([a-z][a-z0-9-]*)", text)
    }
    run |= {
        *yaml.safe_load(WORKFLOWS["nightly.yml"])["jobs"]["make"]["strategy"]["matrix"]["target"]
    }
    assert run <= {*re.findall(r"^([a-z][a-z0-9-]*):.*##", MAKEFILE, re.MULTILINE)}
    # And they are all that .ci/run runs, but for what it makes beforehand.
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line[:5] == "make "]
    named = {word for line in lines for word in re.findall(r" ([a-z][a-z0-9-]*)(?= |$)", line)}
    assert named - {"versions"} <= run


def test_every_spark_version_has_its_job() -> None:
    [older] = re.findall(r"^VERSIONS := (.*)$", MAKEFILE, re.MULTILINE)
    [newest] = re.findall(r"^NEWEST := (.*)$", MAKEFILE, re.MULTILINE)
    jobs = yaml.safe_load(WORKFLOWS["ci.yml"])["jobs"]
    assert jobs["spark"]["strategy"]["matrix"]["spark"] == [*older.split(), newest]
