"""That a cluster of these manifests fits its job, and ends it well."""

import pytest

from tests.helpers.rendering import (
    NAMES,
    ROOT,
    Object,
    container,
    environment,
    head,
    job,
    settings,
    workers,
)

every_overlay = pytest.mark.parametrize("overlay", NAMES)

UNITS = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30}


def quantity(written: str) -> float:
    """A quantity as Kubernetes writes it, such as 500m or 16Gi."""
    for unit, factor in UNITS.items():
        if written.endswith(unit):
            return float(written.removesuffix(unit)) * factor
    return float(written)


@pytest.mark.parametrize(("written", "value"), [("4", 4), ("500m", 0.5), ("2Gi", 2**31)])
def test_quantity_is_read_with_its_unit(written: str, value: float):
    assert quantity(written) == value


def limits(pod: Object) -> Object:
    found: Object = container(pod)["resources"]["limits"]
    return found


def cpus(group: Object) -> int:
    """What Ray counts on one pod of the group: the operator takes the limit where none is set."""
    return int(group["rayStartParams"].get("num-cpus", limits(group["template"])["cpu"]))


def gpus(group: Object) -> int:
    return int(limits(group["template"]).get("nvidia.com/gpu", 0))


def test_head_takes_no_work():
    assert {cpus(head(overlay)) for overlay in NAMES} == {0}


@every_overlay
def test_cpus_that_the_job_counts_are_there_when_it_begins(overlay: str):
    runtime = settings(overlay).runtime
    from_the_start = sum(group["minReplicas"] * cpus(group) for group in workers(overlay))
    assert from_the_start >= runtime.actors.max * runtime.cpus_per_actor + 1


@every_overlay
def test_actors_fit_the_pods_that_can_be_there(overlay: str):
    runtime = settings(overlay).runtime
    places = 0
    for group in workers(overlay):
        a_pod = cpus(group) // runtime.cpus_per_actor
        if runtime.gpus_per_actor:
            a_pod = min(a_pod, gpus(group) // runtime.gpus_per_actor)
        places += int(a_pod) * group["maxReplicas"]
    assert places >= runtime.actors.max


@every_overlay
def test_group_that_changes_its_size_has_the_autoscaler(overlay: str):
    changing = [
        group["groupName"]
        for group in workers(overlay)
        if not group["minReplicas"] == group["replicas"] == group["maxReplicas"]
    ]
    assert changing == (["gpu"] if overlay in ("gpu", "spot") else [])
    spec = job(overlay)["rayClusterSpec"]
    assert spec["enableInTreeAutoscaling"] is bool(changing)
    assert ("autoscalerOptions" in spec) is bool(changing)
    if changing:
        (gpu,) = (group for group in workers(overlay) if gpus(group))
        assert (gpu["groupName"], gpu["minReplicas"]) == ("gpu", 0)


@every_overlay
def test_pod_has_its_memory_and_the_object_store_fits_in_it(overlay: str):
    for group in [head(overlay), *workers(overlay)]:
        pod = group["template"]
        (shared,) = (
            volume["emptyDir"]["sizeLimit"]
            for volume in pod["spec"]["volumes"]
            if volume["name"] == "shm"
        )
        store = int(group["rayStartParams"]["object-store-memory"])
        memory = limits(pod)["memory"]
        assert store < quantity(shared) < quantity(memory)
        assert container(pod)["resources"]["requests"]["memory"] == memory


@every_overlay
def test_job_that_is_told_to_stop_has_its_grace(overlay: str):
    grace = settings(overlay).runtime.shutdown_timeout
    pod = head(overlay)["template"]
    _, _, hook = container(pod)["lifecycle"]["preStop"]["exec"]["command"]
    stopping, waiting = hook.split("; ")
    python, script, driver, seconds = stopping.split()
    assert (ROOT / "infra" / "docker" / script).is_file()
    assert job(overlay)["entrypoint"].startswith(f"{python} {driver} ")
    assert float(seconds) > grace
    assert int(environment(pod)["RAY_JOB_STOP_WAIT_TIME_S"]) > grace
    hooks = float(seconds) + float(waiting.removeprefix("sleep "))
    drain = float(environment(pod)["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > hooks + drain


@every_overlay
def test_worker_that_is_told_to_stop_outlasts_the_grace(overlay: str):
    for group in workers(overlay):
        drain = float(environment(group["template"])["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
        assert drain > settings(overlay).runtime.shutdown_timeout
        assert group["template"]["spec"]["terminationGracePeriodSeconds"] > drain


@every_overlay
def test_job_that_failed_is_tried_again_and_its_cluster_goes(overlay: str):
    spec = job(overlay)
    assert spec["backoffLimit"] > 0
    assert "--new-run" not in spec["entrypoint"]
    assert spec["shutdownAfterJobFinishes"] is True
    assert spec["ttlSecondsAfterFinished"] > 0


LABELS = {
    "cloud.google.com/gke-spot",
    "karpenter.sh/capacity-type",
    "eks.amazonaws.com/capacityType",
}


def terms(pod: Object) -> list[list[Object]]:
    affinity = pod["spec"]["affinity"]["nodeAffinity"]
    required = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    return [term["matchExpressions"] for term in required["nodeSelectorTerms"]]


@every_overlay
def test_head_keeps_off_spot_machines(overlay: str):
    (every,) = terms(head(overlay)["template"])
    assert {rule["key"] for rule in every} == LABELS
    assert {rule["operator"] for rule in every} == {"DoesNotExist", "NotIn"}


def test_workers_of_the_spot_overlay_go_to_spot_machines_of_any_cloud():
    for group in workers("spot"):
        found = [rule for (rule,) in terms(group["template"])]
        assert {rule["key"] for rule in found} == LABELS
        assert {rule["operator"] for rule in found} == {"Exists", "In"}
        tolerated = {taint["key"] for taint in group["template"]["spec"]["tolerations"]}
        assert tolerated == {"cloud.google.com/gke-spot"} | (
            {"nvidia.com/gpu"} if gpus(group) else set()
        )
