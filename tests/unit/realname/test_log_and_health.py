import json
import logging
import urllib.error
import urllib.request

from realname.health import Heartbeat, serve_health
from realname.log import start_logging
from realname.metrics import Metrics


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_log_line_is_json_and_an_error_gives_its_class_and_place_but_not_its_words(capsys):
    before = logging.getLogger().handlers[:]
    try:
        start_logging()
        try:
            raise ValueError("secret document number")  # noqa: TRY301 - it is what is logged
        except ValueError:
            logging.getLogger("a.b").exception("commit failed", extra={"partition": 3})
        line = json.loads(capsys.readouterr().err.strip().splitlines()[-1])
    finally:
        logging.basicConfig(handlers=before, force=True)
    assert line["event"] == "commit failed"
    assert line["partition"] == 3
    assert line["error"] == "ValueError"
    assert "secret" not in json.dumps(line)


def test_health_tells_alive_from_ready_and_serves_metrics():
    metrics = Metrics("janitor")
    metrics.count("realname_vault_deletions", "approved", by=2)
    server = serve_health(0, metrics.registry, alive=lambda: None, ready=lambda: "kafka_away")
    try:
        port = server.server_address[1]
        assert get(port, "/healthz") == (200, "ok\n")
        assert get(port, "/readyz") == (503, "kafka_away\n")
        status, text = get(port, "/metrics")
        assert status == 200
        assert 'realname_vault_deletions_total{cause="approved"} 2.0' in text
        assert get(port, "/else")[0] == 404
    finally:
        server.shutdown()


def test_a_loop_that_stands_is_not_alive():
    assert Heartbeat(limit_s=60).check() is None
    assert Heartbeat(limit_s=-1).check() == "loop_stands"
