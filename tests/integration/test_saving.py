"""What the emulator has answered is soon on the disk, whatever ends it; and where it cannot be, that is said."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.emulated import Emulated
from tests.integration.stacks import listening
from tests.local_stack import await_that

from b2b_cli.emulator.saving import Saved
from b2b_cli.errors import CommandError
from b2b_cli.local.emulator import Emulator, EmulatorRefusal
from b2b_cli.local.processes import is_alive
from b2b_cli.local.resources import has_table, make_resources
from b2b_cli.local.template import Template

TABLE = "notes"


@contextmanager
def emulator(state: Path) -> Iterator[Emulator]:
    state.mkdir(parents=True, exist_ok=True)
    running = Emulator(log=state.parent / "emulator.log", state=state)
    try:
        yield running
    finally:
        running.child.kill()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "data" / "emulator"


def make_table(running: Emulator) -> None:
    running.client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def write(running: Emulator, *ids: str) -> None:
    for identifier in ids:
        running.client("dynamodb").put_item(TableName=TABLE, Item={"id": {"S": identifier}})


def ids(running: Emulator) -> set[str]:
    return {item["id"]["S"] for item in running.client("dynamodb").scan(TableName=TABLE)["Items"]}


def saved_at(running: Emulator) -> str | None:
    running.hear()
    return running.saved_at


def await_saved(running: Emulator, state: Path, text: str) -> None:
    """Until the table's file has ``text``, and the emulator has said so."""

    def is_saved() -> bool:
        path, left = state / "dynamodb.json", Saved.read(state)
        return path.exists() and text in path.read_text() and left is not None and left.at == saved_at(running)

    await_that(is_saved, what="A save")


def problem(running: Emulator) -> str | None:
    running.hear()
    return running.problem


def test_what_was_written_before_a_save_survives_a_kill(state: Path) -> None:
    with emulator(state) as running:
        running.client("sqs").create_queue(QueueName="notifier")
        make_table(running)
        write(running, "ada", "grace")
        await_saved(running, state, "grace")
        running.child.kill()
        assert not running.is_saved
    left = Saved.read(state)
    assert left is not None
    assert (left.is_all, left.at) == (False, running.saved_at)
    with emulator(state) as running:
        assert ids(running) == {"ada", "grace"}
        assert running.client("sqs").get_queue_url(QueueName="notifier")


def test_a_kill_before_the_first_save_is_noticed(state: Path) -> None:
    with emulator(state) as running:
        make_table(running)
        await_that(lambda: Saved.read(state) is not None, what="The mark that there is something to save")
        running.child.kill()
    assert Saved.read(state) == Saved(None, is_all=False)


def test_a_run_that_changes_nothing_leaves_no_trace_of_loss(state: Path) -> None:
    with emulator(state) as running:
        assert not has_table(running)
        running.child.kill()
    assert Saved.read(state) is None


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_end_saves_all(state: Path, end: signal.Signals) -> None:
    with emulator(state) as running:
        make_table(running)
        write(running, "last")
        os.kill(running.child.pid, end)
        await_that(lambda: not running.child.is_running, what="Its end")
        assert running.is_saved
    left = Saved.read(state)
    assert left is not None
    assert left.is_all
    with emulator(state) as running:
        assert ids(running) == {"last"}


def test_a_save_while_it_answers_is_of_one_moment(state: Path) -> None:
    """Two items that are always written together are saved together."""
    with emulator(state) as running:
        make_table(running)
        path, number = state / "dynamodb.json", 0
        while not path.exists() or "right" not in path.read_text():
            number += 1
            pair = [{"Put": {"TableName": TABLE, "Item": _item(name, number)}} for name in ("left", "right")]
            running.client("dynamodb").transact_write_items(TransactItems=pair)
        running.child.kill()
    with emulator(state) as running:
        items = running.client("dynamodb").scan(TableName=TABLE)["Items"]
        assert len({item["number"]["N"] for item in items}) == 1
        assert len(items) == 2


def _item(name: str, number: int) -> dict[str, dict[str, str]]:
    return {"id": {"S": name}, "number": {"N": str(number)}}


def to_a_full_disk(state: Path) -> Callable[[], None]:
    return _full_disk_in_place_of(state / "dynamodb.partial")


def to_a_full_disk_for_the_queues(state: Path) -> Callable[[], None]:
    return _full_disk_in_place_of(state / "sqs.partial")


def _full_disk_in_place_of(path: Path) -> Callable[[], None]:
    """The emulator may write the file meanwhile."""
    while not path.is_symlink():
        path.unlink(missing_ok=True)
        with suppress(FileExistsError):
            path.symlink_to("/dev/full")
    return path.unlink


