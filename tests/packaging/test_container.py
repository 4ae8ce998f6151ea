"""The container files, without a container engine: instructions parsed, replayed and started."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from packaging_tools import ROOT, run, show

pytestmark = [pytest.mark.xdist_group("packaging"), pytest.mark.evidence("documented")]

HEALTH_TRIES = 15
STOP_WITHIN = 5


@dataclass
class Image:
    """What a Dockerfile says: build commands in order, and how the last stage is run."""

    copies: list[list[str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    ports: list[int] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def image():
    parser = DockerfileParser(fileobj=io.BytesIO((ROOT / "Dockerfile").read_bytes()))
    found = Image(environment=dict(parser.envs))
    for item in parser.structure:
        value = item["value"]
        match item["instruction"]:
            case "COPY":
                found.copies.append(shlex.split(value))
            case "RUN":
                found.commands.append(value)
            case "USER":
                found.user = value
            case "EXPOSE":
                found.ports += [int(port) for port in value.split()]
            case "VOLUME":
                found.volumes.append(value)
            case "ENTRYPOINT":
                found.entrypoint = yaml.safe_load(value)
            case "CMD":
                found.command = yaml.safe_load(value)
            case "HEALTHCHECK":
                found.health = yaml.safe_load(value.partition(" CMD ")[2])
    return found


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Stands for the root folder of the image's file system."""
    return tmp_path_factory.mktemp("image")


@pytest.fixture(scope="module")
def built(image, root, dependencies):
    """The image's build commands, run in order with the image's folders below `root`.

    Left out: making the user, which needs rights. Dependencies are shown to the new environment
    instead of downloaded; the commands themselves are the Dockerfile's, unchanged.
    """
    (root / "build").mkdir()
    (root / "data").mkdir()
    for *sources, target in (copy for copy in image.copies if not copy[0].startswith("--")):
        for source in sources:
            copy_into(root / "build" / target, ROOT / source)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # as pip reads it: no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for command in (command for command in image.commands if not makes_user(command)):
        run("sh", "-ec", below(root, command), cwd=root / "build", env=environment)
        if " -m venv " in command:
            show(dependencies, root / "opt" / "emulator")
    return root


def makes_user(command):
    return command.startswith("groupadd ")


def below(root, text):
    """A command or value of the image with its folders moved below `root`."""
    return re.sub(r"(?<![\w.])/(opt/emulator|build|data)\b", rf"{root}/\1", text)


def copy_into(target, source):
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@pytest.fixture
def container(image, built, tmp_path):
    """The image's start command, running where nothing can be written but the data volume."""
    nowhere = tmp_path / "read-only"
    nowhere.mkdir(mode=0o555)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "D365FO_EMULATOR_HTTP_PORT": "0",
        "D365FO_EMULATOR_HTTPS_PORT": "0",
        **{name: below(built, value) for name, value in image.environment.items()},
    }
    environment["PATH"] = f"{built}/opt/emulator/bin{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        [*image.entrypoint, *image.command],
        cwd=nowhere,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        executable=f"{built}/opt/emulator/bin/{image.entrypoint[0]}",
    )
    try:
        yield Container(process, environment, nowhere, built)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass
class Container:
    process: subprocess.Popen
    environment: dict[str, str]
    folder: Path
    root: Path

    def healthy(self, health):
        """Runs the image's health check as often as an engine would before giving up."""
        program = f"{self.root}/opt/emulator/bin/{health[0]}"
        for _ in range(HEALTH_TRIES):
            assert self.process.poll() is None, self.process.stdout.read()
            check = subprocess.run(
                [program, *health[1:]],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            if check.returncode == 0:
                return True
        return False


def test_the_image_is_built_from_what_the_build_context_lets_through(image):
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = {name for *names, _ in image.copies if not names[0].startswith("--") for name in names}
    assert {f"!{name}" for name in copied} == {line for line in allowed if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_runs_without_rights_and_keeps_data_in_its_volume(image):
    assert image.user == "10001:10001"
    assert image.volumes == ["/data"]
    assert image.environment["D365FO_EMULATOR_DATA_DIR"] == "/data"
    assert image.environment["D365FO_EMULATOR_READY_FILE"].startswith("/data/")
    assert image.environment["PYTHONDONTWRITEBYTECODE"]


def test_the_image_exposes_the_default_ports(image):
    assert image.ports == [8365, 8443]


def test_the_image_starts_becomes_healthy_and_stops_on_sigterm(image, container):
    assert container.healthy(image.health)
    assert (container.root / "data" / "ready.json").exists()
    assert list(container.folder.iterdir()) == []
    container.process.send_signal(signal.SIGTERM)
    assert container.process.wait(timeout=STOP_WITHIN) == 0


def test_the_compose_file_follows_the_compose_specification():
    # check-jsonschema ships the specification's own schema.
    run(
        sys.executable,
        *("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
        ROOT / "docker-compose.yml",
    )


def test_the_compose_service_is_confined(compose):
    service = compose["services"]["d365fo"]
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "/tmp" in service["tmpfs"]


def test_the_compose_service_runs_and_checks_what_the_image_does(compose, image):
    service = compose["services"]["d365fo"]
    assert service["command"][: len(image.command)] == image.command
    assert service["healthcheck"]["test"] == ["CMD", *image.health]
    targets = {volume.split(":")[1] for volume in service["volumes"]}
    assert set(image.volumes) <= targets
    named = {v.split(":")[0] for v in service["volumes"] if not v.startswith(".")}
    assert named == set(compose["volumes"])
