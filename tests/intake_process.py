"""Intake as a process on real neighbours, and a store that calls it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from kafka import KafkaConsumer, TopicPartition

from deploy.local.devkeys import caller_file, make_keys
from deploy.local.kafka import Broker
from deploy.local.ports import free_run
from deploy.local.valkey import Valkey
from realname.envelope import open_record
from realname.messages import RegistrationSubmitted
from realname.topics import SUBMITTED
from services.intake.auth import CallerKey, issue_token
from tests.eventually import eventually
from tests.fakes.intake import a_challenge_request, multipart

OPERATORS = ("north", "harbor")
CLIP_BYTES_MAX = 2 * 1024 * 1024


class IntakeProcess:
    """One intake and a store that calls it."""

    def __init__(self, folder: Path, broker: Broker, valkey: Valkey, **settings: str) -> None:
        make_keys(folder / "keys", OPERATORS)
        self.folder = folder
        self.broker = broker
        self.port = free_run(1)
        self.environment = os.environ | {
            "REALNAME_KAFKA": broker.bootstrap,
            "REALNAME_REDIS": valkey.url,
            "REALNAME_OPERATORS": ",".join(OPERATORS),
            "REALNAME_KEYS": str(folder / "keys"),
            "REALNAME_VAULT": f"file://{folder / 'vault'}",
            "REALNAME_INTAKE_PORT": str(self.port),
            "REALNAME_CLIP_BYTES_MAX": str(CLIP_BYTES_MAX),
            "REALNAME_PUBLISH_WITHIN_S": "2",
            **settings,
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, headers=self.bearer())
        self.start()

    def start(self) -> None:
        with (self.folder / "intake.log").open("ab") as out:
            self.child = subprocess.Popen([sys.executable, "-m", "services.intake"], env=self.environment, stdout=out, stderr=out)
        eventually(self.is_ready, within_s=30)

    def stop(self) -> int:
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self.child.wait(20)

    def is_ready(self) -> bool:
        assert self.child.poll() is None, self.log
        with contextlib.suppress(httpx.TransportError):
            return self.http.get("/readyz").status_code == 200
        return False

    def bearer(self, operator: str = "north", **claims: Any) -> dict[str, str]:
        key = msgspec.json.decode((self.folder / "keys" / caller_file(operator)).read_bytes(), type=CallerKey)
        return {"authorization": "Bearer " + issue_token(key, now=datetime.now(UTC), **claims)}

    def challenge(self, **changes: Any) -> dict[str, Any]:
        answer = self.http.post("/v1/challenges", json=a_challenge_request(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def register(self, issued: dict[str, Any], **changes: Any) -> httpx.Response:
        return self.http.post("/v1/registrations", files=multipart(issued, **changes))

    @property
    def log(self) -> str:
        return (self.folder / "intake.log").read_text()

    def stored(self, registration_id: str) -> list[Path]:
        return [path for path in (self.folder / "vault").rglob("*") if path.is_file() and registration_id in str(path)]

    def published(self, registration_id: str) -> int:
        """Records of that id."""
        return len(self.submissions(registration_id))

    def submissions(self, registration_id: str) -> list[RegistrationSubmitted]:
        """Records of that id, as a reader of its own sees them."""
        consumer = KafkaConsumer(bootstrap_servers=self.broker.bootstrap, enable_auto_commit=False)
        places = [TopicPartition(SUBMITTED, number) for number in range(12)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: list[RegistrationSubmitted] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=500).values():
                ours = [record for record in records if record.key == registration_id.encode()]
                found += [open_record(record.value, record.headers) for record in ours]  # type: ignore[misc]
        consumer.close()
        return found


def name_of(answer: httpx.Response) -> str:
    return answer.json()["type"].rsplit(":", 1)[1]