def to_a_folder_that_was_moved_away(state: Path) -> Callable[[], None]:
    away = state.with_name("away")
    state.rename(away)

    def mend() -> None:
        away.rename(state)

    return mend


def to_a_folder_that_became_a_file(state: Path) -> Callable[[], None]:
    away = state.with_name("away")
    state.rename(away)
    state.write_text("a letter")

    def mend() -> None:
        state.unlink()
        away.rename(state)

    return mend


def to_a_folder_in_the_files_place(state: Path) -> Callable[[], None]:
    return _folder_in_place_of(state / "dynamodb.json")


def beside_a_note_in_the_way(state: Path) -> Callable[[], None]:
    return _folder_in_place_of(state / "saved.json")


def _folder_in_place_of(path: Path) -> Callable[[], None]:
    """The emulator may write the file meanwhile."""
    while not path.is_dir():
        path.unlink(missing_ok=True)
        with suppress(FileExistsError):
            path.mkdir()
    (path / "inside").mkdir()
    return lambda: shutil.rmtree(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (to_a_full_disk, "No space left on device"),
        (to_a_full_disk_for_the_queues, "No space left on device"),
        (to_a_folder_that_was_moved_away, "No such file or directory"),
        (to_a_folder_that_became_a_file, "Not a directory"),
        (to_a_folder_in_the_files_place, "Is a directory"),
        (beside_a_note_in_the_way, "Is a directory"),
    ],
)
def test_a_save_that_fails_is_reported_and_made_up_for(
    state: Path, spoil: Callable[[Path], Callable[[], None]], words: str
) -> None:
    with emulator(state) as running:
        make_table(running)
        await_saved(running, state, TABLE)
        mend = spoil(state)
        write(running, "ada")
        assert await_that(lambda: problem(running), what="A report") == words
        assert ids(running) == {"ada"}
        mend()
        await_that(lambda: problem(running) is None, seconds=60, what="A save")
        running.child.kill()
    with emulator(state) as running:
        assert ids(running) == {"ada"}


@pytest.mark.parametrize("spoil", [to_a_full_disk, to_a_folder_that_was_moved_away, to_a_folder_in_the_files_place])
def test_an_end_that_cannot_save_says_so(state: Path, spoil: Callable[[Path], Callable[[], None]]) -> None:
    with emulator(state) as running:
        make_table(running)
        await_saved(running, state, TABLE)
        before = saved_at(running)
        spoil(state)
        write(running, "lost")
        running.stop()
        assert not running.is_saved
        assert running.reason in ("No space left on device", "No such file or directory", "Is a directory")
        assert running.saved_at == before


