"""The whole local cloud as one context manager: emulators, stack, functions, API key, front."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
from botocore.exceptions import BotoCoreError

from infra.local import assembly, front, launcher
from infra.local.deploy import Deployer, key_pair
from infra.local.localise import localise
from infra.local.processes import Child, ChildFailed, clean_environment, scratch_folder, wait_for
from infra.tenants import Tenant, load_tenants

Report = Callable[[str], None]

_START_SECONDS = 60.0


class LocalCloud:
    """A tenant's stack running on this machine; ``ready`` is what the ready file holds.

    ``port`` 0 takes a free one; with ``ionq_url`` that IonQ API is used with the key in ``IONQ_API_KEY``, instead of
    the emulator. ``report`` gets a line for each step of the start.
    """

    def __init__(
        self,
        port: int = 0,
        ionq_url: str | None = None,
        tenant: str | None = None,
        report: Report | None = None,
        plan: str | None = None,
    ) -> None:
        self._port = port
        self._ionq_url = ionq_url
        self._tenant = _tenant(tenant)
        self._plan = plan or self._tenant.plan
        self._report = report or (lambda _line: None)
        self._exit = contextlib.ExitStack()
        self._children: list[Child] = []
        self.ready: dict[str, str] = {}
        self.outputs: dict[str, str] = {}

    def __enter__(self) -> LocalCloud:
        with contextlib.ExitStack() as starting:
            try:
                self._start(starting)
            except BotoCoreError:
                self.check()  # an emulator that died says more than the connection it broke
                raise
            self._exit = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def check(self) -> None:
        """Raise ``ChildFailed`` when one of the emulators has died."""
        for child in self._children:
            child.check()

    @property
    def tenant(self) -> Tenant:
        """Whose stack runs here."""
        return self._tenant

    def deployer(self) -> Deployer:
        """Clients of the emulated AWS, for whoever wants to look inside."""
        return Deployer(self.ready["aws_endpoint_url"], self._tenant.region)

    def _start(self, stack: contextlib.ExitStack) -> None:
        # First of all, so that a taken port is known before anything else is started.
        listener = stack.enter_context(contextlib.closing(front.listen(self._port)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qcos-", ignore_cleanup_errors=True)))
        began = time.monotonic()

        def say(line: str) -> None:
            self._report(f"[{time.monotonic() - began:5.1f} s] {line}")

        say("starting the AWS emulator" + ("" if self._ionq_url else " and the IonQ emulator"))
        endpoint, aws = self._start_aws(stack, folder)
        ionq = self._start_ionq(stack, folder)
        built, synthesised = assembly.load()
        say("synthesised the stack" if synthesised else "took the synthesised stack from .cache")
        template = localise(built.template(self._tenant.stack_name))

        deployer = Deployer(endpoint, self._tenant.region)
        wait_for(lambda: _answers(f"{endpoint}/_ministack/health"), aws, _START_SECONDS)
        deployer.publish(built.assets(self._tenant.stack_name))
        ionq_url = ionq.url()
        api_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        parameters = {"IonqUrl": ionq_url, "Issuer": api_url, "Plan": self._plan}
        self.outputs = deployer.create(self._tenant.stack_name, template, parameters)
        deployer.put_secret(self.outputs["IonqSecretArn"], ionq.key)
        deployer.put_secret(self.outputs["SigningKeyArn"], key_pair("ML-DSA-65"))
        deployer.put_secret(self.outputs["LogKeyArn"], key_pair("ML-DSA-44"))
        deployer.lock(self.outputs["Checkpoints"], template)
        say(f"deployed {len(template['Resources'])} resources of tenant {self._tenant.tenant}")

        functions = deployer.functions_of(self._tenant.stack_name)
        deployer.warm(functions)
        say(f"started {len(functions)} functions")
        api_key = deployer.mint_key(self.outputs["MintKeyFunction"])
        self.check()
        stage = f"{endpoint}/restapis/{self.outputs['ApiId']}/{self.outputs['ApiStage']}/_user_request_"
        stack.enter_context(front.serving(front.build(stage, front.gateway_responses(template)), listener))
        self.ready = {
            "api_url": api_url,
            "api_key": api_key,
            "ionq_url": ionq_url,
            "aws_endpoint_url": endpoint,
        }
        say("ready")

    def _start_aws(self, stack: contextlib.ExitStack, folder: Path) -> tuple[str, Child]:
        port = launcher.free_port()
        scratch = scratch_folder(folder, "aws")
        settings = launcher.environment(port=port, region=self._tenant.region)
        child = Child("infra.local.launcher", [], clean_environment(scratch) | settings, scratch)
        stack.callback(child.stop)
        self._children.append(child)
        return f"http://127.0.0.1:{port}", child

    def _start_ionq(self, stack: contextlib.ExitStack, folder: Path) -> _Ionq:
        if self._ionq_url:
            key = os.environ.get("IONQ_API_KEY", "")
            if not key:
                raise ValueError("set IONQ_API_KEY to the key for that IonQ endpoint")
            given = self._ionq_url
            return _Ionq(key, lambda: given)
        scratch = scratch_folder(folder, "ionq")
        ready_file = scratch / "ready.json"
        key = secrets.token_urlsafe(24)
        arguments = ["--port=0", f"--ready-file={ready_file}", f"--api-key={key}"]
        child = Child("infra.local.ionq", arguments, clean_environment(scratch), scratch)
        stack.callback(child.stop)
        self._children.append(child)

        def url() -> str:
            wait_for(ready_file.exists, child, _START_SECONDS)
            return str(json.loads(ready_file.read_text(encoding="utf-8"))["url"])

        return _Ionq(key, url)


@dataclass(frozen=True)
class _Ionq:
    """A key for the IonQ API, and its base URL, which an emulator that is still starting makes you wait for."""

    key: str
    url: Callable[[], str]


def _tenant(name: str | None) -> Tenant:
    """The tenant of that name, the first of all without one; ``ValueError`` names those there are."""
    tenants = load_tenants()
    if name is None:
        return tenants[0]
    for tenant in tenants:
        if tenant.tenant == name:
            return tenant
    raise ValueError(f"no tenant {name!r} in tenants.json: {', '.join(t.tenant for t in tenants)}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


__all__ = ["ChildFailed", "LocalCloud", "Report"]
