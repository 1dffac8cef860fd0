"""The files of the places to run: they agree with the Procfile, the settings, the metrics and their own schemas.

No container engine and no platform is at hand: the Dockerfile is linted and what it does is done step by step, the
objects of Kubernetes are checked against their schemas, the others' commands and settings against the product.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from invest.settings import NOT_SETTINGS, WELL_KNOWN, Settings, setting_paths
from tests.integration.api.api_kit import open_door

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OUR_PREFIX = "exec env PYTHONPATH=src "
GRACE = 35


def procfile() -> dict[str, str]:
    """Process types and their commands, without the checkout's prefix."""
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip())
    return {name: command.strip().removeprefix(OUR_PREFIX) for name, _, command in pairs}


def known_settings() -> set[str]:
    """Every name that the environment may set, ``*`` for a name of the user's."""
    return {"INVEST_" + "__".join(path).upper() for path in setting_paths(Settings)} | {n for n, _ in WELL_KNOWN}


def is_known(name: str) -> bool:
    """Whether an environment variable sets something."""
    return name in NOT_SETTINGS or any(
        re.fullmatch(pattern.replace("*", "[A-Z0-9_]+"), name) for pattern in known_settings()
    )


def compose() -> dict[str, Any]:
    """compose.yaml."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return loaded


def instructions(name: str) -> list[str]:
    """What the Dockerfile says of one kind, continued lines joined, comments left out."""
    lines = [li for li in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not li.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(name + " ")]


def test_the_dockerfile_passes_its_linter() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint has no build for this system")
    done = subprocess.run([linter, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_pinned_runs_without_root_and_holds_no_secret() -> None:
    bases = [base.split() for base in instructions("FROM")]
    assert len(bases) == 2 and {base[0] for base in bases} == {bases[0][0]}
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", bases[0][0])
    for install in [line for line in instructions("RUN") if "install --no-deps --only-binary" in line]:
        assert {"--no-deps", "--require-hashes", "--only-binary"} <= set(install.split())
    assert instructions("USER")[-1] == "10001" and "--uid 10001" in " ".join(instructions("RUN"))
    names = [pair.partition("=")[0] for line in instructions("ENV") for pair in line.split()]
    assert names and not [n for n in names if re.search("KEY|TOKEN|SECRET|PASSWORD|_URL", n)]
    assert not instructions("ARG") and all(map(is_known, (n for n in names if n.startswith("INVEST_"))))
    labels = dict(re.findall(r'(org\.opencontainers\.image\.\w+)="([^"]+)"', " ".join(instructions("LABEL"))))
    assert labels["org.opencontainers.image.licenses"] == "MIT"


def test_the_image_asks_whether_it_is_alive_not_whether_its_servers_are() -> None:
    [check] = instructions("HEALTHCHECK")
    assert "/healthz" in check and "/readyz" not in check and "'PORT', '8000'" in check
    assert instructions("EXPOSE") == ["8000"]


def test_the_images_run_the_commands_of_the_procfile() -> None:
    services, commands = compose()["services"], procfile()
    for name in ("release", "web", "worker"):
        assert services[name]["command"] == commands[name]
        assert services[name]["environment"]["DATABASE_URL"].startswith("postgres://")
    assert json.loads(instructions("CMD")[-1]) == shlex.split(commands["web"])


def test_what_the_image_copies_is_let_through_and_builds_the_wheel(tmp_path: Path) -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for line in instructions("COPY"):
        if line.startswith("--from="):
            continue
        *names, to = line.split()
        for name in names:
            assert name in allowed, f".dockerignore keeps {name} out"
            if (ROOT / name).is_dir():
                kept = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(ROOT / name, tmp_path / to, ignore=kept)
            else:
                shutil.copy(ROOT / name, tmp_path / to)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    [build] = [line for line in instructions("RUN") if "pip wheel" in line]
    options = build.partition("pip wheel ")[2].partition("&&")[0].replace("/wheels", str(tmp_path / "wheels")).split()
    subprocess.run([*pip, "wheel", *options], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    [wheel] = (tmp_path / "wheels").glob("*.whl")
    into = tmp_path / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", into, wheel],
        cwd=tmp_path, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    started = subprocess.run(
        [sys.executable, "-m", "invest", "config", "show", "--json"],
        cwd=elsewhere, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(into), "BRAPI_TOKEN": ""},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    shown = json.loads(started.stdout)
    assert shown["web.port"] == {"value": 8000, "origin": "default"}
    assert shown["sources.brapi.token"]["value"] in (None, "")


def test_the_composed_services_take_every_secret_from_outside_have_limits_and_wait_for_each_other() -> None:
    composed = compose()
    services = composed["services"]
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            assert not re.search("KEY|TOKEN|SECRET|PASSWORD|SMTP", key) or value.startswith("${"), (name, key)
        assert service["mem_limit"] and service["cpus"] and service["pids_limit"], name
    environment = services["web"]["environment"]
    assert "${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"] and "${VALKEY_PASSWORD:?" in environment["REDIS_URL"]
    assert all(map(is_known, environment))
    for name in ("release", "web", "worker"):
        assert services[name]["read_only"] is True and services[name]["stop_grace_period"] == f"{GRACE}s"
        assert services[name]["cap_drop"] == ["ALL"] and services[name]["tmpfs"] == ["/tmp"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert set(services[name]["depends_on"]) <= set(services)
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert services["worker"]["depends_on"]["release"] == {"condition": "service_completed_successfully"}
    for name in ("redis", "postgres"):
        assert services[name]["healthcheck"]["test"] and "ports" not in services[name]
        assert services[name]["volumes"][0].split(":")[0] in composed["volumes"]
    assert "noeviction" in services["redis"]["command"] and "--requirepass" in services["redis"]["command"]
    assert (
        services["redis"]["image"].startswith("valkey/valkey:")
        and services["postgres"]["image"] == "postgres:18-alpine"
    )
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"], "where the image of 18 keeps its data"


def test_the_formation_names_the_processes_of_the_procfile() -> None:
    app = json.loads((ROOT / "app.json").read_bytes())
    assert set(app["formation"]) == set(procfile()) - {"release"}
    assert all(map(is_known, app["env"]))
    assert float(app["env"]["INVEST_WEB__WAIT_MAX"]["value"]) < 30, "Heroku's router ends a request after 30 s"
    checks = {check["type"]: check["path"] for check in app["healthchecks"]["web"]}
    assert checks == {"startup": "/readyz", "liveness": "/healthz"}


def test_render_runs_the_procfiles_commands_with_a_redis_that_keeps_its_jobs() -> None:
    blueprint = yaml.safe_load((ROOT / "render.yaml").read_text("utf-8"))
    commands = procfile()
    web, worker, redis = blueprint["services"]
    assert (web["type"], web["dockerCommand"], web["preDeployCommand"]) == ("web", commands["web"], commands["release"])
    assert (worker["type"], worker["dockerCommand"]) == ("worker", commands["worker"])
    assert web["healthCheckPath"] == "/healthz" and redis["maxmemoryPolicy"] == "noeviction"
    named = {redis["name"], *(database["name"] for database in blueprint["databases"])}
    for service in (web, worker):
        assert service["maxShutdownDelaySeconds"] == GRACE and service["runtime"] == "docker"
        for variable in service["envVars"]:
            assert is_known(variable["key"]), variable
            origin = variable.get("fromService") or variable.get("fromDatabase")
            assert origin is None or origin["name"] in named
            secret = re.search("KEY|TOKEN|SECRET|SMTP", variable["key"])
            assert not secret or variable["sync"] is False


def test_fly_runs_the_procfiles_commands_and_routes_by_readiness() -> None:
    fly = tomllib.loads((ROOT / "fly.toml").read_text("utf-8"))
    commands = procfile()
    assert fly["processes"] == {"web": commands["web"], "worker": commands["worker"]}
    assert fly["deploy"]["release_command"] == commands["release"] and (ROOT / fly["build"]["dockerfile"]).is_file()
    assert fly["kill_signal"] == "SIGTERM" and fly["kill_timeout"] == GRACE
    assert (
        fly["http_service"]["processes"] == ["web"] and str(fly["http_service"]["internal_port"]) == fly["env"]["PORT"]
    )
    assert [c["path"] for c in fly["http_service"]["checks"]] == ["/readyz"]
    assert fly["checks"]["alive"]["path"] == "/healthz"
    assert all(map(is_known, fly["env"]))


def test_railway_runs_the_procfiles_commands() -> None:
    commands = procfile()
    web = json.loads((ROOT / "railway.json").read_bytes())
    worker = json.loads((ROOT / "deploy" / "railway.worker.json").read_bytes())
    assert web["deploy"]["startCommand"] == commands["web"] and worker["deploy"]["startCommand"] == commands["worker"]
    assert web["deploy"]["preDeployCommand"] == [commands["release"]]
    assert web["deploy"]["healthcheckPath"] == "/healthz"
    for file in (web, worker):
        assert (ROOT / file["build"]["dockerfilePath"]).is_file() and file["deploy"]["drainingSeconds"] == GRACE


def test_the_named_python_is_one_that_the_project_takes() -> None:
    named = (ROOT / ".python-version").read_text("utf-8").strip()
    assert re.fullmatch(r"3\.\d+", named) and int(named.partition(".")[2]) >= 11


def objects(folder: Path) -> list[dict[str, Any]]:
    """Every object of the files that a kustomization names."""
    resources = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
    found: list[dict[str, Any]] = []
    for name in resources:
        path = folder / name
        if path.is_dir():
            found += objects(path.resolve())
        else:
            found += [each for each in yaml.safe_load_all(path.read_text("utf-8")) if each]
    return found


BASE = objects(KUBERNETES / "base")
SCALED = [each for each in objects(KUBERNETES / "keda") if each["kind"] == "ScaledObject"]


def named(each: dict[str, Any]) -> str:
    """Kind and name, for a test's id."""
    return f"{each['kind']}-{each['metadata']['name']}"


