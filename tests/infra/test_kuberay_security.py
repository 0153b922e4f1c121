"""That the pods have few rights, and that few reach them."""

import re
from itertools import chain

import pytest
import yaml

from tests.helpers.rendering import NAMES, container, head, job, of_kind, pods, rendered

every_overlay = pytest.mark.parametrize("overlay", NAMES)


@every_overlay
def test_container_has_no_more_rights_than_it_needs(overlay: str):
    containers = [container(pod) for pod in pods(overlay).values()]
    options = job(overlay)["rayClusterSpec"].get("autoscalerOptions")
    for found in [*containers, *([options] if options else [])]:
        assert found["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
        }
        assert {"cpu", "memory"} <= found["resources"]["limits"].keys()
        assert "/tmp" in {mount["mountPath"] for mount in found["volumeMounts"]}


@every_overlay
def test_pod_is_not_root_and_has_nothing_of_its_node(overlay: str):
    for pod in pods(overlay).values():
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == 1000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        kinds = set(chain.from_iterable(volume.keys() for volume in pod["spec"]["volumes"]))
        assert kinds <= {"name", "configMap", "emptyDir"}


@every_overlay
def test_token_of_the_service_account_is_the_autoscalers_alone(overlay: str):
    scaled = job(overlay)["rayClusterSpec"]["enableInTreeAutoscaling"]
    for name, pod in pods(overlay).items():
        mounted = pod["spec"]["automountServiceAccountToken"]
        assert mounted is (name == "head" and scaled)


@every_overlay
def test_ray_asks_for_its_token_and_the_dashboard_is_not_exposed(overlay: str):
    assert job(overlay)["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    assert head(overlay)["serviceType"] == "ClusterIP"
    assert head(overlay)["enableIngress"] is False


@every_overlay
def test_network_policy_lets_the_operator_and_the_own_pods_in(overlay: str):
    (policy,) = of_kind(overlay, "NetworkPolicy")
    ours = policy["spec"]["podSelector"]["matchLabels"]
    for pod in pods(overlay).values():
        assert ours.items() <= pod["metadata"]["labels"].items()
    own, operator, metrics = policy["spec"]["ingress"]
    assert own == {"from": [{"podSelector": {"matchLabels": ours}}]}
    (peer,) = operator["from"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/component": "kuberay-operator"}
    assert [port["port"] for port in operator["ports"]] == [8265]
    assert [port["port"] for port in metrics["ports"]] == [8080]


@every_overlay
def test_object_has_no_secret(overlay: str):
    words = re.compile(r"secret|password|access_key|private_key|client_email", re.IGNORECASE)
    assert [found for found in rendered(overlay) if words.search(yaml.safe_dump(found))] == []


def test_service_account_takes_its_role_from_either_cloud():
    (account,) = of_kind("cpu", "ServiceAccount")
    assert {"eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account"} == set(
        account["metadata"]["annotations"]
    )