@pytest.mark.parametrize(
    "environment",
    [
        {"AUTH": "true"},
        {"USE_SSL": "1"},
        {"SERVICES": "s3"},
        {"GATEWAY_PORT": "1", "EDGE_PORT": "2"},
        {"BIND_HOST": "0.0.0.0"},
        {"PERSIST_STATE": "1", "STATE_DIR": "/proc/nowhere", "LOCALSTACK_PERSISTENCE": "1"},
        {"MINISTACK_REGION": "eu-central-1", "MINISTACK_ACCOUNT_ID": "111111111111"},
        {"LOG_LEVEL": "ERROR"},
        {"PYTHONPATH": "/proc/nowhere", "PYTHONSAFEPATH": ""},
        {"DOCKER_HOST": "tcp://127.0.0.1:1", "IOT_MTLS_ENABLED": "1", "SFTP_ENABLED": "1"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_a_persons_settings_for_other_programs_change_nothing(
    state: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with emulator(state) as running:
        resources = make_resources(running, Template())
        assert all("/000000000000/" in url for url in resources.queue_urls.values())
        table = running.client("dynamodb").describe_table(TableName=resources.table_name)["Table"]
        assert table["TableArn"].startswith("arn:aws:dynamodb:us-east-1:000000000000:")
        assert listening(running.child.pid) == {running.url.removeprefix("http://")}


# What an earlier run left


@pytest.mark.parametrize("name", ["dynamodb", "sqs"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is damaged."),
        (b'{"__ministack_format__": 2, "payl', "is damaged."),
        (b"\x00" * 4096, "is damaged."),
        (b"\xff\xfe\x9c", "is damaged."),
        (b"[" * 100_000, "is damaged."),
        (b"null", "is damaged."),
        (b"[]", "is damaged."),
        (b'"text"', "is damaged."),
        (b'{"tables": {}}', "is damaged."),
        (b'{"__ministack_format__": "two", "payload": {}}', "is damaged."),
        (b'{"__ministack_format__": 2, "payload": [1]}', "is damaged."),
        (b'{"__ministack_format__": 99, "payload": {}}', "was written by a newer release of the emulator."),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_a_state_that_cannot_be_read_is_refused_and_left_as_it_is(
    state: Path, name: str, content: bytes, words: str
) -> None:
    path = state / f"{name}.json"
    state.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(EmulatorRefusal, match=re.escape(f"{path} {words}")), emulator(state):
        pass
    assert path.read_bytes() == content


def test_a_state_that_is_a_folder_is_refused(state: Path) -> None:
    (state / "dynamodb.json").mkdir(parents=True)
    with pytest.raises(EmulatorRefusal, match=r"dynamodb.json cannot be read: Is a directory\."), emulator(state):
        pass


# Older releases


def test_a_table_of_an_earlier_release_gets_the_indexes_that_it_lacks(state: Path) -> None:
    template = Template()
    wanted = template.table()
    names = [index["IndexName"] for index in wanted["GlobalSecondaryIndexes"]]
    with emulator(state) as running:
        dynamodb = running.client("dynamodb")
        old = wanted | {"GlobalSecondaryIndexes": wanted["GlobalSecondaryIndexes"][:1]}
        used = {key["AttributeName"] for part in (wanted, *old["GlobalSecondaryIndexes"]) for key in part["KeySchema"]}
        old["AttributeDefinitions"] = [row for row in wanted["AttributeDefinitions"] if row["AttributeName"] in used]
        dynamodb.create_table(TableName="b2b", **old)
        dynamodb.put_item(
            TableName="b2b",
            Item={
                row["AttributeName"]: {"S": "x"}
                for row in wanted["AttributeDefinitions"]
                if row["AttributeType"] == "S"
            },
        )
        resources = make_resources(running, template)
        school = Emulated(resources, dynamodb, running.client("sqs"))
        table = school.dynamodb.describe_table(TableName="b2b")["Table"]
        assert sorted(index["IndexName"] for index in table["GlobalSecondaryIndexes"]) == sorted(names)
        for name in names:
            assert school.dynamodb.scan(TableName="b2b", IndexName=name)["Count"] == 1


def test_a_table_with_another_key_is_refused(state: Path) -> None:
    with emulator(state) as running:
        running.client("dynamodb").create_table(
            TableName="b2b",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        with pytest.raises(CommandError, match="another key than this release's"):
            make_resources(running, Template())


def test_queues_of_an_earlier_release_get_this_ones_settings(state: Path) -> None:
    template = Template()
    with emulator(state) as running:
        sqs = running.client("sqs")
        urls = make_resources(running, template).queue_urls
        before = {name: _attributes(sqs, url) for name, url in urls.items()}
        for url in urls.values():
            sqs.set_queue_attributes(
                QueueUrl=url, Attributes={"VisibilityTimeout": "7", "MessageRetentionPeriod": "77"}
            )
            sqs.send_message(QueueUrl=url, MessageBody="kept")
        assert make_resources(running, template).queue_urls == urls
        for name, url in urls.items():
            wanted = template.queues()[name]
            for attribute in ("VisibilityTimeout", "MessageRetentionPeriod"):
                if attribute in wanted:
                    assert _attributes(sqs, url)[attribute] == before[name][attribute]
            assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"


def _attributes(sqs: object, url: str) -> dict[str, str]:
    answer: dict[str, dict[str, str]] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])  # type: ignore[attr-defined] # botocore makes its methods at run time
    return answer["Attributes"]


# From a browser


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ],
)
def test_no_web_page_reaches_the_emulator(state: Path, headers: dict[str, str], code: int) -> None:
    with emulator(state) as running:
        target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
        answer = httpx.post(f"{running.url}/", headers=target | headers, json={}, trust_env=False)
        assert answer.status_code == code
        if code == 403:
            assert "access-control-allow-origin" not in answer.headers


_STARTS_ONE = """
import sys, time
from pathlib import Path
from b2b_cli.local.emulator import Emulator, EmulatorRefusal
from b2b_cli.local.processes import is_alive
state = Path(sys.argv[1])
running = Emulator(log=state.parent / "emulator.log", state=state)
running.client("sqs").create_queue(QueueName="notifier")
print(running.child.pid, flush=True)
time.sleep(600)
"""


def test_it_saves_and_ends_when_the_process_that_started_it_is_killed(state: Path) -> None:
    state.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", _STARTS_ONE, str(state)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    await_that(lambda: not is_alive(pid), what="The end of the orphan")
    left = Saved.read(state)
    assert left is not None
    assert left.is_all
