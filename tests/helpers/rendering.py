"""The manifests as kustomize renders them, and what a cluster would find wrong with them.

Enters: an overlay's name. Leaves: its objects; for an object, what its schema finds. What holds:
fields that a schema does not know are found, where Kubernetes would leave them out and say nothing.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, extend

from pipeline.config import JobSettings, load

ROOT = Path(__file__).parents[2]
OVERLAYS = ROOT / "infra" / "kuberay" / "overlays"
NAMES = sorted(path.name for path in OVERLAYS.iterdir())
CRDS = Path(os.environ.get("KUBERAY_CRDS", ROOT.parent / "shared" / "data" / "kuberay"))
KUBERNETES = "1.34"

Object = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """The objects of an overlay."""
    return render(OVERLAYS / overlay)


def render(folder: Path) -> tuple[Object, ...]:
    """The objects of the kustomization in ``folder``."""
    if shutil.which("kustomize"):
        command = ["kustomize", "build"]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    else:
        pytest.skip("neither kustomize nor kubectl is there to render the manifests")
    done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.load_all(done.stdout, yaml.CSafeLoader))


def of_kind(overlay: str, kind: str) -> list[Object]:
    return [found for found in rendered(overlay) if found["kind"] == kind]


def job(overlay: str) -> Object:
    """The spec of the overlay's job, which may stand in a RayCronJob."""
    specs = [
        *(found["spec"] for found in of_kind(overlay, "RayJob")),
        *(found["spec"]["jobTemplate"] for found in of_kind(overlay, "RayCronJob")),
    ]
    assert len(specs) == 1
    return specs[0]


@cache
def settings(overlay: str) -> JobSettings:
    """The job's settings, as ``jobs/annotate.py`` reads them from the ConfigMap."""
    (found,) = of_kind(overlay, "ConfigMap")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.yaml"
        path.write_text(found["data"]["job.yaml"])
        return load(path, [], JobSettings)


def head(overlay: str) -> Object:
    group: Object = job(overlay)["rayClusterSpec"]["headGroupSpec"]
    return group


def workers(overlay: str) -> list[Object]:
    groups: list[Object] = job(overlay)["rayClusterSpec"]["workerGroupSpecs"]
    return groups


def pods(overlay: str) -> dict[str, Object]:
    """The pod templates of the overlay's job, by whose they are."""
    return {
        "submitter": job(overlay)["submitterPodTemplate"],
        "head": head(overlay)["template"],
        **{group["groupName"]: group["template"] for group in workers(overlay)},
    }


def container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    found: Object = only
    return found


def environment(pod: Object) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(pod).get("env", [])}


def problems(found: Object) -> list[str]:
    """What the schema of the object's kind has against it."""
    if found["apiVersion"].startswith("ray.io/"):
        errors = _validator(found["kind"], found["apiVersion"]).iter_errors(found)
        return [f"{error.json_path}: {error.message}" for error in errors]
    try:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{error.json_path}: {error.message}"]
    return []


@cache
def _validator(kind: str, api_version: str) -> Validator:
    path = CRDS / f"ray.io_{kind.lower()}s.yaml"
    if not path.is_file():
        pytest.skip(f"{path} is not there: set KUBERAY_CRDS to a folder with KubeRay's CRDs")
    versions = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]["versions"]
    (schema,) = (
        version["schema"]["openAPIV3Schema"]
        for version in versions
        if version["name"] == api_version.removeprefix("ray.io/")
    )
    closed = _closed(schema)
    closed["properties"]["metadata"] = {"type": "object"}  # Kubernetes' own, of no CRD
    keyed = extend(Draft202012Validator, {"x-kubernetes-list-map-keys": _distinct})
    return keyed(closed)


def _closed(schema: Any) -> Any:
    """The schema with objects that take no keys but those that it names."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def _distinct(
    _validator: Any, keys: list[str], items: Any, schema: Object
) -> Iterator[ValidationError]:
    """Kubernetes refuses a list in which two items have the same keys, as two variables a name."""
    defaults = schema["items"]["properties"]
    seen = [tuple(item.get(key, defaults[key].get("default")) for key in keys) for item in items]
    for doubled in sorted({str(key) for key in seen if seen.count(key) > 1}):
        yield ValidationError(f"{', '.join(keys)} is there twice: {doubled}")
