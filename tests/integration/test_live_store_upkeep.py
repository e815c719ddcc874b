"""How a store is kept: steps from older versions, and the check of what follows from its log."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from typer.testing import CliRunner

from streaming_production import migrations, self_check
from streaming_production.events import internal_event
from streaming_production.storage.engine import Database
from streaming_production.storage.tables import metadata
from streaming_production.store import Store, StoreUnwritable
from tests.live_facts import (
    FIRST_DAY,
    LIMITS,
    about_order,
    answered,
    changed,
    closed,
    decided,
    happened,
    parsed,
    posted,
    registered,
    sale,
)

# The steps from an older database


def test_the_steps_make_the_tables_that_are_declared(store_url: str) -> None:
    Store.open(store_url).close()
    database = Database(store_url)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


@pytest.mark.parametrize("revision", ["0001", "0004"])
def test_a_database_of_an_older_version_is_brought_up_to_date(
    store_url: str, revision: str
) -> None:
    with Store.open(store_url) as store:
        busy_store_with_milk(store)
        store.append([changed(terms={"unit_price": 3.5}), sale(8, 1), *parsed(FAR_AWAY)])
        events = store.events_after(0, 99)
    step_back(store_url, revision)
    with Store.open(store_url) as store:
        assert store.self_check() == []
        assert store.events_after(0, 99) == events
        assert store.append([sale(8, 1), *parsed(FAR_AWAY)]).duplicates == 2
        store.append([sale("late", 1, at="2024-02-29T09:00:00Z"), sale(10, 1)])
        assert store.self_check() == []


TWO_SOLD = posted(1, "sale.recorded", quantity=2)
FAR_AWAY = posted(9, "sale.recorded", at="2024-03-01T23:30:00.5-05:00", quantity=1) | {"a": "b"}
WHOLE_FAR_AWAY = (  # as the log held it whole, up to version 0004
    b'{"a":"b","data":{"price":null,"quantity":1},"id":"9","source":"tests","specversion":"1.0",'
    b'"subject":"milk","time":"2024-03-01T23:30:00.500000-05:00","type":"sale.recorded"}'
)
WHOLE_TWO_SOLD = (
    b'{"data":{"price":null,"quantity":2},"id":"1","source":"tests","specversion":"1.0",'
    b'"subject":"milk","time":"2024-03-01T12:00:00+00:00","type":"sale.recorded"}'
)


def test_whole_events_of_an_older_version_become_what_columns_do_not_tell(
    store_url: str,
) -> None:
    def kept(column: str) -> list[object]:
        database = Database(store_url)
        with database.read() as connection:
            query = text(f"SELECT {column} FROM events WHERE source = 'tests' ORDER BY seq")
            found = list(connection.execute(query).scalars())
        database.close()
        return found

    rests = [
        '{"data":{"price":null,"quantity":2}}',
        '{"a":"b","data":{"price":null,"quantity":1},"time":"2024-03-01T23:30:00.500000-05:00"}',
    ]
    with Store.open(store_url) as store:
        store.append([registered(), *parsed(TWO_SOLD, FAR_AWAY)])
    assert kept("rest") == rests
    step_back(store_url, "0004")
    assert kept("body") == [WHOLE_TWO_SOLD, WHOLE_FAR_AWAY]
    Store.open(store_url).close()
    assert kept("rest") == rests


@pytest.mark.parametrize(
    ("body", "kept"), [(b"{", "{"), (b'{"id":"\x00"', '{"id":"\\x00"'), (b"{\xff", "{\\xff")]
)
def test_an_event_that_cannot_be_read_survives_the_step_and_is_told(
    store_url: str, body: bytes, kept: str
) -> None:
    with Store.open(store_url) as store:
        store.append([registered(), sale(1, 2)])
    step_back(store_url, "0004")
    database = Database(store_url)
    with database.write() as connection:
        connection.execute(text("UPDATE events SET body = :body WHERE seq = 2"), {"body": body})
    with Store.open(store_url) as store:
        [found] = [one for one in store.self_check() if one.table == "events"]
        assert (found.column, found.stored[:20]) == ("rest", "among events 1 to 2:")
    with database.read() as connection:
        assert connection.execute(text("SELECT rest FROM events WHERE seq = 2")).scalar() == kept
    database.close()


def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE a (b)")
    before = path.read_bytes()
    for opened in (Store.open, Store.open_existing):
        with pytest.raises(StoreUnwritable, match=r"other\.db is no store: name another database"):
            opened(str(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def step_back(url: str, revision: str) -> None:
    """Make a database as it was in an older version."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    database = Database(url)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    database.close()


# The self-check


