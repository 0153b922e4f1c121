"""That the manifests are what KubeRay takes, and that what they name is there."""

import copy
import importlib.util
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import pipeline
from tests.helpers.rendering import (
    NAMES,
    OVERLAYS,
    ROOT,
    container,
    environment,
    head,
    job,
    of_kind,
    pods,
    problems,
    render,
    rendered,
    settings,
    workers,
)

RAY = re.search(r"^ray==(.+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)[1]

every_overlay = pytest.mark.parametrize("overlay", NAMES)


def test_overlays_are_those_that_the_documentation_names():
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in page] == []


@every_overlay
def test_object_is_what_its_schema_takes(overlay: str):
    assert {found["kind"]: problems(found) for found in rendered(overlay)} == {
        found["kind"]: [] for found in rendered(overlay)
    }


HEAD = "spec.rayClusterSpec.headGroupSpec"
POD = f"{HEAD}.template.spec"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("spec.shutdownAfterJobFinishs", True, "'shutdownAfterJobFinishs' was unexpected"),
        (f"{HEAD}.rayStartParam", {}, "'rayStartParam' was unexpected"),
        ("spec.rayClusterSpec.authOptions.mod", "token", "'mod' was unexpected"),
        (f"{POD}.terminationGracePeriod", 60, "'terminationGracePeriod' was unexpected"),
        (f"{POD}.containers.0.securityContext.runAsNonroot", True, "'runAsNonroot' was unexpected"),
        (f"{POD}.containers.0.env.0.vale", "1", "'vale' was unexpected"),
        ("spec.rayClusterSpec.authOptions.mode", "tokens", "'tokens' is not one of"),
        ("spec.backoffLimit", "3", "'3' is not of type 'integer'"),
        (f"{HEAD}.rayStartParams.num-cpus", 0, "0 is not of type 'string'"),
        (f"{POD}.containers.0.env.0.name", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "twice"),
        (f"{POD}.containers.0.ports.0.containerPort", 8265, "is there twice: (8265, 'TCP')"),
    ],
)
def test_object_with_a_slip_is_refused(place: str, value: Any, message: str):
    (found,) = copy.deepcopy(of_kind("cpu", "RayJob"))
    *parents, leaf = place.split(".")
    node: Any = found
    for parent in parents:
        node = node[int(parent)] if isinstance(node, list) else node[parent]
    node[leaf] = value
    assert message in " ".join(problems(found))


def test_object_of_kubernetes_with_a_slip_is_refused():
    (found,) = copy.deepcopy(of_kind("cpu", "NetworkPolicy"))
    found["spec"]["podSelectors"] = found["spec"].pop("podSelector")
    assert "podSelectors" in " ".join(problems(found))


@every_overlay
def test_versions_are_those_of_the_lock_and_the_package(overlay: str):
    assert job(overlay)["rayClusterSpec"]["rayVersion"] == RAY
    variant = "cuda" if settings(overlay).runtime.gpus_per_actor else "cpu"
    tag = f"{pipeline.__version__}-ray{RAY}-py3.11-{variant}"
    images = {container(pod)["image"] for pod in pods(overlay).values()}
    assert images == {f"registry.example.com/xmod-pipeline:{tag}"}, (
        "set newTag in the overlay's kustomization.yaml"
    )


@every_overlay
def test_service_account_and_config_map_are_of_the_overlay(overlay: str):
    accounts = {found["metadata"]["name"] for found in of_kind(overlay, "ServiceAccount")}
    maps = {found["metadata"]["name"] for found in of_kind(overlay, "ConfigMap")}
    for pod in pods(overlay).values():
        assert pod["spec"]["serviceAccountName"] in accounts
        volumes = pod["spec"]["volumes"]
        assert {volume["configMap"]["name"] for volume in volumes if "configMap" in volume} <= maps
    assert len({found["metadata"]["namespace"] for found in rendered(overlay)}) == 1


@every_overlay
def test_volume_that_is_mounted_is_of_the_pod(overlay: str):
    options = job(overlay)["rayClusterSpec"].get("autoscalerOptions", {})
    for name, pod in pods(overlay).items():
        mounts = container(pod)["volumeMounts"]
        mounts = mounts + options.get("volumeMounts", []) if name == "head" else mounts
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        assert {mount["name"] for mount in mounts} == volumes


@every_overlay
def test_entrypoint_runs_a_script_and_a_config_that_are_there(overlay: str):
    python, script, option, config = shlex.split(job(overlay)["entrypoint"])
    assert (python, option) == ("python", "--config")
    assert (ROOT / script).is_file()
    path = Path(config)
    (mounted,) = (
        mount["name"]
        for mount in container(head(overlay)["template"])["volumeMounts"]
        if mount["mountPath"] == str(path.parent)
    )
    (volume,) = (
        volume
        for volume in head(overlay)["template"]["spec"]["volumes"]
        if volume["name"] == mounted
    )
    (found,) = of_kind(overlay, "ConfigMap")
    assert volume["configMap"]["name"] == found["metadata"]["name"]
    assert path.name in found["data"]


@every_overlay
def test_job_config_is_taken_and_its_models_are_in_the_image(overlay: str):
    for task in settings(overlay).tasks:
        assert task.model.path.startswith("demo/model/")
        assert (ROOT / task.model.path / "config.json").is_file()


@every_overlay
def test_ray_knows_the_variables_and_options_that_it_is_given(overlay: str):
    ray = Path(importlib.util.find_spec("ray").origin).parent
    known = "".join(
        (ray / path).read_text()
        for path in (
            "_private/ray_constants.py",
            "dashboard/modules/job/job_supervisor.py",
            "scripts/scripts.py",
        )
    )
    names = {name for pod in pods(overlay).values() for name in environment(pod)}
    groups = [head(overlay), *workers(overlay)]
    options = {f"--{option}" for group in groups for option in group["rayStartParams"]}
    assert [name for name in names | options if f'"{name}"' not in known] == []


def test_daily_job_is_the_one_of_the_cpu_overlay():
    (daily,) = of_kind("daily", "RayCronJob")
    assert job("daily") == job("cpu")
    assert len(daily["spec"]["schedule"].split()) == 5
    assert of_kind("daily", "RayJob") == []


def test_overlay_of_the_documentation_changes_what_it_says(tmp_path: Path):
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    written = page.partition("```yaml\n")[2].partition("```")[0]
    gpu = os.path.relpath(OVERLAYS / "gpu", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(
        written.replace("../xmod-pipeline/infra/kuberay/overlays/gpu", gpu)
    )
    (tmp_path / "job.yaml").write_text("tasks: []")
    found = {one["kind"]: one for one in render(tmp_path)}
    assert {one["metadata"]["namespace"] for one in found.values()} == {"news"}
    config, cluster = found["ConfigMap"], found["RayJob"]["spec"]["rayClusterSpec"]
    assert config["data"] == {"job.yaml": "tasks: []"}
    pod = cluster["headGroupSpec"]["template"]["spec"]
    assert {"configMap": {"name": config["metadata"]["name"]}, "name": "config"} in pod["volumes"]
    assert pod["containers"][0]["image"].startswith("ghcr.io/news/xmod-pipeline:")
    role = found["ServiceAccount"]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert role == "arn:aws:iam::444455556666:role/annotate"