@pytest.mark.parametrize("each", BASE, ids=named)
def test_an_object_fits_the_schema_of_kubernetes(each: dict[str, Any]) -> None:
    for version in ("1.31", "1.34"):
        kubernetes_validate.validate(each, version, strict=True)


def pods() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every object with pods, and their spec."""
    for each in BASE:
        if each["kind"] in ("Deployment", "Job"):
            yield each, each["spec"]["template"]["spec"]


def test_kubernetes_runs_the_procfiles_commands_restricted_and_gives_them_time_to_end() -> None:
    commands = {tuple(shlex.split(command)): name for name, command in procfile().items()}
    ran = set()
    for each, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] and context["capabilities"] == {"drop": ["ALL"]}
            assert context["allowPrivilegeEscalation"] is False and container["resources"]["limits"]["memory"]
            assert {"mountPath": "/tmp", "name": "tmp"} in container["volumeMounts"]
        [container] = pod["containers"]
        ran.add(commands[tuple(container["command"])])
        if each["kind"] == "Deployment":
            assert pod["terminationGracePeriodSeconds"] == GRACE
            assert [c["command"][-2:] for c in pod["initContainers"]] == [["db", "status"]]
    assert ran == set(procfile()) - {"worker"}, "one deployment per queue"
    [config] = [each for each in BASE if each["kind"] == "ConfigMap"]
    assert all(map(is_known, config["data"]))


def test_selectors_find_their_pods_and_every_deployment_has_a_budget() -> None:
    deployments = {e["metadata"]["name"]: e for e in BASE if e["kind"] == "Deployment"}
    labels = {n: d["spec"]["template"]["metadata"]["labels"] for n, d in deployments.items()}
    for name, deployment in deployments.items():
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
    budgets = {e["metadata"]["name"]: e for e in BASE if e["kind"] == "PodDisruptionBudget"}
    assert set(budgets) == set(deployments)
    for name, budget in budgets.items():
        assert budget["spec"]["selector"]["matchLabels"] == deployments[name]["spec"]["selector"]["matchLabels"]
    [service] = [e for e in BASE if e["kind"] == "Service"]
    assert service["spec"]["selector"].items() <= labels["invest-web"].items()
    [web] = deployments["invest-web"]["spec"]["template"]["spec"]["containers"]
    assert (web["livenessProbe"]["httpGet"]["path"], web["readinessProbe"]["httpGet"]["path"]) == (
        "/healthz",
        "/readyz",
    )


def test_kustomize_builds_both_layers_where_it_is_installed() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl here")
    for name in ("base", "keda"):
        done = subprocess.run([kubectl, "kustomize", KUBERNETES / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made = list(yaml.safe_load_all(done.stdout))
        assert {e["metadata"].get("namespace", "invest") for e in made} == {"invest"}
        workers = [e for e in made if e["kind"] == "Deployment" and "worker" in e["metadata"]["name"]]
        assert len(workers) == 3 and all(("replicas" in e["spec"]) == (name == "base") for e in workers)


def expressions(rules: Sequence[dict[str, Any]]) -> list[str]:
    """The expressions of alert rules."""
    return [rule["expr"] for group in rules for rule in group["rules"]]


async def exported(settings: Settings) -> set[str]:
    """The names of all series that /metrics has."""
    async with open_door(settings) as door:
        await door.ask("GET", "/healthz", status=200)
        text = (await door.ask("GET", "/metrics", status=200)).body.decode()
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    endings = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
    return {name + ending for name, kind in kinds.items() for ending in endings[kind]}


async def test_every_metric_that_a_dashboard_an_alert_or_a_scaler_names_exists(
    settings: Callable[..., Settings], redis_url: str, database_url: str
) -> None:
    there = await exported(settings(redis={"url": redis_url}, database={"url": database_url}))
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "invest.json").read_bytes())
    alerts = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text("utf-8"))
    asked = expressions(alerts["groups"])
    asked += [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", ())]
    asked += [trigger["metadata"]["query"] for each in SCALED for trigger in each["spec"]["triggers"]]
    used = {name for text in asked for name in re.findall(r"\binvest_\w+", text)}
    assert used - there == set()
    assert "invest_queue_oldest_seconds" in used and len(used) >= 20


def test_a_scaler_per_queue_scales_a_deployment_that_is_there() -> None:
    deployments = {e["metadata"]["name"] for e in BASE if e["kind"] == "Deployment"}
    targets = {each["spec"]["scaleTargetRef"]["name"] for each in SCALED}
    assert targets == {name for name in deployments if name != "invest-web"}
    for each in SCALED:
        [trigger] = each["spec"]["triggers"]
        queue = each["metadata"]["name"].removeprefix("invest-worker-").replace("-", "_")
        assert f'queue="{queue}"' in trigger["metadata"]["query"] and queue in procfile()