def busy_store_with_milk(store: Store) -> None:
    """Let something of every kind happen to a new store."""
    store.append([registered("milk", 100)])
    store.append([registered("bread", 5), sale(1, 5), closed("c1")])
    store.append(
        [decided(1, status="automatic", quantity=40), decided(2, "bread", status="waiting")]
    )
    store.append([answered(2, "approved", quantity=7), about_order(1, "sent")])
    store.append([happened(2, "receipt.recorded", quantity=40, order_id="order-1")])
    store.append([sale("late", 1, at="2024-03-01T01:00:00Z"), changed(terms={"moq": 2})])
    signal = {"signal_id": "s", "kind": "viral", "start": "2024-03-02"}
    store.append([happened(3, "signal.announced", None, **signal)])
    store.append([internal_event("autonomy.changed", None, FIRST_DAY, LIMITS)])
    store.reset("Ada", "again")
    store.append([sale(1, 7), happened(4, "stock.counted", "bread", on_hand=2)])


def test_all_that_follows_from_a_log_is_found_to_follow(store_url: str) -> None:
    with Store.open(store_url) as store:
        busy_store_with_milk(store)
        assert store.self_check() == []


CORRUPTIONS = [
    ("UPDATE item_states SET opening_stock = 9 WHERE unique_id = 'bread'", "item_states"),
    ("UPDATE item_states SET last_day_number = NULL WHERE unique_id = 'bread'", "item_states"),
    ("UPDATE item_states SET last_day_number = 99 WHERE unique_id = 'bread'", "item_states"),
    ("UPDATE item_states SET last_day_number = 3 - last_day_number", "item_states"),
    ("UPDATE item_days SET closing = closing + 1 WHERE unique_id = 'bread'", "item_days"),
    ("UPDATE item_days SET unmet = 9", "item_days"),
    ("UPDATE item_days SET last_seq = 2", "item_days"),
    ("UPDATE item_days SET last_event_seq = 2", "item_days"),
    ("DELETE FROM item_days WHERE unique_id = 'bread'", "item_days"),
    ("UPDATE events SET before_seq = NULL WHERE before_seq IS NOT NULL", "events"),
    ("UPDATE orders SET status = 'received'", "orders"),
    ("DELETE FROM decisions WHERE decision_id = 'decision-2'", "decisions"),
    ("UPDATE items SET unit_cost = 1", "items"),
    ("DELETE FROM signal_events", "signal_events"),
    ("UPDATE autonomy SET who = 'Eve'", "autonomy"),
    ("INSERT INTO closings VALUES (99, 1, '2024-03-09', '')", "closings"),
    ("DELETE FROM events WHERE seq = 3", "events"),
    ("UPDATE events SET unique_id = 'bread' WHERE seq = 3", "events"),
    ("UPDATE events SET rest = '{}' WHERE seq = 3", "events"),
    ("UPDATE events SET rest = '[]' WHERE seq = 3", "events"),
    ("UPDATE events SET rest = '{' WHERE seq = 3", "events"),
    ("UPDATE events SET rest = x'FF' WHERE seq = 3", "events"),
    ("UPDATE events SET rest = rest || ' ' WHERE seq = 3", "events"),
    ("UPDATE events SET rest = replace(rest, '5', '6') WHERE seq = 3", "item_days"),
    ("UPDATE events SET instant = '2024-03-01' WHERE seq = 3", "events"),
    ("UPDATE events SET instant = '2024-03-02T12:00:00.000000Z' WHERE seq = 3", "events"),
    ("UPDATE events SET type = 'sale' WHERE seq = 3", "events"),
]


def test_the_self_check_finds_what_was_changed_by_hand(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    with Store.open(sqlite_url) as store:
        busy_store_with_milk(store)
        for change, table in CORRUPTIONS:
            backup = sqlite3.connect(":memory:")
            with closing(sqlite3.connect(path)) as file, closing(backup):
                file.backup(backup)
                with file:
                    file.execute(change)
                assert table in {one.table for one in store.self_check()}, change
                backup.backup(file)
        assert store.self_check() == []


def test_the_command_says_what_it_found_by_its_exit_code(sqlite_url: str, tmp_path: Path) -> None:
    run = CliRunner().invoke
    with Store.open(sqlite_url) as store:
        busy_store_with_milk(store)
        good = run(self_check.app, ["--store", sqlite_url])
        assert (good.exit_code, "no difference" in good.output) == (0, True)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file, file:
            file.execute("UPDATE item_days SET closing = 3 WHERE unique_id = 'bread'")
        bad = run(self_check.app, ["--store", sqlite_url])
        found = "item_days [2, bread, 2024-03-01] closing: stored 3" in bad.output
        assert (bad.exit_code, found) == (1, True)
    missing = run(self_check.app, ["--store", str(tmp_path / "none.db")])
    assert (missing.exit_code, "there is no database" in missing.output) == (2, True)
    assert run(self_check.app, ["--store", "mysql://shop"]).exit_code == 2
    assert not (tmp_path / "none.db").exists()
